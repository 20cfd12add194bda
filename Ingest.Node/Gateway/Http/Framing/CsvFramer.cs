using System.Buffers;

namespace Ingest.Node.Gateway.Http.Framing;

/// <summary>
/// CSV records (RFC 4180), ended by LF or CR LF outside quotes, the last one also by the end. Blank lines are no
/// records. The header line is a record like the others.
/// </summary>
internal sealed class CsvFramer(long maxRecordBytes) : RecordFramer(maxRecordBytes)
{
    private bool quoted;

    // A quote that comes next would begin a quoted field, or be the second of two: within quotes, these close and open
    // again, which comes to the same. Elsewhere a quote is an error of its record, and takes no other lines along.
    private bool opens = true;

    protected override int Scan(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (bytes[at..].IndexOfAny((byte)'"', (byte)'\n') is >= 0 and var skipped)
        {
            if (skipped > 0) opens = bytes[at + skipped - 1] == ',';
            at += skipped + 1;
            if (bytes[at - 1] == '"')
            {
                (quoted, opens) = quoted ? (false, true) : (opens, false);
                continue;
            }

            LinesEnded++;
            if (quoted) continue;
            opens = true;
            return at;
        }

        if (at < bytes.Length) opens = bytes[^1] == ',';
        return -1;
    }

    protected override bool Trim(ref ReadOnlySequence<byte> record)
    {
        record = record.Slice(0, record.Length - 1);
        TrimCarriageReturn(ref record);
        return !record.IsEmpty;
    }

    protected override Frame AtEnd(ref ReadOnlySequence<byte> rest)
    {
        if (quoted)
        {
            quoted = false;
            return Frame.Cut;
        }

        TrimCarriageReturn(ref rest);
        return rest.IsEmpty ? Frame.End : Frame.Record;
    }

    private static void TrimCarriageReturn(ref ReadOnlySequence<byte> record)
    {
        if (record.IsEmpty) return;
        var last = record.Slice(record.Length - 1);
        if (last.FirstSpan[0] == '\r') record = record.Slice(0, record.Length - 1);
    }
}
