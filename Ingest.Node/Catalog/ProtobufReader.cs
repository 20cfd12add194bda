using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Ingest.Node.Catalog;

/// <summary>What was received is not the protobuf message that it should be.</summary>
internal sealed class ProtobufException(string message) : Exception(message);

/// <summary>
/// Reads the fields of one protobuf message in place
/// (https://protobuf.dev/programming-guides/encoding/). Generated classes would make objects for each row and each of
/// its values; rows are read where they lie.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    public const int Varint = 0;
    public const int Fixed64 = 1;
    public const int Length = 2;
    public const int Fixed32 = 5;

    private readonly ReadOnlySpan<byte> message = message;

    /// <summary>The number of the field that <see cref="Next"/> has found.</summary>
    public int Field { get; private set; }

    /// <summary>Its wire type: one of the constants.</summary>
    public int WireType { get; private set; }

    /// <summary>How many bytes have been read.</summary>
    public int Position { get; private set; }

    /// <summary>Finds the next field, whose value is then to be read or skipped.</summary>
    /// <returns>False at the message's end.</returns>
    public bool Next()
    {
        if (Position == message.Length) return false;
        var tag = ReadVarint();
        if (tag is < 8 or > uint.MaxValue) throw new ProtobufException("A field has no number.");
        Field = (int)(tag >> 3);
        WireType = (int)(tag & 7);
        return true;
    }

    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (Position == message.Length) throw new ProtobufException("The message is cut.");
            var next = message[Position++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }

        throw new ProtobufException("A number has more than ten bytes.");
    }

    public double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

    /// <summary>The bytes of a string, of a bytes field or of a message.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadVarint();
        return length <= (ulong)(message.Length - Position)
            ? Take((int)length)
            : throw new ProtobufException("The message is cut.");
    }

    /// <summary>Where the bytes of a field lie that is a string, bytes or a message.</summary>
    public Piece ReadPiece()
    {
        Expect(Length);
        var length = ReadBytes().Length;
        return new Piece(Position - length, length);
    }

    public string ReadString()
    {
        Expect(Length);
        var bytes = ReadBytes();
        return Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : throw new ProtobufException("A string is not valid UTF-8.");
    }

    public int ReadEnum()
    {
        Expect(Varint);
        return (int)ReadVarint();
    }

    /// <summary>Skips the value of a field that nobody asked for.</summary>
    public void Skip()
    {
        switch (WireType)
        {
            case Varint: ReadVarint(); break;
            case Fixed64: Take(sizeof(ulong)); break;
            case Length: ReadBytes(); break;
            case Fixed32: Take(sizeof(uint)); break;
            default: throw new ProtobufException("A field has a wire type that is not known.");
        }
    }

    /// <summary>Refuses a field that is known but has another wire type.</summary>
    public readonly void Expect(int wireType)
    {
        if (WireType != wireType) throw new ProtobufException($"Field {Field} has the wrong wire type.");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > message.Length - Position) throw new ProtobufException("The message is cut.");
        var bytes = message.Slice(Position, count);
        Position += count;
        return bytes;
    }
}

/// <summary>Where something lies in a message.</summary>
internal readonly record struct Piece(int Start, int Length);
