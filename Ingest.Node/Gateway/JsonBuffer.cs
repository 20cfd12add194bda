using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Ingest.Node.Gateway;

/// <summary>
/// A JSON writer over a buffer that grows. Each thread keeps one, since an answer is written without a pause: that
/// costs no allocation and no lock.
/// </summary>
internal sealed class JsonBuffer
{
    private const int MaxKept = 64 * 1024;

    // The answers are JSON for programs, never parts of a page: only what JSON itself demands is escaped.
    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    [ThreadStatic]
    private static JsonBuffer? cached;

    public JsonBuffer() => Json = new Utf8JsonWriter(Bytes, Options);

    public ArrayBufferWriter<byte> Bytes { get; } = new(1024);

    public Utf8JsonWriter Json { get; }

    /// <summary>An empty buffer; give it back with <see cref="Return"/> before anything is awaited.</summary>
    public static JsonBuffer Rent()
    {
        var buffer = cached ?? new JsonBuffer();
        cached = null;
        return buffer;
    }

    public static void Return(JsonBuffer buffer)
    {
        if (buffer.Bytes.Capacity > MaxKept) return;
        buffer.Clear();
        cached = buffer;
    }

    /// <summary>What was written, complete.</summary>
    public ReadOnlySpan<byte> Written()
    {
        Json.Flush();
        return Bytes.WrittenSpan;
    }

    /// <summary>Ends one JSON value, so that the next may follow it in the buffer.</summary>
    public void EndValue()
    {
        Json.Flush();
        Json.Reset();
    }

    public void Clear()
    {
        Bytes.ResetWrittenCount();
        Json.Reset();
    }
}
