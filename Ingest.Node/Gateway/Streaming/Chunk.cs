using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Streaming;

/// <summary>
/// Some lines of a stream that go through the gateway together, in input order: rows that were encoded, and lines that
/// have their verdict already. Reused; owned by the reading loop first, then by the writing loop.
/// </summary>
internal sealed class Chunk
{
    private const int MaxLines = 512;
    private const int MaxBytes = 64 * 1024;

    private readonly List<Line> lines = [];
    private long inputBytes;

    /// <summary>One line: a row of the submission, or, where <see cref="Row"/> is negative, a problem.</summary>
    public readonly record struct Line(long Number, int Row, Problem? Problem);

    public IReadOnlyList<Line> Lines => lines;

    public Submission? Submission { get; private set; }

    /// <summary>Completes when the submission's rows have their verdicts; to be awaited once.</summary>
    public ValueTask Settled { get; set; }

    /// <summary>Why the rows were not taken in; null where they were.</summary>
    public Problem? Refused { get; set; }

    /// <summary>The caller does not want to hear the ids.</summary>
    public bool OmitsIds { get; private set; }

    public bool IsEmpty => lines.Count == 0;

    public bool HasRows => Submission is { Rows.Count: > 0 };

    // Invalid rows leave no tuple, so what was read counts as well: their problems take memory too.
    public bool IsFull =>
        lines.Count >= MaxLines || inputBytes >= MaxBytes || Submission is { Rows.Bytes: >= MaxBytes };

    public void Open(Submission submission, bool omitsIds)
    {
        Submission = submission;
        OmitsIds = omitsIds;
    }

    /// <summary>The row that was encoded last is this line.</summary>
    public void AddRow(long number, long bytes)
    {
        lines.Add(new Line(number, Submission!.Rows.Count - 1, null));
        inputBytes += bytes;
    }

    public void AddProblem(long number, long bytes, Problem problem)
    {
        lines.Add(new Line(number, -1, problem));
        inputBytes += bytes;
    }

    public void Clear()
    {
        lines.Clear();
        inputBytes = 0;
        Submission = null;
        Settled = default;
        Refused = null;
    }
}
