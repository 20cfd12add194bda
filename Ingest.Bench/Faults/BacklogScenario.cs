using System.Globalization;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>
/// Rows are accepted while their tables are locked, all nodes are killed, two come back, and a third one joins, which
/// moves lanes with their backlog; then the lock goes. Nothing is sent to these tables after the kill, so that it shows
/// whether their lanes come back by themselves.
/// </summary>
internal static class BacklogScenario
{
    /// <summary>From the start of the nodes until all lanes with a backlog try to write it.</summary>
    public static readonly TimeSpan LanesWithin = TimeSpan.FromSeconds(45);

    private const int Tables = 6;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    public static async Task RunAsync(Scene scene)
    {
        var tables = await FaultTables.CreateAsync(scene.Postgres, $"{scene.Load.Logs[0].Table}_burst", Tables);
        scene.Load.OtherLogs = [.. tables.Select(table => new RowLog(table))];
        using var burst = new AcceptedBurst(scene.Load.OtherLogs);
        await using (var tableLock = await TableLock.TakeAsync(scene.Postgres.ConnectionFor("bench"), tables))
        {
            await AcceptAsync(scene, burst);
            scene.MarkFault(null);
            await Task.WhenAll(scene.Cluster.Nodes.Select(node => node.KillAsync()));
            scene.Say("killed all nodes");
            scene.MarkRecovery();
            await ReturnAsync(scene, tables);
            await JoinAsync(scene, burst);
            await tableLock.ReleaseAsync();
        }

        await DrainAsync(scene, tables, burst.Good);
        foreach (var node in scene.Cluster.Nodes) await DemandAsync(scene, burst, node, "committed", "10s");
        scene.Notes.Add($"{burst.ReceiptsKept} receipts said committed on each node");
    }

    private static async Task AcceptAsync(Scene scene, AcceptedBurst burst)
    {
        var rows = scene.Options.BacklogRows / Tables * Tables;
        var since = scene.Time.GetTimestamp();
        await burst.SendAsync(scene.Cluster.Nodes, rows);
        var took = scene.Time.GetElapsedTime(since);
        Note(scene, $"{burst.Accepted:N0} rows accepted in {took.TotalSeconds:N1} s while their tables were locked");
        if (burst.Accepted < rows) scene.Failures.Add($"only {burst.Accepted:N0} of {rows:N0} rows were accepted");
    }

    /// <summary>All nodes but the last are started again, and each lane with a backlog is seen to write.</summary>
    private static async Task ReturnAsync(Scene scene, IReadOnlyList<string> tables)
    {
        var since = scene.Time.GetTimestamp();
        var returning = scene.Cluster.Nodes.SkipLast(1).ToList();
        foreach (var node in returning) node.Start();
        foreach (var node in returning) await node.WaitUntilReadyAsync(scene.Options.StartLimit);
        var missing = tables.ToHashSet();
        while (missing.Count > 0)
        {
            foreach (var table in missing.ToList())
                if (await FlushTrap.FindAsync(scene.Postgres, table) is not null) missing.Remove(table);
            if (scene.Time.GetElapsedTime(since) > scene.Options.Patience)
                throw new RunException($"the lanes of {string.Join(", ", missing)} did not come back");
            await Task.Delay(Interval, scene.Time);
        }

        var took = scene.Time.GetElapsedTime(since);
        Note(scene, $"all lanes with a backlog wrote again {took.TotalSeconds:N1} s after the start of the nodes");
        if (took > LanesWithin) scene.Failures.Add(scene.Notes[^1]);
    }

    private static async Task JoinAsync(Scene scene, AcceptedBurst burst)
    {
        var joining = scene.Cluster.Nodes[^1];
        joining.Start();
        await joining.WaitUntilReadyAsync(scene.Options.StartLimit);
        var since = scene.Time.GetTimestamp();
        int own, all;
        while (((own, all) = await joining.CountLanesAsync()).own == 0)
        {
            if (scene.Time.GetElapsedTime(since) > scene.Options.Patience)
                throw new RunException($"no lane moved to {joining.Name}");
            await Task.Delay(Interval, scene.Time);
        }

        Note(scene, $"{own} of {all} lanes had moved to {joining.Name} when the lock went");
        await DemandAsync(scene, burst, joining, "pending", "0s");
    }

    private static async Task DrainAsync(Scene scene, IReadOnlyList<string> tables, long rows)
    {
        var since = scene.Time.GetTimestamp();
        var sum = string.Join(" + ", tables.Select(table => $"(SELECT count(*) FROM {table})"));
        long there;
        while ((there = await CountAsync()) < rows && scene.Time.GetElapsedTime(since) < scene.Options.Patience)
            await Task.Delay(Interval, scene.Time);
        var took = scene.Time.GetElapsedTime(since);
        Note(
            scene,
            $"{there:N0} of {rows:N0} rows were in the tables {took.TotalSeconds:N1} s after the lock had gone");

        async Task<long> CountAsync()
        {
            await using var command = scene.Postgres.Source.CreateCommand($"SELECT {sum}");
            return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
        }
    }

    private static async Task DemandAsync(
        Scene scene, AcceptedBurst burst, NodeProcess node, string status, string wait)
    {
        var statuses = await burst.AskAsync(node, wait);
        if (statuses.Count == 1 && statuses.ContainsKey(status)) return;
        scene.Failures.Add($"receipts were to say {status} on {node.Name}: "
            + string.Join(", ", statuses.Select(one => $"{one.Value} {one.Key}")));
    }

    private static void Note(Scene scene, string what)
    {
        scene.Notes.Add(what);
        scene.Say(what);
    }
}
