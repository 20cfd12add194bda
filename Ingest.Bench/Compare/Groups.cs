using System.Globalization;
using Ingest.Bench.Compare.Refusals;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Compare;

/// <summary>What is measured side by side, and the goals.</summary>
internal static class Groups
{
    // Enough in flight that a batch fills while another one is written.
    private const int StreamWindow = 32_768;
    private const int Streams = 2;
    private const int RawBatchRows = 10_000;
    private const int Unloaded = 128;
    private const int Loaded = 1_024;

    /// <summary>All groups by name, in the order in which they are measured.</summary>
    public static IReadOnlyList<(string Name, Func<BenchStage, Task<Group>> MakeAsync)> All { get; } =
    [
        ("http-128", stage => Task.FromResult(Http(stage, Unloaded, 0.75, withInsert: true))),
        ("http-1024", stage => Task.FromResult(Http(stage, Loaded, 0.95, withInsert: false))),
        ("streams", stage => Task.FromResult(StreamsOf(stage))),
        ("grpc-unary", stage => Task.FromResult(GrpcUnary(stage))),
        ("accepted", stage => Task.FromResult(Accepted(stage))),
        ("remote", RemoteAsync),
        ("bad-rows", BadRowsGroup.MakeAsync),
        (RefusalsGroup.Name, RefusalsGroup.MakeAsync),
        ("foresight", ForesightGroup.MakeAsync),
        ("latency", stage => Task.FromResult(Latency(stage))),
        ("burst", stage => Task.FromResult(Burst.Of(stage))),
    ];

    private static Group Http(BenchStage stage, int connections, double ceilingGoal, bool withInsert)
    {
        var suffix = connections.ToString(CultureInfo.InvariantCulture);
        var ingest = $"http-{suffix}";
        List<Contender> contenders =
        [
            OfBaseline(stage, "discard", "a Kestrel endpoint that parses, encodes and discards", connections),
            new(ingest, $"Ingest, a row a request, {suffix} connections", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Single(connections), warmUp, cancellation)),
            OfBaseline(stage, "channel", "a hand-written Channel with two COPY writers", connections),
        ];
        if (withInsert) contenders.Add(OfBaseline(stage, "insert", "a prepared INSERT for each request", connections));
        List<Goal> goals = [new(ingest, $"discard-{suffix}", ceilingGoal), new(ingest, $"channel-{suffix}", 1.15)];
        if (withInsert) goals.Add(new Goal(ingest, $"insert-{suffix}", 7));
        return new Group(ingest, contenders, goals)
        {
            Checks = samples => AllocationsOf(samples, ingest, $"discard-{suffix}"),
        };
    }

    private static Group StreamsOf(BenchStage stage)
    {
        var raw = new Lazy<Task<RawCopy>>(() => RawCopy.PrepareAsync(stage.Postgres.ConnectionFor("raw"), stage.Time));
        return new Group(
            "streams",
            [
                new("raw-copy", $"raw binary COPY, {Streams} connections, batches of {RawBatchRows:N0}", async (_, _) =>
                {
                    await stage.ResetAsync();
                    var copy = await raw.Value;
                    return await LoadProbe.MeasureAsync(
                        () => copy.RunAsync(Streams, RawBatchRows, stage.Options.Duration),
                        stage.WatchPostgres(), stage.Time);
                })
                {
                    IsBaseline = true,
                },
                new("ndjson", $"Ingest, NDJSON, {Streams} streams", (warmUp, cancellation) =>
                    LoadAsync(stage, stage.Node, Ndjson(), warmUp, cancellation)),
                new("grpc-stream", $"Ingest, CreateStream, {Streams} streams", (warmUp, cancellation) =>
                    LoadAsync(stage, stage.Node, Ndjson() with { Via = LoadVia.Grpc }, warmUp, cancellation)),
            ],
            [new("ndjson", "raw-copy", 0.75), new("grpc-stream", "raw-copy", 0.75)]);
    }

    private static Group GrpcUnary(BenchStage stage) => new(
        "grpc-unary",
        [
            new("grpc-discard", $"a gRPC method that parses, encodes and discards, {Unloaded} in flight",
                async (warmUp, cancellation) =>
                {
                    await stage.ResetAsync();
                    return await LoadProbe.MeasureAsync(
                        Unary() with { Url = stage.Baseline.GrpcUrl },
                        stage.WatchBaseline(), warmUp, stage.Options.Duration, stage.Time, cancellation);
                })
            {
                IsBaseline = true,
            },
            new("grpc-create", $"Ingest, Create, {Unloaded} in flight", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Unary(), warmUp, cancellation)),
        ],
        [new("grpc-create", "grpc-discard", 0.75)]);

    private static Group Accepted(BenchStage stage) => new(
        "accepted",
        [
            new("committed-128", "Ingest, 201 after the commit, 128 connections", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Single(Unloaded), warmUp, cancellation)),
            new("accepted-128", "Ingest, 202 after the journal, 128 connections", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Later(Single(Unloaded)), warmUp, cancellation)),
            new("ndjson-committed", $"Ingest, NDJSON, committed, {Streams} streams", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Ndjson(), warmUp, cancellation)),
            new("ndjson-accepted", $"Ingest, NDJSON, accepted, {Streams} streams", (warmUp, cancellation) =>
                LoadAsync(stage, stage.Node, Later(Ndjson()), warmUp, cancellation)),
        ],
        [new("accepted-128", "committed-128", 0.6), new("ndjson-accepted", "ndjson-committed", 0.6)]);

    private static async Task<Group> RemoteAsync(BenchStage stage)
    {
        var database = await stage.CreateDatabaseAsync();
        var batcher = await stage.StartNodeAsync("batcher", database, new Dictionary<string, string>
        {
            ["INGEST_ROLES"] = "batcher",
        });
        var gateway = await stage.StartNodeAsync("gateway", database, new Dictionary<string, string>
        {
            ["INGEST_ROLES"] = "gateway",
            ["INGEST_SEED_NODES"] = $"{batcher.Place.Host}:{batcher.Place.RemotePort}",
        });
        return new Group(
            "remote",
            [
                new("local-128", "lanes on the node that takes the rows, 128 connections", (warmUp, cancellation) =>
                    LoadAsync(stage, stage.Node, Single(Unloaded), warmUp, cancellation)),
                new("remote-128", "lanes on another node, 128 connections", (warmUp, cancellation) =>
                    LoadAsync(stage, gateway, Single(Unloaded), warmUp, cancellation, batcher, database)),
                new("local-ndjson", "lanes on the node that takes the rows, NDJSON", (warmUp, cancellation) =>
                    LoadAsync(stage, stage.Node, Ndjson(), warmUp, cancellation)),
                new("remote-ndjson", "lanes on another node, NDJSON", (warmUp, cancellation) =>
                    LoadAsync(stage, gateway, Ndjson(), warmUp, cancellation, batcher, database)),
            ],
            [new("remote-128", "local-128", 0.8), new("remote-ndjson", "local-ndjson", 0.8)]);
    }

    private static Group Latency(BenchStage stage)
    {
        var highest = new List<double>();
        return new Group(
            "latency",
            [
                new("closed-loop", "Ingest, closed loop, 128 connections", async (warmUp, cancellation) =>
                {
                    var sample = await LoadAsync(stage, stage.Node, Single(Unloaded), warmUp, cancellation);
                    highest.Add(sample.RowsPerSecond);
                    return sample;
                }),
                new("half-rate", "Ingest, open loop at half of that rate", (warmUp, cancellation) =>
                    LoadAsync(
                        stage, stage.Node, Single(Unloaded) with { Rate = Spread.Of(highest).Median / 2 },
                        warmUp, cancellation)),
            ],
            [])
        {
            Checks = samples =>
            [
                new("p50 at half of the rate", OfLatency(samples, latency => latency.P50) / 1_000, 3, "ms"),
                new("p99 at half of the rate", OfLatency(samples, latency => latency.P99) / 1_000, 25, "ms"),
            ],
        };
    }

    private static double OfLatency(
        IReadOnlyDictionary<string, List<Sample>> samples, Func<LatencyPercentiles, double> select) =>
        Spread.Of(samples["half-rate"].Select(sample => select(sample.LatencyMicroseconds!))).Median;

    private static IEnumerable<Check> AllocationsOf(
        IReadOnlyDictionary<string, List<Sample>> samples, string own, string ceiling)
    {
        double[] beyond =
        [
            .. samples[own].Zip(samples[ceiling], (mine, other) => mine.AllocatedBytes - other.AllocatedBytes)
                .Where(bytes => bytes is not null).Select(bytes => bytes!.Value),
        ];
        if (beyond.Length > 0)
            yield return new Check($"{own}: allocated beyond Kestrel", Spread.Of(beyond).Median, 1_024, "bytes a row");
    }

    private static Contender OfBaseline(BenchStage stage, string table, string title, int connections)
    {
        var suffix = connections.ToString(CultureInfo.InvariantCulture);
        return new Contender($"{table}-{suffix}", $"{title}, {suffix} connections", async (warmUp, cancellation) =>
        {
            await stage.ResetAsync();
            return await LoadProbe.MeasureAsync(
                Single(connections) with { Url = stage.Baseline.Url, Table = table },
                stage.WatchBaseline(), warmUp, stage.Options.Duration, stage.Time, cancellation);
        })
        {
            IsBaseline = true,
        };
    }

    /// <summary>Loads a node; afterwards all that it took is in the table.</summary>
    /// <param name="writer">The node that holds the lanes, where it is another.</param>
    private static async Task<Sample> LoadAsync(
        BenchStage stage, NodeProcess node, LoadOptions load, TimeSpan warmUp, CancellationToken cancellation,
        NodeProcess? writer = null, string? database = null)
    {
        await stage.ResetAsync(database);
        var watched = writer is null ? stage.Watch(node) : stage.Watch(node, writer);
        var sample = await LoadProbe.MeasureAsync(
            load with { Url = load.Via is LoadVia.Grpc or LoadVia.GrpcUnary ? node.GrpcUrl! : node.Url },
            watched,
            warmUp,
            stage.Options.Duration,
            stage.Time,
            cancellation);
        await stage.DrainAsync(node);
        return sample;
    }

    private static LoadOptions Single(int connections) => new() { Via = LoadVia.Http, Connections = connections };

    private static LoadOptions Unary() => new() { Via = LoadVia.GrpcUnary, Connections = Unloaded };

    private static LoadOptions Ndjson() =>
        new() { Via = LoadVia.Ndjson, Connections = Streams, Window = StreamWindow };

    private static LoadOptions Later(LoadOptions load) => load with { Headers = ["Prefer: respond-async"] };
}
