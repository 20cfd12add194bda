using System.Buffers;

namespace Ingest.Node.Gateway.Http.Framing;

/// <summary>
/// The elements of one JSON array. Strings and brackets are followed just so far that an element's end is found: an
/// element that is malformed gets its own verdict from the encoder, and the next one is found all the same.
/// </summary>
internal sealed class ArrayFramer(long maxRecordBytes) : RecordFramer(maxRecordBytes)
{
    private static readonly SearchValues<byte> Structural = SearchValues.Create("\"{}[],"u8);

    private int depth;
    private bool opened;
    private bool inString;
    private bool escaped;
    private bool anyElement;
    private bool closed;

    public override string BrokenBecause => closed
        ? "There is something behind the array."
        : "The array is not closed; what follows its last complete element was not read as a row.";

    /// <summary>The array's bracket is the first thing in the input; what precedes it is white space.</summary>
    protected override Frame? Prologue(ref ReadOnlySequence<byte> input, bool isAll)
    {
        if (!opened)
        {
            if (input.PositionOf((byte)'[') is not { } bracket) return isAll ? Frame.Broken : Frame.NeedsInput;
            input = input.Slice(input.GetPosition(1, bracket));
            opened = true;
        }

        if (!closed) return null;
        if (!Blank.Is(input)) return Frame.Broken;
        input = input.Slice(input.End);
        return isAll ? Frame.End : Frame.NeedsInput;
    }

    protected override int Scan(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            if (inString)
            {
                at = PassString(bytes, at);
                continue;
            }

            var next = bytes[at..].IndexOfAny(Structural);
            if (next < 0) return -1;
            at += next + 1;
            if (Ends(bytes[at - 1])) return at;
        }

        return -1;
    }

    protected override bool Trim(ref ReadOnlySequence<byte> record)
    {
        record = record.Slice(0, record.Length - 1);
        var isEmptyArray = closed && !anyElement && Blank.Is(record);
        anyElement = true;
        return !isEmptyArray;
    }

    protected override Frame AtEnd(ref ReadOnlySequence<byte> rest) => closed ? Frame.End : Frame.Broken;

    private bool Ends(byte structural)
    {
        switch ((char)structural)
        {
            case '"':
                inString = true;
                return false;
            case '{' or '[':
                depth++;
                return false;
            case '}' or ']' when depth > 0:
                depth--;
                return false;
            case ']':
                closed = true;
                LinesEnded = 1;
                return true;
            case ',' when depth == 0:
                LinesEnded = 1;
                return true;
            default:
                return false;
        }
    }

    private int PassString(ReadOnlySpan<byte> bytes, int at)
    {
        if (escaped)
        {
            escaped = false;
            return at + 1;
        }

        var next = bytes[at..].IndexOfAny((byte)'"', (byte)'\\');
        if (next < 0) return bytes.Length;
        inString = bytes[at + next] != '"';
        escaped = inString;
        return at + next + 1;
    }
}
