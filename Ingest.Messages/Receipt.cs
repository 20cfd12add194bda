using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Ingest.Messages;

/// <summary>
/// Says where to look up what became of an accepted row: its lane, its gateway and its position there. Nothing is
/// stored for it; the ledger knows how far each gateway's rows have come.
/// </summary>
/// <param name="AcceptedAt">When the row came (UTC), in whole minutes: after the retention of the ledger nobody can
/// tell any more.</param>
public readonly record struct Receipt(LaneId Lane, GatewayId Gateway, long Position, DateTimeOffset AcceptedAt)
{
    /// <summary>The longest text of a receipt; a table's served name is at most two quoted names of 63
    /// characters.</summary>
    public const int MaxLength = 1024;

    private const byte Version = 1;
    private const int GuidBytes = 16;
    private const int FixedBytes = 1 + GuidBytes + sizeof(long) + sizeof(uint) + sizeof(ushort);

    /// <summary>Reads what <see cref="ToString"/> has written.</summary>
    /// <returns>False where it is not the text of a receipt, or was changed on its way.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out Receipt receipt)
    {
        receipt = default;
        if (text is not { Length: > 0 and <= MaxLength } || !Base64Url.IsValid(text)) return false;
        ReadOnlySpan<byte> bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length <= FixedBytes + sizeof(uint) || bytes[0] != Version) return false;
        var sum = BinaryPrimitives.ReadUInt32BigEndian(bytes[^sizeof(uint)..]);
        if (Crc32C.Of(bytes[..^sizeof(uint)]) != sum) return false;
        var gateway = new Guid(bytes.Slice(1, GuidBytes), bigEndian: true);
        var rest = bytes[(1 + GuidBytes)..];
        var position = BinaryPrimitives.ReadInt64BigEndian(rest);
        var minutes = BinaryPrimitives.ReadUInt32BigEndian(rest[sizeof(long)..]);
        var number = BinaryPrimitives.ReadUInt16BigEndian(rest[(sizeof(long) + sizeof(uint))..]);
        var table = Encoding.UTF8.GetString(bytes[FixedBytes..^sizeof(uint)]);
        receipt = new Receipt(
            new LaneId(table, number),
            new GatewayId(gateway),
            position,
            DateTimeOffset.UnixEpoch.AddMinutes(minutes));
        return position > 0;
    }

    /// <summary>The text for the caller: letters, digits, hyphens and underscores (base64url, RFC 4648), with a
    /// checksum.</summary>
    public override string ToString()
    {
        var length = FixedBytes + Encoding.UTF8.GetByteCount(Lane.Table) + sizeof(uint);
        Span<byte> bytes = length <= 256 ? stackalloc byte[length] : new byte[length];
        bytes[0] = Version;
        Gateway.Value.TryWriteBytes(bytes[1..], bigEndian: true, out _);
        var rest = bytes[(1 + GuidBytes)..];
        BinaryPrimitives.WriteInt64BigEndian(rest, Position);
        BinaryPrimitives.WriteUInt32BigEndian(
            rest[sizeof(long)..], (uint)(AcceptedAt - DateTimeOffset.UnixEpoch).TotalMinutes);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(sizeof(long) + sizeof(uint))..], (ushort)Lane.Number);
        Encoding.UTF8.GetBytes(Lane.Table, bytes[FixedBytes..]);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[^sizeof(uint)..], Crc32C.Of(bytes[..^sizeof(uint)]));
        return Base64Url.EncodeToString(bytes);
    }
}
