using System.Buffers;

namespace Ingest.Node.Gateway.Http.Framing;

/// <summary>What a framer found.</summary>
internal enum Frame
{
    /// <summary>A record, complete and within the limit.</summary>
    Record,

    /// <summary>A record over the limit; it has been skipped to its end, without keeping it.</summary>
    TooLong,

    /// <summary>The input ended within a record that says itself that it is not complete.</summary>
    Cut,

    /// <summary>What is there holds no further record: read more.</summary>
    NeedsInput,

    /// <summary>The end, in order.</summary>
    End,

    /// <summary>The end, out of order: what follows, or does not follow, leaves no way to go on.</summary>
    Broken,
}

/// <summary>
/// Finds the records in a body that arrives piece by piece. Each byte is looked at once however the pieces are cut, and
/// no more than one record's limit is ever kept. It only finds ends: whether a record is valid is for the encoder.
/// </summary>
internal abstract class RecordFramer(long maxRecordBytes)
{
    // The limit is the record's; CR LF behind it is not counted.
    private readonly long maxScanned = maxRecordBytes + 2;

    private long scanned;
    private long nextLine = 1;
    private bool skipping;
    private bool pastByteOrderMark;

    /// <summary>Where the record that was framed last began: a line, or an element's place, counted from 1.</summary>
    public long Line { get; private set; }

    /// <summary>Why the end was out of order, in words for the caller.</summary>
    public virtual string BrokenBecause => throw new InvalidOperationException("This format has no such end.");

    /// <summary>Lines that ended so far within the record that is being scanned.</summary>
    protected int LinesEnded { get; set; }

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Frames the next record.</summary>
    /// <param name="input">All that has been read and not yet consumed; what is used up is cut off its front. With
    /// <see cref="Frame.NeedsInput"/>, the rest must come again, with more behind it.</param>
    /// <param name="isAll">Nothing more will come.</param>
    /// <param name="record">The record without its terminator; with <see cref="Frame.Record"/> only.</param>
    public Frame Next(ref ReadOnlySequence<byte> input, bool isAll, out ReadOnlySequence<byte> record)
    {
        record = default;
        if (!pastByteOrderMark && !PassByteOrderMark(ref input, isAll)) return Frame.NeedsInput;
        while (true)
        {
            if (Prologue(ref input, isAll) is { } early) return early;
            var end = FindEnd(input);
            if (end < 0) return isAll ? Finish(ref input, out record) : Wait(ref input);
            record = input.Slice(0, end);
            input = input.Slice(end);
            var frame = Complete(ref record);
            if (frame is { } found) return found;
        }
    }

    /// <summary>Looks for the end of the record in bytes that follow those of the last call.</summary>
    /// <returns>The offset just behind the record's terminator; -1 where it is not in these bytes.</returns>
    protected abstract int Scan(ReadOnlySpan<byte> bytes);

    /// <summary>Takes the terminator off a record that has ended.</summary>
    /// <returns>False where nothing is left that counts as a record.</returns>
    protected abstract bool Trim(ref ReadOnlySequence<byte> record);

    /// <summary>Judges what is left when the input ends without a terminator.</summary>
    protected abstract Frame AtEnd(ref ReadOnlySequence<byte> rest);

    /// <summary>What comes before, or instead of, a record; null to go on with records.</summary>
    protected virtual Frame? Prologue(ref ReadOnlySequence<byte> input, bool isAll) => null;

    private bool PassByteOrderMark(ref ReadOnlySequence<byte> input, bool isAll)
    {
        Span<byte> start = stackalloc byte[3];
        var length = (int)Math.Min(3, input.Length);
        start = start[..length];
        input.Slice(0, length).CopyTo(start);
        if (length < 3 && !isAll && ByteOrderMark.StartsWith(start)) return false;
        if (start.SequenceEqual(ByteOrderMark)) input = input.Slice(3);
        pastByteOrderMark = true;
        return true;
    }

    private long FindEnd(in ReadOnlySequence<byte> input)
    {
        foreach (var segment in input.Slice(scanned))
        {
            var end = Scan(segment.Span);
            if (end >= 0) return scanned + end;
            scanned += segment.Length;
        }

        return -1;
    }

    private Frame? Complete(ref ReadOnlySequence<byte> record)
    {
        var tooLong = skipping || record.Length > maxScanned;
        StartRecord();
        if (!Trim(ref record) && !tooLong) return null;
        return tooLong || record.Length > maxRecordBytes ? Frame.TooLong : Frame.Record;
    }

    private Frame Wait(ref ReadOnlySequence<byte> input)
    {
        skipping |= scanned > maxScanned;
        if (!skipping) return Frame.NeedsInput;
        input = input.Slice(input.End);
        scanned = 0;
        return Frame.NeedsInput;
    }

    private Frame Finish(ref ReadOnlySequence<byte> input, out ReadOnlySequence<byte> record)
    {
        record = input;
        input = input.Slice(input.End);
        var tooLong = skipping || record.Length > maxScanned;
        StartRecord();
        var frame = AtEnd(ref record);
        if (frame == Frame.Broken) return frame;
        return tooLong || record.Length > maxRecordBytes && frame == Frame.Record ? Frame.TooLong : frame;
    }

    private void StartRecord()
    {
        Line = nextLine;
        nextLine += LinesEnded;
        LinesEnded = 0;
        scanned = 0;
        skipping = false;
    }
}
