using System.Text.Json;
using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>
/// Encodes rows anew that were encoded for an earlier state of their table, by way of JSON: at its time such a row was
/// right, so as much as can be is done for it. Not thread-safe.
/// </summary>
/// <remarks>
/// In a tuple, NULL stands for null and for "left out" alike (see <see cref="RowPlan"/>). So a NULL whose column is
/// gone, takes no input any more, or has become NOT NULL with a default, is left out.
/// </remarks>
public sealed class RowReencoder
{
    /// <summary>SQLSTATE: the row gives a column that the table does not have any more.</summary>
    public const string UndefinedColumn = "42703";

    /// <summary>SQLSTATE: the row gives a column that takes no input any more.</summary>
    public const string GeneratedAlways = "428C9";

    /// <summary>SQLSTATE: the row has no value for a column that has become NOT NULL.</summary>
    public const string NotNullViolation = "23502";

    /// <summary>SQLSTATE: a value does not fit its column's new type. The class's own code: codecs give words
    /// only.</summary>
    public const string DataException = "22000";

    private readonly TableDescriptor table;
    private readonly RowEncoder encoder;
    private readonly RowErrors errors = new();
    private readonly TupleWriter row = new();
    private readonly TupleWriter value = new();
    private readonly TupleWriter probe = new();

    public RowReencoder(TableDescriptor table)
    {
        this.table = table;
        encoder = new RowEncoder(table) { WereTakenBefore = true };
    }

    /// <summary>Encodes the rows of a run anew, in order, and appends those that fit the table to the block.</summary>
    /// <returns>For each row of the run, null where it was appended, else why it cannot be written.</returns>
    /// <exception cref="Npgsql.NpgsqlException">A row needs a key, and the database could not be asked for some; the
    /// block then holds the rows before that one.</exception>
    public async ValueTask<IReadOnlyList<Rejection?>> ReencodeAsync(
        RowRun run, RowBlock block, CancellationToken cancellation)
    {
        var results = new Rejection?[run.Count];
        for (var i = 0; i < run.Count; i++)
        {
            bool needsKeys;
            while ((results[i] = Reencode(run.Shape, run.Slice(i, 1).Span, block, out needsKeys)) is null && needsKeys)
                await table.Keys!.ReserveAsync(cancellation);
        }

        return results;
    }

    private Rejection? Reencode(Shape shape, ReadOnlySpan<byte> tuple, RowBlock block, out bool needsKeys)
    {
        needsKeys = false;
        if (WriteJson(shape, tuple) is { } rejection) return rejection;
        errors.Clear();
        var result = encoder.EncodeJson(row.Written, block, errors);
        needsKeys = result == EncodeResult.NeedsKeys;
        return result == EncodeResult.Invalid ? Describe() : null;
    }

    private Rejection? WriteJson(Shape shape, ReadOnlySpan<byte> tuple)
    {
        row.Truncate(0);
        using var json = new Utf8JsonWriter(row);
        json.WriteStartObject();
        for (var i = 0; i < shape.Columns.Length; i++)
        {
            var name = shape.Columns[i].Name;
            var isNull = !TupleReader.TryGetField(tuple, i, out _);
            var column = table.ByName.GetValueOrDefault(name);
            if (isNull && (column is null || IsLeftOut(column))) continue;
            if (column is null)
                return new Rejection(UndefinedColumn, $"The table has no column \"{name}\" any more.", Column: name);
            if (column.RefusesInput is { } reason && !IsGeneratedKey(column))
                return new Rejection(GeneratedAlways, $"Column \"{name}\" {reason}.", Column: name);
            json.WritePropertyName(name);
            var codec = column.Codec;
            if (codec.Name == shape.Columns[i].Codec) TupleReader.WriteField(shape, tuple, i, codec, json);
            else WriteChanged(shape, tuple, i, codec, json);
        }

        json.WriteEndObject();
        return null;
    }

    /// <summary>
    /// Writes a field for a column that has another type now: as the value that it was where the new type takes that,
    /// else as the value's text, which is how the number of a column that has become text fits.
    /// </summary>
    private void WriteChanged(Shape shape, ReadOnlySpan<byte> tuple, int index, FieldCodec codec, Utf8JsonWriter json)
    {
        value.Truncate(0);
        using (var writer = new Utf8JsonWriter(value)) TupleReader.WriteField(shape, tuple, index, known: null, writer);
        var reader = new Utf8JsonReader(value.Written);
        reader.Read();
        probe.Truncate(0);
        var isScalar = reader.TokenType is JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False;
        if (isScalar && codec.EncodeJson(ref reader, probe) is not null) json.WriteStringValue(value.Written);
        else json.WriteRawValue(value.Written);
    }

    private static bool IsLeftOut(Column column) =>
        column.RefusesInput is not null || (!column.IsNullable && column.HasDefault);

    private bool IsGeneratedKey(Column column) => table.KeyGeneration != KeyGeneration.None && table.Key[0] == column;

    private Rejection Describe()
    {
        if (errors.Columns.Count == 0)
            return new Rejection(DataException, $"The row, written for an earlier state of the table, {errors.Row}.");
        var (column, message) = errors.Columns[0];
        var isMissing = message == RowScratch.NotNull
            || message.StartsWith(RowScratch.Required, StringComparison.Ordinal);
        var sqlState = isMissing ? NotNullViolation : DataException;
        return new Rejection(sqlState, $"Column \"{column}\" {message}.", Column: column);
    }
}
