using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// <c>inet</c> and <c>cidr</c>: family, bits of the mask, whether it is a cidr, the length of the address, and the
/// address. Text is a whole IPv4 or IPv6 address, with <c>/bits</c> or without (all bits). The short forms that cidr
/// has for IPv4 networks (<c>10/8</c>) are not taken.
/// </summary>
internal sealed class InetCodec(bool isCidr) : ScalarCodec(isCidr ? "cidr" : "inet")
{
    private const byte Family4 = 2;
    private const byte Family6 = 3;
    private const int HeaderBytes = 4;
    private const int MaxAddressBytes = 16;

    // The framework would also take scopes, brackets and ports.
    private static readonly SearchValues<byte> Alphabet6 = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private readonly string invalid = isCidr ? "is not a network address" : "is not an IP address";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        var slash = utf8.IndexOf((byte)'/');
        Span<byte> address = stackalloc byte[MaxAddressBytes];
        if (!TryReadAddress(slash < 0 ? utf8 : utf8[..slash], address, out var length)) return invalid;
        var bits = length * 8;
        if (slash >= 0 && (!TryReadBits(utf8[(slash + 1)..], out bits) || bits > length * 8)) return invalid;
        address = address[..length];
        if (isCidr && HasBitsBehind(address, bits)) return "has bits set to the right of its mask";
        var family = length == MaxAddressBytes ? Family6 : Family4;
        writer.Write([family, (byte)bits, isCidr ? (byte)1 : (byte)0, (byte)length]);
        writer.Write(address);
        return null;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json)
    {
        var address = field[HeaderBytes..];
        var text = new IPAddress(address).ToString();
        var isWhole = field[1] == address.Length * 8;
        json.WriteStringValue(isWhole && !isCidr ? text : $"{text}/{field[1]}");
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> text, Span<byte> address, out int length)
    {
        length = MaxAddressBytes;
        if (!text.Contains((byte)':'))
        {
            length = 4;
            return TryReadVersion4(text, address);
        }
        return !text.ContainsAnyExcept(Alphabet6)
            && !HasLeadingZero(text[(text.LastIndexOf((byte)':') + 1)..])
            && IPAddress.TryParse(text, out var parsed)
            && parsed.AddressFamily == AddressFamily.InterNetworkV6
            && parsed.TryWriteBytes(address, out length);
    }

    /// <summary>Reads four decimal numbers; the framework's parser reads octal and hexadecimal ones, too.</summary>
    private static bool TryReadVersion4(ReadOnlySpan<byte> text, Span<byte> address)
    {
        for (var index = 0; index < 4; index++)
        {
            var dot = index < 3 ? text.IndexOf((byte)'.') : text.Length;
            if (dot < 0 || !TryReadNumber(text[..dot], 3, out var part) || part > byte.MaxValue) return false;
            address[index] = (byte)part;
            if (index < 3) text = text[(dot + 1)..];
        }
        return true;
    }

    /// <summary>
    /// Finds a number such as 010 in an IPv4 address at the end of one of version 6; some read those as
    /// octal.
    /// </summary>
    private static bool HasLeadingZero(ReadOnlySpan<byte> text)
    {
        if (!text.Contains((byte)'.')) return false;
        foreach (var part in text.Split((byte)'.'))
        {
            if (text[part] is [(byte)'0', _, ..]) return true;
        }
        return false;
    }

    private static bool TryReadBits(ReadOnlySpan<byte> text, out int bits) =>
        TryReadNumber(text, 3, out bits) && (text.Length == 1 || text[0] != '0');

    private static bool TryReadNumber(ReadOnlySpan<byte> text, int maxDigits, out int value)
    {
        var digits = new TemporalText(text);
        return digits.TakeDigits(1, maxDigits, out value) && digits.AtEnd;
    }

    private static bool HasBitsBehind(ReadOnlySpan<byte> address, int bits)
    {
        for (var bit = bits; bit < address.Length * 8; bit++)
        {
            if ((address[bit / 8] & (0x80 >> (bit % 8))) != 0) return true;
        }
        return false;
    }
}

/// <summary>
/// <c>macaddr</c>: 6 bytes. Text is 12 hexadecimal digits, grouped as PostgreSQL takes it: in pairs, in fours or in
/// halves, with colons, hyphens or points between the groups, or not at all.
/// </summary>
internal sealed class MacAddressCodec() : ScalarCodec("macaddr")
{
    private const int Bytes = 6;
    private const string Invalid = "is not a MAC address";

    public override string? EncodeText(ReadOnlySpan<byte> utf8, TupleWriter writer)
    {
        Span<byte> digits = stackalloc byte[Bytes * 2];
        var separator = utf8.IndexOfAny((byte)':', (byte)'-', (byte)'.');
        var group = separator < 0 ? digits.Length : separator;
        if (!IsGrouping(group, separator < 0 ? (byte)0 : utf8[separator])) return Invalid;
        if (utf8.Length != digits.Length + digits.Length / group - 1) return Invalid;
        for (int from = 0, to = 0; to < digits.Length; from += group + 1, to += group)
        {
            if (from > 0 && utf8[from - 1] != utf8[separator]) return Invalid;
            utf8.Slice(from, group).CopyTo(digits[to..]);
        }
        var status = Convert.FromHexString(digits, writer.Append(Bytes), out _, out _);
        return status == OperationStatus.Done ? null : Invalid;
    }

    public override void WriteJson(ReadOnlySpan<byte> field, Utf8JsonWriter json) =>
        json.WriteStringValue(string.Join(':', field[..Bytes].ToArray().Select(part => part.ToString("x2", null))));

    private static bool IsGrouping(int group, byte separator) => (group, (char)separator) switch
    {
        (2, ':' or '-') or (4, '.' or '-') or (6, ':' or '-') or (12, '\0') => true,
        _ => false,
    };
}
