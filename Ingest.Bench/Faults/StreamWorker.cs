using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>Sends streams of rows through one node, one after the other, each for the next table. The rows of every
/// second round over the tables ask to be accepted.</summary>
internal sealed class StreamWorker(FaultLoad load, NodeProcess node)
{
    private const int BufferBytes = 64 * 1024;

    private static readonly TimeSpan Reconnect = TimeSpan.FromMilliseconds(200);

    private HttpConnection? connection;

    public async Task RunAsync()
    {
        await Task.Yield();
        await using var abort = load.Aborting.Register(() => connection?.Dispose());
        for (var next = 0; !load.IsStopping; next++)
        {
            var log = load.Logs[next % load.Logs.Count];
            var asks = next / load.Logs.Count % 2 == 0 ? Array.Empty<string>() : [FaultLoad.AskToAccept];
            var target = node.TargetOf(log.Table, asks);
            connection = await load.TryConnectAsync(target, BufferBytes);
            if (connection is not null) await new FaultStream(load, log, target, connection).RunAsync();
            connection?.Dispose();
            if (connection is null) await load.PauseAsync(Reconnect);
        }
    }
}

/// <summary>One streamed request: rows go out at a rate while their verdicts come in.</summary>
internal sealed class FaultStream(FaultLoad load, RowLog log, HttpTarget target, HttpConnection connection) : IBodySink
{
    /// <summary>Rows without a verdict at most: a stalled lane must not be offered rows without end.</summary>
    private const int Window = 2_000;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<long, int> unanswered = new();
    private readonly BodyStart errorBody = new();
    private LineSplitter? lines;
    private long line;
    private volatile bool isEnded;

    public async Task RunAsync()
    {
        lines = new LineSplitter(HandleLine);
        var sending = GuardedAsync(SendAsync);
        await GuardedAsync(ReceiveAsync);
        isEnded = true;
        connection.Dispose();
        await sending;
        var refused = connection.Response.IsComplete && connection.Response.Status != 200;
        var rest = refused ? Tally.OutcomeOf(connection.Response.Status) : RowOutcome.NoAnswer;
        foreach (var row in unanswered.Values) log.Settle(row, rest);
    }

    void IBodySink.Begin(int status) => errorBody.Begin(status);

    void IBodySink.Body(ReadOnlySpan<byte> piece)
    {
        if (connection.Response.Status == 200) lines!.Push(piece);
        else errorBody.Body(piece);
    }

    private static async Task GuardedAsync(Func<Task> side)
    {
        try
        {
            await side();
        }
        catch (Exception e)
            when (e is SocketException or IOException or InvalidDataException or ObjectDisposedException)
        {
            // The rows without a verdict are settled when both sides have ended.
        }
    }

    private async Task SendAsync()
    {
        await connection.SendAsync(target.StreamHead());
        var chunk = new ChunkBuffer(64 * 1024);
        var since = load.Time.GetTimestamp();
        while (!isEnded && !load.IsStopping && load.Time.GetElapsedTime(since) < Length)
        {
            if (Fill(chunk)) await connection.SendAsync(chunk.Finish());
            await load.PauseAsync(Tick);
        }

        if (!isEnded) await connection.SendAsync("0\r\n\r\n"u8.ToArray());
    }

    private bool Fill(ChunkBuffer chunk)
    {
        chunk.Clear();
        var rows = (int)(load.Options.StreamRate * Tick.TotalSeconds);
        for (var i = 0; i < rows; i++)
        {
            if (unanswered.Count >= Window) return i > 0;
            var row = log.Begin();
            // Before it is sent, since its verdict may be there before the sending returns.
            unanswered[++line] = row;
            chunk.Add(FaultLoad.Row(row));
            chunk.Add("\n"u8);
        }

        return true;
    }

    private async Task ReceiveAsync()
    {
        await connection.ReadResponseAsync(this);
        if (connection.Response.Status == 200) lines!.End();
        else load.CountAnswer(connection.Response.Status, errorBody.ToString());
    }

    private void HandleLine(ReadOnlySpan<byte> text)
    {
        var verdict = VerdictLine.Parse(text);
        if (verdict.IsSummary) return;
        if (!unanswered.TryRemove(verdict.Line, out var row))
            throw new InvalidDataException($"Line {verdict.Line} was answered twice, or never sent.");
        load.CountAnswer(verdict.Status, verdict.Status < 400 ? "" : Encoding.UTF8.GetString(text));
        log.Settle(row, Tally.OutcomeOf(verdict.Status));
    }
}
