using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>The form of an id.</summary>
internal enum IdKind
{
    Uuid,
    Integer,
    Json,
}

/// <summary>
/// The keys of rows that were written, in the forms that gRPC answers have for them. Collects those of consecutive rows
/// in reused buffers; not thread-safe.
/// </summary>
internal sealed class RowIds
{
    private const int UuidBytes = 16;

    private readonly TupleWriter uuids = new();
    private readonly List<long> integers = [];
    private readonly List<ByteString> json = [];

    /// <summary>The kind of the ids of a row's table.</summary>
    public static IdKind KindOf(Submission submission, int row) => CodecOf(submission, row) switch
    {
        "uuid" => IdKind.Uuid,
        "int2" or "int4" or "int8" => IdKind.Integer,
        _ => IdKind.Json,
    };

    /// <summary>One row's id by itself; null where it has none.</summary>
    public static Value? ValueOf(Submission submission, int row)
    {
        switch (CodecOf(submission, row))
        {
            case "uuid":
                return new Value { TextValue = UuidOf(submission, row).ToString() };
            case "int2" or "int4" or "int8":
                return new Value { IntValue = IntegerOf(submission, row) };
            case "text" or "varchar" or "bpchar" when submission[row].RepeatedId is null:
                return new Value { TextValue = ByteStringOf(FieldOf(submission, row)).ToStringUtf8() };
            default:
                var id = JsonOf(submission, row);
                return id.Span.SequenceEqual("null"u8) ? null : new Value { JsonValue = id };
        }
    }

    /// <summary>Adds the id of a row; all are of the same kind until they are taken.</summary>
    public void Add(IdKind kind, Submission submission, int row)
    {
        switch (kind)
        {
            case IdKind.Uuid when submission[row].RepeatedId is null:
                uuids.Write(FieldOf(submission, row));
                break;
            case IdKind.Uuid:
                UuidOf(submission, row).TryWriteBytes(uuids.Append(UuidBytes), bigEndian: true, out _);
                break;
            case IdKind.Integer:
                integers.Add(IntegerOf(submission, row));
                break;
            default:
                json.Add(JsonOf(submission, row));
                break;
        }
    }

    /// <summary>Takes all that were added.</summary>
    public Ids Take()
    {
        var ids = new Ids { Uuids = ByteStringOf(uuids.Written) };
        ids.Integers.AddRange(integers);
        ids.Json.AddRange(json);
        uuids.Truncate(0);
        integers.Clear();
        json.Clear();
        return ids;
    }

    /// <summary>The codec of the key's only column, where the row has it; else null.</summary>
    private static string? CodecOf(Submission submission, int row)
    {
        if (submission.Table.Key is not [var key]) return null;
        var shape = submission.Rows.ShapeOf(row);
        var index = TupleReader.IndexOf(shape, key.Name);
        return index < 0 ? null : shape.Columns[index].Codec;
    }

    private static ReadOnlySpan<byte> FieldOf(Submission submission, int row)
    {
        var index = TupleReader.IndexOf(submission.Rows.ShapeOf(row), submission.Table.Key[0].Name);
        TupleReader.TryGetField(submission.Rows.Tuple(row), index, out var field);
        return field;
    }

    private static Guid UuidOf(Submission submission, int row) => submission[row].RepeatedId is { } repeated
        ? Guid.Parse(repeated.AsSpan().Trim('"'))
        : new Guid(FieldOf(submission, row), bigEndian: true);

    private static long IntegerOf(Submission submission, int row)
    {
        if (submission[row].RepeatedId is { } repeated) return long.Parse(repeated, CultureInfo.InvariantCulture);
        var field = FieldOf(submission, row);
        return field.Length switch
        {
            sizeof(short) => BinaryPrimitives.ReadInt16BigEndian(field),
            sizeof(int) => BinaryPrimitives.ReadInt32BigEndian(field),
            _ => BinaryPrimitives.ReadInt64BigEndian(field),
        };
    }

    private static ByteString JsonOf(Submission submission, int row)
    {
        if (submission[row].RepeatedId is { } repeated) return ByteString.CopyFromUtf8(repeated);
        var buffer = JsonBuffer.Rent();
        RowEncoder.WriteKey(
            submission.Table, submission.Rows.ShapeOf(row), submission.Rows.Tuple(row), buffer.Json);
        var json = ByteStringOf(buffer.Written());
        JsonBuffer.Return(buffer);
        return json;
    }

    private static ByteString ByteStringOf(ReadOnlySpan<byte> bytes) => ByteString.CopyFrom(bytes);
}
