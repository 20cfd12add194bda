using System.Net.Sockets;
using Ingest.Bench.Load;

namespace Ingest.Bench.Faults;

/// <summary>One connection that sends rows of one table through one node, one by one, and feels its pulse.</summary>
internal sealed class RowWorker(FaultLoad load, RowLog log, Pulse pulse)
{
    private const int BufferBytes = 8 * 1024;

    private static readonly TimeSpan Reconnect = TimeSpan.FromMilliseconds(100);

    /// <summary>One row in so many asks to be accepted.</summary>
    private const int AcceptedShare = 4;

    private readonly HttpTarget target = pulse.Node.TargetOf(log.Table);
    private readonly HttpTarget accepting = pulse.Node.TargetOf(log.Table, FaultLoad.AskToAccept);
    private readonly BodyStart body = new();
    private HttpConnection? connection;

    public async Task RunAsync()
    {
        await Task.Yield();
        await using var abort = load.Aborting.Register(() => connection?.Dispose());
        while (!load.IsStopping)
        {
            if (await TryOpenAsync()) await SendAsync();
            else pulse.Absent(load.Time.GetTimestamp());
            await load.PauseAsync(connection is null ? Reconnect : load.Options.RowPause);
        }

        Drop();
    }

    private async Task<bool> TryOpenAsync()
    {
        // A server that stops closes connections that rest; a row sent into one would count as unanswered.
        if (connection is not null && !connection.IsUsable()) Drop();
        connection ??= await load.TryConnectAsync(target, BufferBytes);
        return connection is not null;
    }

    private async Task SendAsync()
    {
        var row = log.Begin();
        var sentAt = load.Time.GetTimestamp();
        var outcome = await ExchangeAsync(row);
        log.Settle(row, outcome);
        if (outcome == RowOutcome.Committed) pulse.Beat(sentAt, load.Time.GetTimestamp());
    }

    private async Task<RowOutcome> ExchangeAsync(int row)
    {
        try
        {
            var way = row % AcceptedShare == 0 ? accepting : target;
            await connection!.SendAsync(way.CreateRequest(FaultLoad.Row(row)));
            await connection.ReadResponseAsync(body);
        }
        catch (Exception e)
            when (e is SocketException or IOException or InvalidDataException or ObjectDisposedException)
        {
            Drop();
            return RowOutcome.NoAnswer;
        }

        var response = connection.Response;
        load.CountAnswer(response.Status, body.ToString());
        if (!response.KeepsAlive) Drop();
        return Tally.OutcomeOf(response.Status);
    }

    private void Drop()
    {
        connection?.Dispose();
        connection = null;
    }
}
