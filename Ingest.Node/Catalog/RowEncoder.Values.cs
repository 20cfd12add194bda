using System.Text.Json;

namespace Ingest.Node.Catalog;

/// <summary>Rows from the typed values of <c>ingest.v1</c> (Ingest.Messages/Api/ingest/v1/ingest.proto).</summary>
public sealed partial class RowEncoder
{
    // The fields of ingest.v1.Record, of ingest.v1.Values and of an entry of its map.
    private const int RecordValues = 1;
    private const int ValuesColumns = 1;
    private const int EntryKey = 1;
    private const int EntryValue = 2;

    /// <summary>Encodes a <c>Record</c>: values in the order of the header. A value with nothing in it leaves its
    /// column out.</summary>
    /// <param name="header">The columns, for the same descriptor as this encoder.</param>
    /// <exception cref="ProtobufException">The message is malformed.</exception>
    public EncodeResult EncodeRecord(ReadOnlySpan<byte> record, RowHeader header, RowBlock block, RowErrors errors)
    {
        if (header.Table != Table) throw new ArgumentException("The header is of another table.", nameof(header));
        scratch.Begin();
        var count = 0;
        var reader = new ProtobufReader(record);
        while (reader.Next())
        {
            if (reader.Field != RecordValues)
            {
                reader.Skip();
                continue;
            }

            reader.Expect(ProtobufReader.Length);
            var value = new ProtobufReader(reader.ReadBytes());
            if (count++ < header.Columns.Length && value.Next()) Take(header.Columns[count - 1], ref value, errors);
        }

        if (count != header.Columns.Length)
            errors.AddRow($"has {count} values where the header has {header.Columns.Length}");
        return errors.Row is null ? scratch.Finish(block, errors) : EncodeResult.Invalid;
    }

    /// <summary>Encodes <c>Values</c>: a map from columns to values.</summary>
    /// <exception cref="ProtobufException">The message is malformed.</exception>
    public EncodeResult EncodeValues(ReadOnlySpan<byte> values, RowBlock block, RowErrors errors)
    {
        scratch.Begin();
        var reader = new ProtobufReader(values);
        while (reader.Next())
        {
            if (reader.Field != ValuesColumns)
            {
                reader.Skip();
                continue;
            }

            reader.Expect(ProtobufReader.Length);
            TakeEntry(new ProtobufReader(reader.ReadBytes()), errors);
        }

        return errors.Row is null ? scratch.Finish(block, errors) : EncodeResult.Invalid;
    }

    private void TakeEntry(ProtobufReader entry, RowErrors errors)
    {
        ReadOnlySpan<byte> name = default, content = default;
        while (entry.Next())
        {
            if (entry.Field is not (EntryKey or EntryValue))
            {
                entry.Skip();
                continue;
            }

            entry.Expect(ProtobufReader.Length);
            if (entry.Field == EntryKey) name = entry.ReadBytes();
            else content = entry.ReadBytes();
        }

        var value = new ProtobufReader(content);
        if (!value.Next()) return;
        Span<char> text = stackalloc char[LongestName];
        var column = name.Length <= LongestName ? FindUtf8(name, text) : -1;
        if (column < 0) errors.AddUnknown(NameOf(name), plan.UnknownColumn);
        else Take(column, ref value, errors);
    }

    /// <summary>Encodes one <c>Value</c>, of which the first field has been found.</summary>
    private void Take(int column, ref ProtobufReader value, RowErrors errors)
    {
        if (!scratch.TryBegin(column, WereTakenBefore, errors)) return;
        if (value.Field == TypedValue.Null)
        {
            scratch.AddNull(column, errors);
            return;
        }

        var codec = plan.Slots[column].Column.Codec;
        var writer = scratch.BeginField(column);
        string? error;
        switch (value.Field)
        {
            case TypedValue.Boolean:
                value.Expect(ProtobufReader.Varint);
                error = codec.EncodeTyped(value.ReadVarint() != 0, writer);
                break;
            case TypedValue.Integer:
                value.Expect(ProtobufReader.Varint);
                error = codec.EncodeTyped((long)value.ReadVarint(), writer);
                break;
            case TypedValue.Float:
                value.Expect(ProtobufReader.Fixed64);
                error = codec.EncodeTyped(value.ReadDouble(), writer);
                break;
            case TypedValue.Text:
                value.Expect(ProtobufReader.Length);
                error = codec.EncodeText(value.ReadBytes(), writer);
                break;
            case TypedValue.Bytes:
                value.Expect(ProtobufReader.Length);
                error = codec.EncodeBytes(value.ReadBytes(), writer);
                break;
            case TypedValue.Json:
                value.Expect(ProtobufReader.Length);
                TakeJson(column, value.ReadBytes(), errors);
                return;
            default:
                error = "has a kind of value that this version does not know";
                break;
        }

        scratch.EndField(column, error, errors);
    }

    /// <summary>Encodes a JSON text as a member of a JSON row would be, for a field that has been begun.</summary>
    private void TakeJson(int column, ReadOnlySpan<byte> utf8, RowErrors errors)
    {
        var reader = new Utf8JsonReader(utf8, Options);
        try
        {
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null)
            {
                scratch.TakeBackField(column);
                scratch.AddNull(column, errors);
                return;
            }

            var error = plan.Slots[column].Column.Codec.EncodeJson(ref reader, scratch.FieldWriter);
            // Past the end the reader finds nothing but white space, or throws.
            reader.Read();
            scratch.EndField(column, error, errors);
        }
        catch (JsonException)
        {
            scratch.EndField(column, "is not valid JSON", errors);
        }
    }

    /// <summary>The fields of <c>ingest.v1.Value</c>.</summary>
    private static class TypedValue
    {
        public const int Null = 1;
        public const int Boolean = 2;
        public const int Integer = 3;
        public const int Float = 4;
        public const int Text = 5;
        public const int Bytes = 6;
        public const int Json = 7;
    }
}
