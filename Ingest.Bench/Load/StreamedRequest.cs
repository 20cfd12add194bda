using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace Ingest.Bench.Load;

/// <summary>
/// One streamed request: rows go out in chunks while verdicts come in, at most <see cref="LoadOptions.Window"/> rows
/// without verdict. A chunk takes what may be sent at that moment, so that a fast server gets large ones and a paced
/// load small ones.
/// </summary>
public sealed class StreamedRequest : IBodySink, IDisposable
{
    private static readonly TimeSpan ShortestSleep = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RefusedSleep = TimeSpan.FromMilliseconds(50);

    private readonly LoadRun run;
    private readonly HttpConnection connection;
    private readonly ConcurrentQueue<RefusedRow> refused;
    private readonly StreamWindow window;
    private readonly LineSplitter lines;
    private readonly BodyStart errorBody = new();
    private readonly ChunkBuffer chunk = new(64 * 1024);
    private readonly SemaphoreSlim verdictsCame = new(0);
    private long endSent;
    private long committed;
    private long verdicts;
    private bool isEnded;
    private bool hasSummary;

    public StreamedRequest(LoadRun run, HttpConnection connection, ConcurrentQueue<RefusedRow> refused)
    {
        this.run = run;
        this.connection = connection;
        this.refused = refused;
        window = new StreamWindow(run.Options.Window);
        lines = new LineSplitter(HandleLine);
    }

    /// <summary>The stream ended as it should: all verdicts, then the summary.</summary>
    public bool IsClean { get; private set; }

    public bool HadVerdicts => verdicts > 0;

    /// <summary>What a refusal of the whole stream asked for.</summary>
    public int? RetryAfterSeconds { get; private set; }

    /// <summary>The timestamp since which an answer is awaited: a verdict, or the summary; 0 where none is.</summary>
    public long AwaitingSince => window.OldestSent is not 0 and var oldest ? oldest : Volatile.Read(ref endSent);

    /// <summary>Streams until there are no rows left, or the connection fails; settles what it has sent.</summary>
    public async Task RunAsync()
    {
        var sending = GuardedAsync(SendAsync);
        // A server that refuses the stream stops reading, and the sender fails: its answer is still there to be read.
        var isReceived = await GuardedAsync(ReceiveAsync);
        Volatile.Write(ref isEnded, true);
        connection.Dispose();
        verdictsCame.Release();
        var isSent = await sending;
        IsClean = isReceived && isSent && hasSummary && window.Count == 0;
        SettleRest();
    }

    public void Dispose() => verdictsCame.Dispose();

    /// <summary>Runs one side; true where it came to its end.</summary>
    private async Task<bool> GuardedAsync(Func<Task> side)
    {
        try
        {
            await side();
            return true;
        }
        catch (InvalidDataException e)
        {
            run.Fail($"The answer cannot be read: {e.Message}");
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // The rows in flight are counted once both sides have ended; the worker connects again.
        }
        return false;
    }

    private async Task SendAsync()
    {
        await connection.SendAsync(run.Target.StreamHead());
        while (!Volatile.Read(ref isEnded))
        {
            var rows = FillChunk();
            if (rows > 0) await connection.SendAsync(chunk.Finish());
            else if (IsDone()) break;
            else await verdictsCame.WaitAsync(UntilNextRow());
        }
        if (Volatile.Read(ref isEnded)) return;
        // The summary is an answer too, and can be overdue.
        Volatile.Write(ref endSent, run.Time.GetTimestamp());
        await connection.SendAsync("0\r\n\r\n"u8.ToArray());
    }

    /// <summary>No row is left to be sent, and none can come back refused.</summary>
    private bool IsDone() =>
        window.Count == 0 && (run.Stopping.IsCancellationRequested || (run.Pacer.IsExhausted && refused.IsEmpty));

    private int FillChunk()
    {
        chunk.Clear();
        var count = 0;
        for (var free = window.Free; count < free && chunk.HasRoom && TryTakeRow(out var row); count++)
        {
            chunk.Add(run.Requests[row.Row].Span);
            window.Add(row);
        }
        return count;
    }

    private bool TryTakeRow(out StreamRow row)
    {
        row = default;
        if (run.Stopping.IsCancellationRequested) return false;
        if (refused.TryPeek(out var again) && run.Time.GetTimestamp() >= again.NotBefore
            && refused.TryDequeue(out again))
        {
            run.Tally.CountRetry();
            row = again.Row with { Sent = run.Time.GetTimestamp() };
            return true;
        }
        if (!run.Pacer.TryTakeDue(out var next)) return false;
        run.Tally.CountSent();
        row = new StreamRow(next, run.Pacer.LatencyStart(next), run.Time.GetTimestamp());
        return true;
    }

    /// <summary>How long the sender may sleep if no verdict makes room first.</summary>
    private TimeSpan UntilNextRow()
    {
        if (window.Free == 0) return Timeout.InfiniteTimeSpan;
        var wait = run.Pacer.IsExhausted ? LongestSleep : run.Pacer.UntilNextDue();
        var longest = refused.IsEmpty ? LongestSleep : RefusedSleep;
        return wait < ShortestSleep ? ShortestSleep : wait > longest ? longest : wait;
    }

    private async Task ReceiveAsync()
    {
        await connection.ReadResponseAsync(this);
        var response = connection.Response;
        if (response.Status == 200)
        {
            lines.End();
            if (!hasSummary) throw new EndOfStreamException("The answer ended without its summary.");
        }
        else
        {
            RetryAfterSeconds = response.RetryAfterSeconds;
            run.Judge(response.Status, errorBody.ToString());
        }
    }

    void IBodySink.Begin(int status) => errorBody.Begin(status);

    void IBodySink.Body(ReadOnlySpan<byte> piece)
    {
        if (connection.Response.Status == 200) lines.Push(piece);
        else errorBody.Body(piece);
        if (verdictsCame.CurrentCount == 0) verdictsCame.Release();
    }

    private void HandleLine(ReadOnlySpan<byte> line)
    {
        var verdict = VerdictLine.Parse(line);
        if (verdict.IsSummary)
        {
            hasSummary = true;
            if (verdict.Committed != committed)
                run.Fail($"A stream's summary says {verdict.Committed} rows committed, its verdicts say {committed}.");
            return;
        }
        verdicts++;
        var row = window.Take(verdict.Line);
        var outcome = Tally.OutcomeOf(verdict.Status);
        if (outcome == RowOutcome.Committed) committed++;
        else if (outcome != RowOutcome.Accepted) run.Judge(verdict.Status, Encoding.UTF8.GetString(line));
        if (outcome == RowOutcome.Refused)
        {
            SendAgain(row);
            return;
        }
        run.Latency.Record(row.Start, run.Time.GetTimestamp());
        run.Tally.Settle(outcome);
    }

    private void SendAgain(StreamRow row)
    {
        if (run.Time.GetElapsedTime(row.Start) >= run.Options.RetryFor)
        {
            run.Tally.Settle(RowOutcome.Refused);
            return;
        }
        // A verdict line carries no Retry-After; a stream is slowed down before it is refused, so a second is not too
        // long.
        var pause = new Backoff(run.Time, run.Options.RetryFor).Next(1);
        var notBefore = run.Time.GetTimestamp() + (long)(pause.TotalSeconds * run.Time.TimestampFrequency);
        refused.Enqueue(new RefusedRow(row, notBefore));
    }

    /// <summary>Rows without verdict: refused where the whole stream was, else nobody knows.</summary>
    private void SettleRest()
    {
        var status = connection.Response.IsComplete ? connection.Response.Status : 0;
        var outcome = status is 0 or 200 ? RowOutcome.NoAnswer : Tally.OutcomeOf(status);
        while (window.TryTakeOldest(out var row))
        {
            if (outcome == RowOutcome.Refused) SendAgain(row);
            else run.Tally.Settle(outcome);
        }
    }
}
