using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>Generators of values that are not about time: good ones, ones at the edges, and some that nobody takes.</summary>
public static class Values
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Gen<string> Sign = Gen.OneOf("", "", "-");

    /// <summary>Every code point but U+0000 and the surrogates, ASCII most of all.</summary>
    private static readonly Gen<Rune> Character = Gen.OneOf(
        Gen.Int[1, 0x7F], Gen.Int[1, 0x7F], Gen.Int[0x80, 0xD7FF], Gen.Int[0xE000, 0x10FFFF]).Select(code => new Rune(code));

    public static Gen<Value> Text { get; } =
        Character.Array[0, 30].SelectMany(runes => Quoted(string.Concat(runes)));

    /// <summary>Texts about as long as a limit of 5.</summary>
    public static Gen<Value> ShortText { get; } =
        Gen.OneOf("a", "é", "😀", " ", " ").Array[0, 9].SelectMany(parts => Quoted(string.Concat(parts)));

    public static Gen<Value> Boolean { get; } = Gen.OneOf(
        Gen.Bool.Select(value => value ? new Value("true", "true") : new Value("false", "false")),
        OneOfStrings("t", "TRUE", "y", "yes", "on", "1", "f", "fal", "No", "of", "off", "0", "o", "", "truex", " true ", "2"));

    public static Gen<Value> Mood { get; } = OneOfStrings("sad", "ok", "très content", "a \"quoted\", one", "Sad", "", " ok");

    public static Gen<Value> Uuid { get; } = Gen.Guid.SelectMany(guid => OneOfStrings(
        guid.ToString(), guid.ToString("N"), guid.ToString("B"), guid.ToString().ToUpperInvariant(),
        guid.ToString("N").Insert(4, "-").Insert(25, "-"), guid.ToString()[..^1], guid + "0", "{" + guid));

    public static Gen<Value> Bytes { get; } = Gen.Byte.Array[0, 40].SelectMany(bytes =>
    {
        var hex = "\\x" + Convert.ToHexString(bytes);
        return Gen.OneOf(hex, hex.ToLowerInvariant(), Convert.ToBase64String(bytes))
            .Select(text => new Value(JsonSerializer.Serialize(text), hex));
    });

    public static Gen<Value> Real { get; } = Gen.OneOf(
        Numbers(Gen.OneOf(Gen.Double, Gen.Float.Select(value => (double)value)).Where(double.IsFinite)
            .Select(value => value.ToString("R", CultureInfo.InvariantCulture))),
        Numbers(Gen.Select(Sign, Gen.Int[0, 999], Gen.ULong, Gen.Int[-360, 330], (sign, whole, fraction, exponent) =>
            string.Create(CultureInfo.InvariantCulture, $"{sign}{whole}.{fraction}e{exponent}"))),
        OneOfStrings("NaN", "nan", "Infinity", "-inf", "+Infinity", " 1.5 ", "1,5", "", ".5", "5.", "1e400", "0e9", "-0", "1e-500", "infinityx"));

    public static Gen<Value> Numeric { get; } = Gen.OneOf(
        Numbers(Gen.Select(Sign, Digits(1, 40), Digits(0, 40), Gen.Int[-60, 60], Gen.Bool, Decimal)),
        Numbers(Gen.Select(Sign, Digits(1, 5), Digits(1, 5), Gen.Int[-4, 4], Gen.Bool, Decimal)),
        OneOfStrings("NaN", "inf", "-Infinity", "1e131071", "9e131072", "1e-16383", "1e-16384", "0e-16384", " 12.50 ", "1.", ".5",
            ".", "e5", "0.00", "1e", "--1", "1e99999999999"));

    /// <summary>Numbers around the edges of numeric(5,2), numeric(3,-2) and numeric(2,4).</summary>
    public static Gen<Value> Rounded { get; } = Gen.OneOf(
        Numbers(Gen.Select(Sign, Gen.OneOf("0", "9", "99", "999", "99949", "99950"),
            Gen.OneOf("", "0", "99", "994", "995", "9949999", "00995", "00994", "005"),
            Gen.Int[-3, 3], Gen.Bool, Decimal)),
        OneOfStrings("NaN", "inf", "1e20000", "1e-16383"));

    public static Gen<Value> Whole(int bits)
    {
        var edge = BigInteger.Pow(2, bits - 1);
        var near = Gen.Select(Gen.OneOf(edge, -edge, BigInteger.Zero), Gen.Int[-3, 3], (value, off) => value + off);
        var any = Gen.OneOf(near, Gen.Long.Select(value => new BigInteger(value >> (64 - bits))));
        var numbers = any.SelectMany(value => Gen.OneOf($"{value}", $"{value}.0", $"{value}.00e0", $"{value}0e-1", $"{value}00.0E-2")
            .Select(json => new Value(json.Replace("-00", "-0", StringComparison.Ordinal), value.ToString(CultureInfo.InvariantCulture))));
        var powers = Gen.Select(Gen.Int[1, 9], Gen.Int[0, 22], (digit, power) => new Value(
            string.Create(CultureInfo.InvariantCulture, $"{digit}e{power}"), (digit * BigInteger.Pow(10, power)).ToString(CultureInfo.InvariantCulture)));
        var texts = any.SelectMany(value => OneOfStrings($"{value}", $" {value} ", $"00{value}", $"+{value}", $"{value}.0", $"{value}x"));
        // Written with zeros in front, these are no JSON numbers; the rest are checked by the reader.
        return Gen.OneOf(numbers.Where(value => IsJson(value.Json)), powers, texts);
    }

    public static Gen<Value> Address(bool isCidr) => Gen.Bool.SelectMany(isVersion6 =>
        Gen.Select(Gen.OneOf(Gen.Byte, Gen.Const((byte)0)).Array[isVersion6 ? 16 : 4], Gen.Int[0, isVersion6 ? 130 : 34], (bytes, bits) =>
        {
            for (var bit = bits; isCidr && bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
            return (new System.Net.IPAddress(bytes).ToString(), bits);
        }).SelectMany(pair => OneOfStrings($"{pair.Item1}/{pair.bits}", $"{pair.Item1}/{pair.bits}", pair.Item1, $"{pair.Item1}/8")));

    public static Gen<Value> OddAddress { get; } = OneOfStrings(
        "1.2.3", "1.2.3.4.5", "1.2.3.256", "0x1.2.3.4", "010.1.2.3", "1.2.3.4/", "1.2.3.4/-1", "::1%eth0", "[::1]", "[::1]:80", ":::", "1::2::3",
        "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8:9", "::", "ABCD::", "g::", " 1.2.3.4", "1.2.3.4 ", "", "fe80::1/64");

    public static Gen<Value> MacAddress { get; } = Gen.Byte.Array[6].SelectMany(bytes =>
    {
        var hex = Convert.ToHexStringLower(bytes);
        string Group(int size, char separator) => string.Join(separator, hex.Chunk(size).Select(part => new string(part)));
        return OneOfStrings(Group(2, ':'), Group(2, '-'), Group(4, '.'), Group(4, '-'), Group(6, ':'), Group(6, '-'), hex,
            hex.ToUpperInvariant(), hex + "0", Group(2, ':') + "x");
    });

    /// <summary>JSON strings of these texts, with escapes for all that is not ASCII or for little.</summary>
    public static Gen<Value> OneOfStrings(params string[] texts) => Gen.OneOf(texts).SelectMany(Quoted);

    public static Gen<Value> Quoted(string text) => Gen.OneOf<JsonSerializerOptions?>(null, Relaxed)
        .Select(options => new Value(JsonSerializer.Serialize(text, options), text));

    /// <summary>The numbers as JSON numbers and as JSON strings.</summary>
    private static Gen<Value> Numbers(Gen<string> numbers) =>
        numbers.SelectMany(number => Gen.OneOf(number, $"\"{number}\"").Where(IsJson).Select(json => new Value(json, number)));

    private static Gen<string> Digits(int least, int most) =>
        Gen.OneOf(Gen.Char['0', '9'], Gen.OneOf('0', '9')).Array[least, most].Select(digits => new string(digits));

    private static string Decimal(string sign, string whole, string fraction, int exponent, bool hasExponent)
    {
        whole = whole.TrimStart('0') is { Length: > 0 } trimmed ? trimmed : "0";
        return sign + whole + (fraction.Length > 0 ? "." + fraction : "") + (hasExponent ? $"e{exponent}" : "");
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
