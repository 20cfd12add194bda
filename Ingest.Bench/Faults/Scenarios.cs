using Ingest.Bench.Processes;
using Npgsql;

namespace Ingest.Bench.Faults;

/// <summary>All faults that a run knows, in the order in which they are run.</summary>
internal static class Scenarios
{
    private static readonly TimeSpan AfterDatabase = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AfterNode = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("kill_lanes", "kill -9 of a node whose lane is in a flush", AfterNode, KillLanesAsync),
        new("kill_gateway", "kill -9 of the node that all clients are connected to", AfterNode, KillGatewayAsync)
        {
            OnFirstNode = true,
        },
        new("end_backend", "pg_terminate_backend of a backend in COPY", AfterDatabase, EndBackendAsync),
        new("crash_postgres", "PostgreSQL crashes (SIGQUIT) and starts again", AfterDatabase, CrashPostgresAsync),
        new("no_postgres", "no PostgreSQL for a while", AfterDatabase, NoPostgresAsync),
        new("zombie", "SIGSTOP of a node whose lane is in a flush, then SIGCONT", AfterNode, ZombieAsync),
        new("rolling", "rolling restart (SIGTERM) of all nodes", AfterNode, RollingAsync)
        {
            WithoutServerErrors = true,
        },
        new(
            "backlog", "kill -9 of all nodes with a backlog of accepted rows; one joins", BacklogScenario.LanesWithin,
            BacklogScenario.RunAsync),
        new("join", "a node joins", AfterNode, JoinAsync) { PrepareAsync = StopLastAsync },
        new("partition", "a node is cut off from the others", AfterNode, PartitionAsync) { InNetworks = true },
    ];

    private static async Task KillLanesAsync(Scene scene)
    {
        var hosts = await scene.FindHostsAsync();
        await using var trap = await FlushTrap.SetFullAsync(scene.Postgres, scene.Load.Logs[0].Table, scene.Time);
        scene.MarkFault(TablesOf(hosts, trap.Node));
        await scene.Cluster[trap.Node].KillAsync();
        scene.Say($"killed {trap.Node}");
    }

    private static async Task KillGatewayAsync(Scene scene)
    {
        var victim = scene.Cluster.Nodes[0];
        var hosts = await scene.FindHostsAsync();
        scene.MarkFault(TablesOf(hosts, victim.Name));
        await victim.KillAsync();
        scene.Say($"killed {victim.Name}");
        // The clients go elsewhere, as they do behind a load balancer.
        foreach (var node in scene.Cluster.Nodes.Where(node => node.IsServing)) scene.Load.Start(node);
        scene.MarkFault(TablesOf(hosts, victim.Name));
    }

    private static async Task EndBackendAsync(Scene scene)
    {
        var table = scene.Load.Logs[0].Table;
        await using var trap = await FlushTrap.SetFullAsync(scene.Postgres, table, scene.Time);
        scene.MarkFault([table]);
        await using var end = scene.Postgres.Source.CreateCommand("SELECT pg_terminate_backend($1)");
        end.Parameters.Add(new NpgsqlParameter { Value = trap.Backend });
        await end.ExecuteScalarAsync();
        scene.Say("ended the backend");
    }

    private static async Task CrashPostgresAsync(Scene scene)
    {
        await using (await FlushTrap.SetFullAsync(scene.Postgres, scene.Load.Logs[0].Table, scene.Time))
        {
            scene.MarkFault(null);
            await scene.Postgres.CrashAsync();
        }

        scene.Say("PostgreSQL is down");
        await scene.Postgres.StartAgainAsync();
        scene.MarkRecovery();
        scene.Say("PostgreSQL is back");
    }

    private static async Task NoPostgresAsync(Scene scene)
    {
        scene.MarkFault(null);
        await scene.Postgres.CrashAsync();
        scene.Say($"no PostgreSQL for {scene.Options.Outage.TotalSeconds:N0} s");
        await Task.Delay(scene.Options.Outage, scene.Time);
        await scene.Postgres.StartAgainAsync();
        scene.MarkRecovery();
        scene.Say("PostgreSQL is back");
    }

    private static async Task ZombieAsync(Scene scene)
    {
        var hosts = await scene.FindHostsAsync();
        NodeProcess zombie;
        await using (var trap = await FlushTrap.SetFullAsync(scene.Postgres, scene.Load.Logs[0].Table, scene.Time))
        {
            zombie = scene.Cluster[trap.Node];
            scene.MarkFault(TablesOf(hosts, zombie.Name));
            await zombie.SuspendAsync();
            scene.Say($"suspended {zombie.Name}");
        }

        await AbsentAsync(scene);
        await zombie.ResumeAsync();
        scene.Say($"{zombie.Name} goes on");
        await ReturnAsync(scene, zombie);
    }

    private static async Task PartitionAsync(Scene scene)
    {
        var network = scene.Cluster.Network!;
        var hosts = await scene.FindHostsAsync();
        NodeProcess minority;
        int index;
        int[] others;
        await using (var trap = await FlushTrap.SetFullAsync(scene.Postgres, scene.Load.Logs[0].Table, scene.Time))
        {
            minority = scene.Cluster[trap.Node];
            index = scene.Cluster.Nodes.TakeWhile(node => node != minority).Count();
            others = [.. Enumerable.Range(0, scene.Cluster.Nodes.Count).Where(node => node != index)];
            scene.MarkFault(TablesOf(hosts, minority.Name));
            minority.IsCutOff = true;
            await network.CutAsync(index, others);
            scene.Say($"cut {minority.Name} off");
        }

        await AbsentAsync(scene);
        await network.HealAsync(index, others);
        minority.IsCutOff = false;
        scene.Say($"{minority.Name} is reachable again");
        await ReturnAsync(scene, minority);
    }

    private static async Task RollingAsync(Scene scene)
    {
        scene.MarkFault(null);
        foreach (var node in scene.Cluster.Nodes)
        {
            var since = scene.Time.GetTimestamp();
            var code = await node.StopAsync(StopLimit);
            var took = scene.Time.GetElapsedTime(since);
            scene.Say($"{node.Name} ended with code {code} after {took.TotalSeconds:N1} s");
            if (code != 0) scene.Failures.Add($"{node.Name} ended with code {code}, after {took.TotalSeconds:N0} s");
            if (code is null) await node.KillAsync();
            node.Start();
            await node.WaitUntilReadyAsync(scene.Options.StartLimit);
            scene.MarkRecovery();
            await scene.WaitUntilResumedAsync();
        }
    }

    private static async Task StopLastAsync(NodeCluster cluster)
    {
        await cluster.Nodes[^1].StopAsync(StopLimit);
        if (!cluster.Nodes[^1].HasExited) await cluster.Nodes[^1].KillAsync();
    }

    private static async Task JoinAsync(Scene scene)
    {
        await scene.FindHostsAsync();
        scene.MarkFault([]);
        var joining = scene.Cluster.Nodes[^1];
        joining.Start();
        await joining.WaitUntilReadyAsync(scene.Options.StartLimit);
        scene.Say($"{joining.Name} is ready");
        scene.Load.Start(joining);
        scene.MarkRecovery();
        await scene.WaitUntilResumedAsync();
        await Task.Delay(scene.Options.Absence, scene.Time);
        await scene.FindHostsAsync();
        // Shards are spread by number, whatever they hold: so all lanes count, those of earlier scenarios too.
        var (own, all) = await joining.CountLanesAsync();
        scene.Notes.Add($"{own} of the cluster's {all} lanes are on the new node");
        if (own < all / (2 * scene.Cluster.Nodes.Count)) scene.Failures.Add($"the new node got {own} of {all} lanes");
    }

    /// <summary>Lets the others go on without a node, at least until they serve its lanes.</summary>
    private static async Task AbsentAsync(Scene scene)
    {
        var since = scene.Time.GetTimestamp();
        await scene.WaitUntilResumedAsync();
        var left = scene.Options.Absence - scene.Time.GetElapsedTime(since);
        if (left > TimeSpan.Zero) await Task.Delay(left, scene.Time);
    }

    /// <summary>A node that was given up on has to end, so that it can come back; or to be one of them again.</summary>
    private static async Task ReturnAsync(Scene scene, NodeProcess node)
    {
        var since = scene.Time.GetTimestamp();
        if (await node.WaitForExitAsync(StopLimit))
        {
            scene.Notes.Add($"{node.Name} found itself given up on and ended with code {node.ExitCode} after "
                + $"{scene.Time.GetElapsedTime(since).TotalSeconds:N0} s");
        }
        else
        {
            var isBack = await node.IsReadyAsync();
            scene.Notes.Add(isBack ? $"{node.Name} was taken back" : $"{node.Name} is neither in nor gone");
            if (!isBack) scene.Failures.Add(scene.Notes[^1]);
        }

        scene.Say(scene.Notes[^1]);
    }

    private static IEnumerable<string> TablesOf(IReadOnlyDictionary<string, string> hosts, string node) =>
        hosts.Where(host => host.Value == node).Select(host => host.Key);
}
