using System.Buffers.Binary;
using System.Buffers.Text;
using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>
/// The fields of one row in the order in which they came, and the way from there to a tuple: what rows from JSON and
/// CSV have in common. A tuple of PostgreSQL's binary COPY format is a 16-bit count of fields, then each field behind
/// its 32-bit length, which is -1 for NULL (https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format").
/// </summary>
internal sealed class RowScratch
{
    public const string Required = "is required";
    public const string NotNull = "must not be null";

    private const int LengthBytes = 4;
    private const int Null = -1;

    // Where a column stands while a row is read; from 0 on it is the offset of its field's length in the scratch space.
    private const int NotGiven = -1;
    private const int Given = -2;

    private readonly TableDescriptor table;
    private readonly RowPlan plan;
    private readonly TupleWriter fields = new();
    private readonly int[] places;
    private readonly ulong[] defaults;

    public RowScratch(TableDescriptor table)
    {
        this.table = table;
        plan = table.Plan;
        places = new int[table.Columns.Length];
        defaults = new ulong[plan.DefaultWords];
    }

    public void Begin()
    {
        fields.Truncate(0);
        Array.Fill(places, NotGiven);
        Array.Clear(defaults);
    }

    /// <summary>Makes room for a column's field; false, with the error noted, where the row may not give it
    /// (again).</summary>
    public bool TryBegin(int column, bool takesGeneratedKey, RowErrors errors)
    {
        var (facts, bit) = (plan.Slots[column].Column, plan.Slots[column].DefaultBit);
        if (places[column] != NotGiven)
        {
            errors.Add(facts.Name, "is given more than once");
            return false;
        }

        places[column] = Given;
        if (bit >= 0) defaults[bit / 64] |= 1UL << bit;
        if (facts.RefusesInput is not { } reason || (takesGeneratedKey && column == plan.GeneratedKey)) return true;
        errors.Add(facts.Name, reason);
        return false;
    }

    public void AddNull(int column, RowErrors errors)
    {
        if (!plan.Slots[column].Column.IsNullable && !table.HasBeforeInsertTrigger)
        {
            errors.Add(plan.Slots[column].Column.Name, NotNull);
            return;
        }

        places[column] = fields.Length;
        fields.WriteInt32(Null);
    }

    /// <summary>Where a codec appends a field; <see cref="EndField"/> closes it.</summary>
    public TupleWriter BeginField(int column)
    {
        places[column] = fields.Length;
        fields.WriteInt32(0);
        return fields;
    }

    /// <summary>Where the field that was begun is appended.</summary>
    public TupleWriter FieldWriter => fields;

    /// <summary>Forgets a field that was begun: it becomes NULL.</summary>
    public void TakeBackField(int column) => fields.Truncate(places[column]);

    /// <param name="error">What the codec said.</param>
    public void EndField(int column, string? error, RowErrors errors)
    {
        var place = places[column];
        if (error is null)
        {
            fields.PatchInt32(place, fields.Length - place - LengthBytes);
            return;
        }

        fields.Truncate(place);
        places[column] = Given;
        errors.Add(plan.Slots[column].Column.Name, error);
    }

    /// <summary>Checks what is missing, makes the key, and appends the tuple to the block.</summary>
    public EncodeResult Finish(RowBlock block, RowErrors errors)
    {
        for (var i = 0; i < places.Length; i++)
        {
            var slot = plan.Slots[i];
            if (!slot.MustBeGiven || places[i] != NotGiven) continue;
            var reason = slot.Column.RefusesInput;
            errors.Add(slot.Column.Name, reason is null ? Required : $"{Required} and {reason}");
        }

        var shape = plan.ShapeOf(defaults);
        // Neither COPY nor INSERT has a form for rows without columns that fits a batch.
        if (shape.Columns.IsEmpty) errors.AddRow("must give at least one column");
        if (errors.Any) return EncodeResult.Invalid;
        if (plan.GeneratedKey >= 0 && places[plan.GeneratedKey] == NotGiven && !TryMakeKey(errors))
            return errors.Any ? EncodeResult.Invalid : EncodeResult.NeedsKeys;
        Assemble(shape, block);
        return EncodeResult.Encoded;
    }

    private bool TryMakeKey(RowErrors errors)
    {
        if (table.KeyGeneration == KeyGeneration.UuidV7)
        {
            var uuid = BeginField(plan.GeneratedKey);
            table.Uuids.Next(uuid.Append(UuidKeys.Size));
            EndField(plan.GeneratedKey, error: null, errors);
            return true;
        }

        if (!table.Keys!.TryTake(out var value)) return false;
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out var length);
        var codec = plan.Slots[plan.GeneratedKey].Column.Codec;
        var error = codec.EncodeText(digits[..length], BeginField(plan.GeneratedKey));
        // A sequence of type bigint may run beyond an int2 or int4 key; PostgreSQL would refuse the default just so.
        EndField(plan.GeneratedKey, error, errors);
        return error is null;
    }

    private void Assemble(Shape shape, RowBlock block)
    {
        var writer = block.Writer;
        writer.WriteInt16((short)shape.Columns.Length);
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] >= 0) CopyField(places[i], writer);
            else if (plan.Slots[i].IsInEachTuple) writer.WriteInt32(Null);
        }

        block.Commit(shape);
    }

    private void CopyField(int place, TupleWriter writer)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(fields.Written[place..]);
        writer.Write(fields.Written.Slice(place, LengthBytes + Math.Max(length, 0)));
    }
}
