using Ingest.Messages;

namespace Ingest.Node.Writing;

/// <summary>Counts what it takes to write one batch.</summary>
internal sealed class WriteMeter(TimeProvider time)
{
    private int attempts;
    private long rowsTried;
    private int suspects;
    private TimeSpan copying;

    /// <summary>What was counted so far.</summary>
    public WriteStats Stats => new(attempts, rowsTried, suspects) { Copying = copying };

    /// <summary>One statement tries rows.</summary>
    public void CountAttempt(int rows)
    {
        attempts++;
        rowsTried += rows;
    }

    /// <summary>Waits for a COPY, and counts how long it takes.</summary>
    public async Task TimeAsync(Task copy)
    {
        var started = time.GetTimestamp();
        try
        {
            await copy;
        }
        finally
        {
            copying += time.GetElapsedTime(started);
        }
    }

    /// <summary>One statement tries rows that were set apart, one by one.</summary>
    public void CountSuspects(int rows)
    {
        CountAttempt(rows);
        suspects += rows;
    }
}
