using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;
using Ingest.Node.Catalog;
using Microsoft.AspNetCore.Http;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>
/// The ceiling: parses a row, encodes it with Ingest's own encoder, answers with the id, and throws the tuple away.
/// What Ingest takes beyond it is what batching, writing and waiting cost.
/// </summary>
internal sealed class DiscardEndpoint(TableDescriptor table)
{
    private readonly ConcurrentBag<Slot> slots = [];

    public async Task HandleAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync();
            if (!read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            Answer(context.Response, read.Buffer);
            body.AdvanceTo(read.Buffer.End);
            return;
        }
    }

    private void Answer(HttpResponse response, in ReadOnlySequence<byte> row)
    {
        if (!slots.TryTake(out var slot)) slot = new Slot(table);
        var result = row.IsSingleSegment
            ? slot.Encoder.EncodeJson(row.FirstSpan, slot.Block, slot.Errors)
            : slot.Encoder.EncodeJson(row.ToArray(), slot.Block, slot.Errors);
        slot.Buffer.ResetWrittenCount();
        slot.Json.Reset();
        slot.Json.WriteStartObject();
        if (result == EncodeResult.Encoded)
        {
            slot.Json.WritePropertyName("id"u8);
            RowEncoder.WriteKey(table, slot.Block.ShapeOf(0), slot.Block.Tuple(0), slot.Json);
        }

        slot.Json.WriteEndObject();
        slot.Json.Flush();
        response.StatusCode = result == EncodeResult.Encoded ? 201 : 400;
        response.ContentType = "application/json";
        response.ContentLength = slot.Buffer.WrittenCount;
        response.BodyWriter.Write(slot.Buffer.WrittenSpan);
        slot.Block.Clear();
        slot.Errors.Clear();
        slots.Add(slot);
    }

    private sealed class Slot
    {
        public Slot(TableDescriptor table)
        {
            Encoder = new RowEncoder(table);
            Json = new Utf8JsonWriter(Buffer);
        }

        public RowEncoder Encoder { get; }

        public RowBlock Block { get; } = new();

        public RowErrors Errors { get; } = new();

        public ArrayBufferWriter<byte> Buffer { get; } = new(256);

        public Utf8JsonWriter Json { get; }
    }
}
