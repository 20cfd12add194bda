using Ingest.Messages;

namespace Ingest.Node.Writing;

/// <summary>Counts what it takes to write one batch.</summary>
internal sealed class WriteMeter
{
    private int attempts;
    private long rowsTried;
    private int suspects;

    /// <summary>What was counted so far.</summary>
    public WriteStats Stats => new(attempts, rowsTried, suspects);

    /// <summary>One statement tries rows.</summary>
    public void CountAttempt(int rows)
    {
        attempts++;
        rowsTried += rows;
    }

    /// <summary>One statement tries rows that were set apart, one by one.</summary>
    public void CountSuspects(int rows)
    {
        CountAttempt(rows);
        suspects += rows;
    }
}
