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
    private readonly LoadRun run;
    private readonly HttpConnection connection;
    private readonly RowFlow rows;
    private readonly LineSplitter lines;
    private readonly BodyStart errorBody = new();
    private readonly ChunkBuffer chunk = new(64 * 1024);
    private long endSent;
    private long committed;
    private bool isEnded;
    private bool hasSummary;

    public StreamedRequest(LoadRun run, HttpConnection connection, ConcurrentQueue<RefusedRow> refused)
    {
        this.run = run;
        this.connection = connection;
        rows = new RowFlow(run, refused);
        lines = new LineSplitter(HandleLine);
    }

    /// <summary>The stream ended as it should: all verdicts, then the summary.</summary>
    public bool IsClean { get; private set; }

    public bool HadVerdicts => rows.HadVerdicts;

    /// <summary>What a refusal of the whole stream asked for.</summary>
    public int? RetryAfterSeconds { get; private set; }

    /// <summary>The timestamp since which an answer is awaited: a verdict, or the summary; 0 where none is.</summary>
    public long AwaitingSince => rows.OldestSent is not 0 and var oldest ? oldest : Volatile.Read(ref endSent);

    /// <summary>Streams until there are no rows left, or the connection fails; settles what it has sent.</summary>
    public async Task RunAsync()
    {
        var sending = GuardedAsync(SendAsync);
        // A server that refuses the stream stops reading, and the sender fails: its answer is still there to be read.
        var isReceived = await GuardedAsync(ReceiveAsync);
        Volatile.Write(ref isEnded, true);
        connection.Dispose();
        rows.Wake();
        var isSent = await sending;
        IsClean = isReceived && isSent && hasSummary && rows.Unsettled == 0;
        var status = connection.Response.IsComplete ? connection.Response.Status : 0;
        // Refused where the whole stream was, else nobody knows.
        rows.SettleRest(status is 0 or 200 ? RowOutcome.NoAnswer : Tally.OutcomeOf(status));
    }

    public void Dispose() => rows.Dispose();

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
            if (FillChunk() > 0) await connection.SendAsync(chunk.Finish());
            else if (rows.IsDone) break;
            else await rows.WaitAsync();
        }
        if (Volatile.Read(ref isEnded)) return;
        // The summary is an answer too, and can be overdue.
        Volatile.Write(ref endSent, run.Time.GetTimestamp());
        await connection.SendAsync("0\r\n\r\n"u8.ToArray());
    }

    private int FillChunk()
    {
        chunk.Clear();
        var count = 0;
        for (var free = rows.Free; count < free && chunk.HasRoom && rows.TryTake(out var row); count++)
            chunk.Add(run.Requests[row.Row].Span);
        return count;
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
        rows.Wake();
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
        var text = verdict.Status is 201 or 202 ? null : Encoding.UTF8.GetString(line);
        if (rows.Settle(verdict.Line, verdict.Status, text) == RowOutcome.Committed) committed++;
    }
}
