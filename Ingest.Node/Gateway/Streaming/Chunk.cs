using System.Runtime.InteropServices;
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

    // Runs and not lines, since a backlog in memory keeps them for each row that waits.
    private readonly List<Run> runs = [];
    private int lines;
    private long inputBytes;

    /// <summary>Lines with consecutive numbers: rows of the submission that follow each other; or, where there is a
    /// problem, a line that has it.</summary>
    /// <param name="Number">The first line's number.</param>
    /// <param name="Row">The first line's row of the submission; negative for a problem.</param>
    public readonly record struct Run(long Number, int Row, int Count, Problem? Problem);

    /// <summary>All lines, in input order.</summary>
    public ReadOnlySpan<Run> Runs => CollectionsMarshal.AsSpan(runs);

    public Submission? Submission { get; private set; }

    /// <summary>Completes when the submission's rows have their verdicts; to be awaited once.</summary>
    public ValueTask Settled { get; set; }

    /// <summary>Why the rows were not taken in; null where they were.</summary>
    public Problem? Refused { get; set; }

    /// <summary>The caller does not want to hear the ids.</summary>
    public bool OmitsIds { get; private set; }

    public bool IsEmpty => lines == 0;

    public bool HasRows => Submission is { Rows.Count: > 0 };

    // Invalid rows leave no tuple, so what was read counts as well: their problems take memory too.
    public bool IsFull =>
        lines >= MaxLines || inputBytes >= MaxBytes || Submission is { Rows.Bytes: >= MaxBytes };

    public void Open(Submission submission, bool omitsIds)
    {
        Submission = submission;
        OmitsIds = omitsIds;
    }

    /// <summary>The row that was encoded last is this line.</summary>
    public void AddRow(long number, long bytes)
    {
        var row = Submission!.Rows.Count - 1;
        if (runs.Count > 0 && runs[^1] is { Row: >= 0 } last && last.Number + last.Count == number)
            runs[^1] = last with { Count = last.Count + 1 };
        else runs.Add(new Run(number, row, 1, null));
        Count(bytes);
    }

    public void AddProblem(long number, long bytes, Problem problem)
    {
        runs.Add(new Run(number, -1, 1, problem));
        Count(bytes);
    }

    public void Clear()
    {
        runs.Clear();
        lines = 0;
        inputBytes = 0;
        Submission = null;
        Settled = default;
        Refused = null;
    }

    private void Count(long bytes)
    {
        lines++;
        inputBytes += bytes;
    }
}
