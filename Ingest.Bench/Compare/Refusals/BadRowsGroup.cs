using Ingest.Bench.Load;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>
/// What rows that PostgreSQL refuses cost the others of their batches, and the callers of another table. The rate is
/// that of a stream in its steady state, where bad rows are foreseen.
/// </summary>
internal static class BadRowsGroup
{
    // Beside a stream: far below what the node can take, so that a row waits for others' work alone.
    private const int OtherRate = 500;
    private const int OtherConnections = 32;

    private static readonly RefusalKind Guarded = RefusalKinds.Named("check");
    private static readonly RefusalKind Triggered = RefusalKinds.Named("before-trigger");
    private static readonly BadRows Negative = Guarded.Bad(every: 100);
    private static readonly BadRows Repeated = RefusalKinds.Named("unique").Bad(every: 100);

    public static async Task<Group> MakeAsync(BenchStage stage)
    {
        await stage.Postgres.ExecuteAsync($"{RefusalKinds.Types}; {Guarded.Create}; {Triggered.Create}");
        var node = new RefusingNode(
            stage, stage.Node, stage.Postgres.ConnectionFor("bench"),
            $"TRUNCATE clicks, {Guarded.Table}, {Triggered.Table};"
            + $"INSERT INTO {Guarded.Table} (id, url) VALUES ('{RefusalKinds.TakenId}', 'taken')");
        var duration = DurationOf(stage.Options);
        return new Group(
            "bad-rows",
            [
                node.Stream("bad-none", "no bad row", Guarded.Table, bad: null, duration),
                node.Stream("bad-check", "1 % against a check", Guarded.Table, Negative, duration),
                node.Stream("bad-unique", "1 % with a key that is taken", Guarded.Table, Repeated, duration),
                node.Stream("bad-all", "all against a check", Guarded.Table, Negative with { Every = 1 }, duration),
                node.Stream("trigger-none", "a BEFORE trigger, no bad row", Triggered.Table, bad: null, duration),
                node.Stream("trigger-bad", "a BEFORE trigger refuses 1 %", Triggered.Table, Negative, duration),
                Beside(node, "beside-good", "beside streams of good rows", bad: null),
                Beside(node, "beside-bad", "beside streams of nothing but bad rows", Negative with { Every = 1 }),
            ],
            [
                new("bad-check", "bad-none", 0.6), new("bad-unique", "bad-none", 0.6),
                new("trigger-bad", "trigger-none", 0.6),
            ])
        {
            Checks = samples =>
            [
                new("p99 of another table's rows beside bad rows to beside good ones", P99(samples, "beside-bad")
                    / P99(samples, "beside-good"), 2, "times"),
            ],
        };
    }

    private static Contender Beside(RefusingNode node, string name, string title, BadRows? bad) =>
        new(name, $"Ingest, {OtherRate} rows a second for another table, {title}", async (_, cancellation) =>
        {
            var stage = node.Stage;
            await node.ResetAsync();
            var load = node.Load(Guarded.Table, bad) with { Rows = long.MaxValue / 2 };
            using var streams = new LoadRun(load, stage.Time);
            var sending = streams.RunAsync();
            try
            {
                var other = new LoadOptions
                {
                    Url = node.Node.Url, Via = LoadVia.Http, Connections = OtherConnections, Rate = OtherRate,
                };
                return await LoadProbe.MeasureAsync(
                    other, stage.Watch(node.Node), stage.Options.WarmUp, DurationOf(stage.Options), stage.Time,
                    cancellation);
            }
            finally
            {
                streams.Stop();
                await sending;
                await stage.DrainAsync(node.Node);
            }
        });

    private static TimeSpan DurationOf(BenchOptions options) =>
        options.Quick ? options.Duration / 2 : options.Duration;

    private static double P99(IReadOnlyDictionary<string, List<Sample>> samples, string name) =>
        Spread.Of(samples[name].Select(sample => sample.LatencyMicroseconds!.P99)).Median;
}
