using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.DeadLetters;

/// <summary>
/// The payload of a dead letter: a row as a JSON object that encodes to the very tuple it was made from. Pure.
/// </summary>
internal static class LetterPayload
{
    private const int DigestBytes = 16;

    // For people and programs, never parts of a page: only what JSON itself demands is escaped.
    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Turns a tuple back into a row.</summary>
    /// <param name="table">The table as it is now; null where it is gone.</param>
    /// <remarks>
    /// In a tuple NULL stands for null and for "left out" alike, but for a column with a default, which is in the tuple
    /// only where the row gave it. So a NULL is left out unless it keeps such a default away.
    /// </remarks>
    public static string Of(TableDescriptor? table, Shape shape, ReadOnlySpan<byte> tuple)
    {
        var bytes = new TupleWriter(2 * tuple.Length);
        using (var json = new Utf8JsonWriter(bytes, Options))
        {
            json.WriteStartObject();
            for (var i = 0; i < shape.Columns.Length; i++)
            {
                if (table is not null && !TupleReader.TryGetField(tuple, i, out _) && !KeepsNull(table, shape, i))
                    continue;
                json.WritePropertyName(shape.Columns[i].Name);
                TupleReader.WriteField(shape, tuple, i, known: null, json);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.Written);
    }

    /// <summary>The row's id as JSON; null where the table is gone.</summary>
    public static string? IdOf(TableDescriptor? table, Shape shape, ReadOnlySpan<byte> tuple)
    {
        if (table is null) return null;
        var bytes = new TupleWriter();
        using (var json = new Utf8JsonWriter(bytes, Options)) RowEncoder.WriteKey(table, shape, tuple, json);
        return Encoding.UTF8.GetString(bytes.Written);
    }

    /// <summary>The first 16 bytes of the SHA-256 of a payload's text in UTF-8.</summary>
    public static Guid DigestOf(string payload)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(payload), hash);
        return new Guid(hash[..DigestBytes], bigEndian: true);
    }

    private static bool KeepsNull(TableDescriptor table, Shape shape, int index) =>
        table.ByName.TryGetValue(shape.Columns[index].Name, out var column)
        && column is { HasDefault: true, IsNullable: true, RefusesInput: null };
}
