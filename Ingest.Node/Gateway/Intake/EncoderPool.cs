using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Intake;

/// <summary>
/// Row encoders for reuse, by descriptor: a table that has changed has a new descriptor and so new encoders, and the
/// old ones go with the old descriptor. Thread-safe.
/// </summary>
internal sealed class EncoderPool
{
    private readonly ConditionalWeakTable<TableDescriptor, Shelf> shelves = [];

    public EncodingSlot Rent(TableDescriptor table) =>
        shelves.GetOrCreateValue(table).Take() ?? new EncodingSlot(table);

    public void Return(EncodingSlot slot) => shelves.GetOrCreateValue(slot.Encoder.Table).Put(slot);

    // One slot in reach of an exchange serves the usual case; the queue serves many requests that encode at once.
    private sealed class Shelf
    {
        private readonly ConcurrentQueue<EncodingSlot> others = new();
        private EncodingSlot? first;

        public EncodingSlot? Take()
        {
            if (first is not null && Interlocked.Exchange(ref first, null) is { } slot) return slot;
            return others.TryDequeue(out var other) ? other : null;
        }

        public void Put(EncodingSlot slot)
        {
            if (first is null && Interlocked.CompareExchange(ref first, slot, null) is null) return;
            if (others.Count < 2 * Environment.ProcessorCount) others.Enqueue(slot);
        }
    }
}

/// <summary>An encoder with the errors that it fills in. Not thread-safe.</summary>
internal sealed class EncodingSlot(TableDescriptor table)
{
    public RowEncoder Encoder { get; private set; } = new(table);

    /// <summary>What is wrong with the row that was encoded last.</summary>
    public RowErrors Errors { get; } = new();

    /// <summary>Encodes for the table as it is now.</summary>
    public void MoveTo(TableDescriptor now) => Encoder = new RowEncoder(now);

    /// <summary>Encodes one row.</summary>
    public EncodeResult Encode(in ReadOnlySequence<byte> row, RowForm form, RowBlock block)
    {
        if (row.IsSingleSegment) return Encode(row.FirstSpan, form, block);
        var length = (int)row.Length;
        var copy = ArrayPool<byte>.Shared.Rent(length);
        row.CopyTo(copy);
        var result = Encode(copy.AsSpan(0, length), form, block);
        ArrayPool<byte>.Shared.Return(copy);
        return result;
    }

    private EncodeResult Encode(ReadOnlySpan<byte> row, RowForm form, RowBlock block)
    {
        Errors.Clear();
        return form.Syntax switch
        {
            RowSyntax.Json => Encoder.EncodeJson(row, block, Errors),
            RowSyntax.Csv => Encoder.EncodeCsv(row, form.Header!, block, Errors),
            RowSyntax.Record => Encoder.EncodeRecord(row, form.Header!, block, Errors),
            _ => Encoder.EncodeValues(row, block, Errors),
        };
    }
}
