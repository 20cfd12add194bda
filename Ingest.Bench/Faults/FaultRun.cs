using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>Runs scenarios, one after the other, on a server and a cluster of its own.</summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(250);

    private readonly FaultOptions options;
    private readonly RunDirectory directory;
    private readonly TimeProvider time;
    private readonly Action<string> say;
    private RunPostgres? postgres;
    private NodeCluster? cluster;
    private NodeNetwork? network;
    private int scenes;

    public FaultRun(FaultOptions options, TimeProvider time, Action<string> say)
    {
        this.options = options;
        this.time = time;
        this.say = say;
        directory = new RunDirectory(options.KeepLogs);
    }

    /// <summary>Where the logs of server and nodes are, while the run lasts.</summary>
    public string Directory => directory.Path;

    /// <summary>Runs one scenario on a cluster that is whole.</summary>
    public async Task<FaultResult> RunAsync(Scenario scenario, CancellationToken cancellation)
    {
        var result = new FaultResult { Scenario = scenario.Name, Title = scenario.Title };
        try
        {
            if (await PrepareAsync(scenario, cancellation) is { } reason) return result with { Skipped = reason };
            return await PlayAsync(scenario, result, cancellation);
        }
        catch (RunException e)
        {
            return result with { Failures = [e.Message] };
        }
    }

    public async ValueTask DisposeAsync()
    {
        cluster?.Dispose();
        if (network is not null) await network.DisposeAsync();
        if (postgres is not null) await postgres.DisposeAsync();
        directory.Dispose();
    }

    /// <returns>Why the scenario cannot be run on this machine; null where it can.</returns>
    private async Task<string?> PrepareAsync(Scenario scenario, CancellationToken cancellation)
    {
        postgres ??= await RunPostgres.StartAsync(directory, time, cancellation);
        await postgres.StartAgainAsync();
        if (cluster is null || cluster.Network is not null != scenario.InNetworks)
        {
            cluster?.Dispose();
            cluster = null;
            if (scenario.InNetworks)
            {
                (network, var reason) = await NodeNetwork.TryCreateAsync(directory, FaultOptions.Nodes);
                if (network is null) return reason;
            }

            // Another cluster on the same journal would find the lanes of the former one.
            await postgres.ExecuteAsync("DROP SCHEMA IF EXISTS ingest CASCADE");
            cluster = NodeCluster.Of(options, directory, postgres, scenario.InNetworks ? network : null, time);
        }

        say("waiting for all nodes");
        await cluster.EnsureReadyAsync(options.StartLimit);
        if (scenario.PrepareAsync is { } prepare) await prepare(cluster);
        return null;
    }

    private async Task<FaultResult> PlayAsync(Scenario scenario, FaultResult result, CancellationToken cancellation)
    {
        var prefix = string.Create(CultureInfo.InvariantCulture, $"s{++scenes}_{scenario.Name}");
        var tables = await FaultTables.CreateAsync(postgres!, prefix, options.Tables);
        using var load = new FaultLoad(options, tables, time);
        var scene = new Scene(options, cluster!, postgres!, load, time, say);
        var since = time.GetTimestamp();
        try
        {
            var nodes = cluster!.Nodes.Where(node => node.IsServing);
            foreach (var node in scenario.OnFirstNode ? nodes.Take(1) : nodes) load.Start(node);
            await load.WaitUntilServedAsync(options.Patience);
            await Task.Delay(options.WarmUp, time, cancellation);
            say("load runs on all lanes");
            await scenario.InjectAsync(scene);
            await scene.WaitUntilResumedAsync();
            await Task.Delay(options.CoolDown, time, cancellation);
            scene.MeasureOthers();
        }
        catch (RunException e)
        {
            scene.Failures.Add(e.Message);
        }
        finally
        {
            await load.StopAsync();
        }

        var judgement = await DrainAsync(scene);
        say(load.Describe());
        return result.Of(scenario, scene, judgement, time.GetElapsedTime(since));
    }

    /// <summary>Waits until no node has a row without a verdict, and none a transaction; then until the rows that were
    /// accepted are written, be it by another node than the one that took them.</summary>
    private async Task<Judgement> DrainAsync(Scene scene)
    {
        var since = time.GetTimestamp();
        while (true)
        {
            var pending = await PendingAsync();
            var transactions = await TransactionsAsync();
            var isLate = time.GetElapsedTime(since) > DrainLimit;
            if (isLate && pending + transactions > 0)
                scene.Failures.Add($"{pending} rows and {transactions} transactions were still pending after "
                    + $"{DrainLimit.TotalSeconds:N0} s");
            if (isLate || pending + transactions == 0)
            {
                var judgement = await FaultTables.JudgeAsync(
                    postgres!, scene.Load.Logs.Concat(scene.Load.OtherLogs));
                if (isLate || judgement.LostAccepted == 0) return judgement;
            }

            await Task.Delay(DrainInterval, time);
        }
    }

    private async Task<long> PendingAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var pending = 0L;
        foreach (var node in cluster!.Nodes.Where(node => node.IsServing))
        {
            try
            {
                var account = await http.GetFromJsonAsync<JsonElement>(new Uri(node.Url, "/v1/accounting"));
                pending += account.GetProperty("total").GetProperty("pending").GetInt64();
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // A node that is on its way out has nobody to answer to any more; its transactions are looked at below.
            }
        }

        return pending;
    }

    private async Task<long> TransactionsAsync()
    {
        await using var command = postgres!.Source.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%node%' AND xact_start IS NOT NULL");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
