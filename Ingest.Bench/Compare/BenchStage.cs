using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;
using Npgsql;

namespace Ingest.Bench.Compare;

/// <summary>
/// What a benchmark runs on: a PostgreSQL server of its own, the baselines, and nodes with default settings, each in a
/// process of its own. The load generator is this process.
/// </summary>
internal sealed partial class BenchStage : IAsyncDisposable
{
    private const string Allocated = "dotnet_gc_heap_total_allocated_bytes_total";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly RunDirectory run;
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly List<NodeProcess> nodes = [];
    private int databases;

    private BenchStage(BenchOptions options, RunDirectory run, RunPostgres postgres, TimeProvider time)
    {
        Options = options;
        this.run = run;
        Postgres = postgres;
        Time = time;
    }

    public BenchOptions Options { get; }

    public RunPostgres Postgres { get; }

    public TimeProvider Time { get; }

    /// <summary>A node as a user starts it, with lanes of its own.</summary>
    public NodeProcess Node { get; private set; } = null!;

    public BaselineProcess Baseline { get; private set; } = null!;

    public static async Task<BenchStage> StartAsync(
        BenchOptions options, TimeProvider time, CancellationToken cancellation)
    {
        var run = new RunDirectory(keep: false);
        var postgres = await RunPostgres.StartAsync(run, time, cancellation);
        var stage = new BenchStage(options, run, postgres, time);
        try
        {
            stage.Node = await stage.StartNodeAsync("node", database: null, new Dictionary<string, string>());
            stage.Baseline = await BaselineProcess.StartAsync(run, postgres, time, cancellation);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a database with an empty table <c>clicks</c>: nodes that are no cluster must not share
    /// one.</summary>
    /// <returns>Its name.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"bench{++databases}");
        await Postgres.ExecuteAsync($"CREATE DATABASE {name}");
        await using var source = NpgsqlDataSource.Create(Postgres.ConnectionFor("bench", database: name));
        await using var create = source.CreateCommand(
            """
            CREATE TABLE clicks(
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(), url text NOT NULL, user_id bigint,
                amount double precision, at timestamptz NOT NULL DEFAULT now())
            """);
        await create.ExecuteNonQueryAsync();
        return name;
    }

    /// <param name="settings">Settings beside the defaults, by the names of their variables.</param>
    public async Task<NodeProcess> StartNodeAsync(
        string name, string? database, IReadOnlyDictionary<string, string> settings)
    {
        var place = new NodePlace(name, "127.0.0.1", RunPostgres.FreePort(), RunPostgres.FreePort(), null);
        var environment = new Dictionary<string, string>
        {
            ["INGEST_POSTGRES"] = Postgres.ConnectionFor(name, database: database),
            ["INGEST_HTTP_PORT"] = Text(place.HttpPort),
            ["INGEST_GRPC_PORT"] = Text(RunPostgres.FreePort()),
            ["INGEST_REMOTE_PORT"] = Text(place.RemotePort),
            ["INGEST_DATA"] = run[name],
        };
        foreach (var (key, value) in settings) environment[key] = value;
        var node = new NodeProcess(place, environment, run, Time);
        nodes.Add(node);
        node.Start();
        await node.WaitUntilReadyAsync(Options.StartLimit);
        // A lane's first start is not what is measured.
        if (settings.GetValueOrDefault("INGEST_ROLES") != "batcher")
        {
            var load = new LoadOptions { Url = node.Url, Via = LoadVia.Ndjson, Connections = 1, Rows = 50_000 };
            using var first = new LoadRun(load, Time);
            await first.RunAsync();
        }

        return node;

        static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>What is watched while nodes are measured.</summary>
    public Watched Watch(params NodeProcess[] measured) =>
        new([.. measured.Select(node => node.Pid)], Postgres.Pid, () => AllocatedByAsync(measured[0]));

    /// <summary>What is watched while a baseline is measured.</summary>
    public Watched WatchBaseline() => new([Baseline.Pid], Postgres.Pid, AllocatedByBaselineAsync);

    /// <summary>What is watched while nothing but PostgreSQL is measured.</summary>
    public Watched WatchPostgres() => new([], Postgres.Pid, () => Task.FromResult<double?>(null));

    /// <summary>An empty table, and nothing for PostgreSQL left to do that a former measurement gave it.</summary>
    public async Task ResetAsync(string? database = null)
    {
        await using var source = NpgsqlDataSource.Create(Postgres.ConnectionFor("bench", database: database));
        await using var truncate = source.CreateCommand("TRUNCATE clicks");
        await truncate.ExecuteNonQueryAsync();
        await using var checkpoint = source.CreateCommand("CHECKPOINT");
        checkpoint.CommandTimeout = 0;
        await checkpoint.ExecuteNonQueryAsync();
    }

    /// <summary>Waits until a node has no row left without its end.</summary>
    /// <exception cref="RunException">It took too long.</exception>
    public async Task DrainAsync(NodeProcess node)
    {
        var since = Time.GetTimestamp();
        while (true)
        {
            var account = await http.GetFromJsonAsync<JsonElement>(new Uri(node.Url, "/v1/accounting"));
            var pending = account.GetProperty("total").GetProperty("pending").GetInt64();
            if (pending == 0) return;
            if (Time.GetElapsedTime(since) > Options.DrainLimit)
                throw new RunException(
                    $"{pending} rows were still pending after {Options.DrainLimit.TotalSeconds:N0} s.");
            await Task.Delay(Interval, Time);
        }
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        foreach (var node in nodes) node.Dispose();
        Baseline?.Dispose();
        await Postgres.DisposeAsync();
        run.Dispose();
    }

    private async Task<double?> AllocatedByAsync(NodeProcess node)
    {
        var metrics = await http.GetStringAsync(new Uri(node.Url, "/metrics"));
        var line = AllocatedLine().Match(metrics);
        return line.Success ? double.Parse(line.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;
    }

    private async Task<double?> AllocatedByBaselineAsync() => double.Parse(
        await http.GetStringAsync(new Uri(Baseline.Url, "/allocated")), CultureInfo.InvariantCulture);

    [GeneratedRegex($@"^{Allocated}(?:\{{[^}}]*\}})? (\S+)", RegexOptions.Multiline)]
    private static partial Regex AllocatedLine();
}
