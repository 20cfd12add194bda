using Ingest.Bench.Load;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>
/// What rows that PostgreSQL refuses cost the others of their batches, and the callers of another table. The rate is
/// that of a stream in its steady state, where bad rows are foreseen.
/// </summary>
internal static class BadRowsGroup
{
    private const string Guarded = "bench_guarded";
    private const string Triggered = "bench_triggered";
    private const string Taken = "00000000-0000-0000-0000-000000000001";

    // Beside a stream: far below what the node can take, so that a row waits for others' work alone.
    private const int OtherRate = 500;
    private const int OtherConnections = 32;

    private const string Tables = $"""
        CREATE TABLE {Guarded} (LIKE clicks INCLUDING ALL, CHECK (amount >= 0));
        CREATE TABLE {Triggered} (LIKE clicks INCLUDING ALL);
        CREATE FUNCTION {Triggered}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.amount < 0 THEN RAISE 'Not less than nothing.'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON {Triggered} FOR EACH ROW EXECUTE FUNCTION {Triggered}()
        """;

    private static readonly BadRows Negative = new(RefusingNode.Row(amount: "-1"), 100);
    private static readonly BadRows Repeated = new(RefusingNode.Row(id: $"\"{Taken}\""), 100);

    public static async Task<Group> MakeAsync(BenchStage stage)
    {
        await stage.Postgres.ExecuteAsync(Tables);
        var node = new RefusingNode(
            stage, stage.Node, stage.Postgres.ConnectionFor("bench"),
            $"TRUNCATE clicks, {Guarded}, {Triggered}; INSERT INTO {Guarded} (id, url) VALUES ('{Taken}', 'taken')");
        var duration = DurationOf(stage.Options);
        return new Group(
            "bad-rows",
            [
                node.Stream("bad-none", "no bad row", Guarded, bad: null, duration),
                node.Stream("bad-check", "1 % against a check", Guarded, Negative, duration),
                node.Stream("bad-unique", "1 % with a key that is taken", Guarded, Repeated, duration),
                node.Stream("bad-all", "all against a check", Guarded, Negative with { Every = 1 }, duration),
                node.Stream("trigger-none", "a BEFORE trigger, no bad row", Triggered, bad: null, duration),
                node.Stream("trigger-bad", "a BEFORE trigger refuses 1 %", Triggered, Negative, duration),
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
            using var streams = new LoadRun(node.Load(Guarded, bad) with { Rows = long.MaxValue / 2 }, stage.Time);
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
