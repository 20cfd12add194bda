using System.Buffers;

namespace Ingest.Node.Gateway.Http.Framing;

/// <summary>Lines of JSON, ended by LF or CR LF or the end. Blank lines are counted but are no records.</summary>
internal sealed class NdjsonFramer(long maxRecordBytes) : RecordFramer(maxRecordBytes)
{
    protected override int Scan(ReadOnlySpan<byte> bytes)
    {
        var at = bytes.IndexOf((byte)'\n');
        if (at < 0) return -1;
        LinesEnded = 1;
        return at + 1;
    }

    // The carriage return of CR LF is white space to JSON, so it may stay.
    protected override bool Trim(ref ReadOnlySequence<byte> record)
    {
        record = record.Slice(0, record.Length - 1);
        return !Blank.Is(record);
    }

    protected override Frame AtEnd(ref ReadOnlySequence<byte> rest) => Blank.Is(rest) ? Frame.End : Frame.Record;
}
