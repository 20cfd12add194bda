using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// JSON Merge Patch (RFC 7396) on text: what the patch does not name keeps its very characters, digits of numbers and
/// doubled members of nested values included, which a document model would not keep. Pure.
/// </summary>
internal static class MergePatch
{
    // Rows from CSV may hold JSON that is nested deeper than a row's own.
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1_000 };

    private static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Applies a patch to a value.</summary>
    /// <param name="target">JSON in UTF-8.</param>
    /// <param name="patch">JSON in UTF-8: members that are null are removed, objects are merged, and anything else
    /// takes the place of what is there.</param>
    /// <exception cref="JsonException">The patch is not JSON, or an object in it names a member twice.</exception>
    public static byte[] Apply(ReadOnlySpan<byte> target, ReadOnlySpan<byte> patch)
    {
        var merged = new ArrayBufferWriter<byte>(target.Length + patch.Length);
        using (var json = new Utf8JsonWriter(merged, WriterOptions)) Merge(target, patch, json);
        return merged.WrittenSpan.ToArray();
    }

    private static void Merge(ReadOnlySpan<byte> target, ReadOnlySpan<byte> patch, Utf8JsonWriter json)
    {
        if (MembersOf(patch) is not { } changes)
        {
            json.WriteRawValue(patch, skipInputValidation: true);
            return;
        }

        var byName = new Dictionary<string, Range>(StringComparer.Ordinal);
        foreach (var (name, value) in changes)
            if (!byName.TryAdd(name, value)) throw new JsonException($"The patch names \"{name}\" twice.");
        json.WriteStartObject();
        foreach (var (name, value) in MembersOf(target) ?? [])
        {
            if (!byName.Remove(name, out var change)) Write(name, target[value], json);
            else if (!IsNull(patch[change]))
            {
                json.WritePropertyName(name);
                Merge(target[value], patch[change], json);
            }
        }

        foreach (var (name, _) in changes)
        {
            if (!byName.TryGetValue(name, out var added) || IsNull(patch[added])) continue;
            json.WritePropertyName(name);
            // Nulls within what is added mean "not there", too.
            Merge("{}"u8, patch[added], json);
        }

        json.WriteEndObject();
    }

    private static void Write(string name, ReadOnlySpan<byte> value, Utf8JsonWriter json)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value, skipInputValidation: true);
    }

    private static bool IsNull(ReadOnlySpan<byte> value) => value.SequenceEqual("null"u8);

    /// <summary>The members of an object: their names, and where their values are in the text. null for anything
    /// else.</summary>
    public static List<(string Name, Range Value)>? MembersOf(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            reader.Read();
            return null;
        }

        var members = new List<(string, Range)>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = NameOf(ref reader);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add((name, start..(int)reader.BytesConsumed));
        }

        // Behind the object there is nothing but white space, or the reader throws.
        reader.Read();
        return members;
    }

    private static string NameOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new JsonException($"{Encoding.UTF8.GetString(reader.ValueSpan)} is no name.");
        }
    }
}
