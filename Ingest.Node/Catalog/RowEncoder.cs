using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Ingest.Messages;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Catalog;

/// <summary>How the encoding of one row ended.</summary>
public enum EncodeResult
{
    /// <summary>The row was appended to the block.</summary>
    Encoded,

    /// <summary>The row is at fault: the errors say why, and the block is as it was.</summary>
    Invalid,

    /// <summary>The row needs a key from a sequence whose block is used up: await
    /// <see cref="SequenceKeys.ReserveAsync"/> of the table's keys, then encode again. The block is as it
    /// was.</summary>
    NeedsKeys,
}

/// <summary>
/// Validates rows against a table and encodes each, in one pass over its UTF-8, into its binary COPY tuple. Holds
/// scratch space, so it is reusable but not thread-safe: one for each request or stream at a time. A valid row
/// allocates nothing once the scratch space has grown to its size.
/// </summary>
public sealed partial class RowEncoder
{
    /// <summary>How deep a row's JSON may be nested when it comes.</summary>
    public const int MaxDepth = 64;

    // PostgreSQL's names have at most 63 bytes, each at most six characters long when it is escaped.
    private const int LongestName = 63 * 6;

    private readonly RowPlan plan;
    private readonly RowScratch scratch;

    public RowEncoder(TableDescriptor table)
    {
        Table = table;
        plan = table.Plan;
        scratch = new RowScratch(table);
    }

    public TableDescriptor Table { get; }

    /// <summary>The rows were taken before. So they may give the generated key though the column refuses input, and
    /// hold JSON that is nested as deep as a CSV field's may be.</summary>
    internal bool WereTakenBefore { get; init; }

    private int Depth => WereTakenBefore ? 1 + JsonText.MaxDepth : MaxDepth;

    private JsonReaderOptions Options => new() { MaxDepth = Depth };

    /// <summary>Encodes one JSON object. <paramref name="utf8"/> holds the object and nothing else but white
    /// space.</summary>
    /// <remarks>
    /// Members are matched to columns exactly, in any order. A column that is left out takes its default, or NULL; null
    /// is NULL. All columns at fault are reported, not only the first.
    /// </remarks>
    public EncodeResult EncodeJson(ReadOnlySpan<byte> utf8, RowBlock block, RowErrors errors)
    {
        var reader = new Utf8JsonReader(utf8, Options);
        scratch.Begin();
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                errors.AddRow("must be a JSON object");
                return EncodeResult.Invalid;
            }

            ReadMembers(ref reader, errors);
            // Past the end the reader finds nothing but white space, or throws.
            reader.Read();
        }
        catch (JsonException malformed)
        {
            errors.AddRow(Describe(malformed, utf8, reader.CurrentDepth));
            return EncodeResult.Invalid;
        }

        return scratch.Finish(block, errors);
    }

    private void ReadMembers(ref Utf8JsonReader reader, RowErrors errors)
    {
        var expected = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var column = Find(ref reader, expected);
            expected = column + 1;
            if (column < 0) errors.AddUnknown(NameOf(ref reader), plan.UnknownColumn);
            if (column < 0 || !scratch.TryBegin(column, WereTakenBefore, errors))
            {
                reader.Skip();
                continue;
            }

            reader.Read();
            if (reader.TokenType == JsonTokenType.Null)
            {
                scratch.AddNull(column, errors);
                continue;
            }

            var codec = plan.Slots[column].Column.Codec;
            scratch.EndField(column, codec.EncodeJson(ref reader, scratch.BeginField(column)), errors);
        }
    }

    /// <summary>The index of the column that the member names; -1 where there is none.</summary>
    /// <param name="expected">The column that comes next when rows name them in order, as most do.</param>
    private int Find(ref Utf8JsonReader reader, int expected)
    {
        if (!reader.ValueIsEscaped && expected < plan.Slots.Length
            && reader.ValueSpan.SequenceEqual(plan.Slots[expected].Utf8Name.Span))
            return expected;
        if (reader.ValueSpan.Length > LongestName) return -1;
        Span<char> name = stackalloc char[LongestName];
        if (!reader.ValueIsEscaped) return FindUtf8(reader.ValueSpan, name);
        try
        {
            return plan.IndexOf(name[..reader.CopyString(name)]);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, which no column has in its name.
            return -1;
        }
    }

    private int FindUtf8(ReadOnlySpan<byte> utf8, Span<char> name)
    {
        var status = Utf8.ToUtf16(utf8, name, out _, out var length, replaceInvalidSequences: false);
        return status == System.Buffers.OperationStatus.Done ? plan.IndexOf(name[..length]) : -1;
    }

    private static string NameOf(ref Utf8JsonReader reader)
    {
        if (reader.ValueIsEscaped && reader.ValueSpan.Length <= LongestName)
        {
            try
            {
                return reader.GetString()!;
            }
            catch (InvalidOperationException)
            {
                // Half a surrogate pair: as it was sent.
            }
        }

        return NameOf(reader.ValueSpan);
    }

    private static string NameOf(ReadOnlySpan<byte> raw)
    {
        const int longest = 100;
        // What a caller sends is not sent back at any length, and need not be valid.
        return raw.Length <= longest
            ? Encoding.UTF8.GetString(raw)
            : string.Concat(Encoding.UTF8.GetString(raw[..longest]), "...");
    }

    private string Describe(JsonException malformed, ReadOnlySpan<byte> utf8, int depth)
    {
        if (utf8.Trim(" \t\r\n"u8).IsEmpty) return "is empty: expected a JSON object";
        // The reader counts a container only once it is inside of it.
        if (depth >= Depth - 1) return $"is nested deeper than {Depth} levels";
        return $"is not valid JSON at line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine + 1}";
    }

    /// <summary>Writes the key of an encoded row as a JSON value: the value of a single column; an object for a
    /// composite key; null where the table has no key or PostgreSQL makes it.</summary>
    public static void WriteKey(TableDescriptor table, Shape shape, ReadOnlySpan<byte> tuple, Utf8JsonWriter json)
    {
        foreach (var column in table.Key)
        {
            if (TupleReader.IndexOf(shape, column.Name) >= 0) continue;
            json.WriteNullValue();
            return;
        }

        if (table.Key.Length == 1)
        {
            var key = table.Key[0];
            TupleReader.WriteField(shape, tuple, TupleReader.IndexOf(shape, key.Name), key.Codec, json);
            return;
        }

        if (table.Key.IsEmpty)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        foreach (var column in table.Key)
        {
            json.WritePropertyName(column.Name);
            TupleReader.WriteField(shape, tuple, TupleReader.IndexOf(shape, column.Name), column.Codec, json);
        }

        json.WriteEndObject();
    }
}
