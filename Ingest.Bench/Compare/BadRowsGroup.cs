using Ingest.Bench.Load;

namespace Ingest.Bench.Compare;

/// <summary>
/// What rows that PostgreSQL refuses cost the others of their batches, and the callers of another table. The rate is
/// that of a stream in its steady state, where bad rows are foreseen.
/// </summary>
internal static class BadRowsGroup
{
    private const int Streams = 2;
    private const int StreamWindow = 32_768;
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

    private static readonly BadRows Negative = new("""{"url":"https://www.example.com/","amount":-1}""", 100);
    private static readonly BadRows Repeated = new($$"""{"url":"https://www.example.com/","id":"{{Taken}}"}""", 100);

    public static async Task<Group> MakeAsync(BenchStage stage)
    {
        await stage.Postgres.ExecuteAsync(Tables);
        return new Group(
            "bad-rows",
            [
                Stream(stage, "bad-none", "no bad row", Guarded, bad: null),
                Stream(stage, "bad-check", "1 % against a check", Guarded, Negative),
                Stream(stage, "bad-unique", "1 % with a key that is taken", Guarded, Repeated),
                Stream(stage, "bad-all", "all against a check", Guarded, Negative with { Every = 1 }),
                Stream(stage, "trigger-none", "a BEFORE trigger, no bad row", Triggered, bad: null),
                Stream(stage, "trigger-bad", "a BEFORE trigger refuses 1 %", Triggered, Negative),
                Beside(stage, "beside-good", "beside streams of good rows", bad: null),
                Beside(stage, "beside-bad", "beside streams of nothing but bad rows", Negative with { Every = 1 }),
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

    private static Contender Stream(BenchStage stage, string name, string title, string table, BadRows? bad) =>
        new(name, $"Ingest, NDJSON, {title}", async (warmUp, cancellation) =>
        {
            await ResetAsync(stage);
            // One long warm-up warms the node for all of them.
            var enough = bad is null ? warmUp : stage.Options.WarmUp;
            var sample = await MeasureAsync(stage, Load(stage, table, bad), enough, cancellation);
            await stage.DrainAsync(stage.Node);
            return sample;
        });

    private static Contender Beside(BenchStage stage, string name, string title, BadRows? bad) =>
        new(name, $"Ingest, {OtherRate} rows a second for another table, {title}", async (_, cancellation) =>
        {
            await ResetAsync(stage);
            using var streams = new LoadRun(
                Load(stage, Guarded, bad) with { Rows = long.MaxValue / 2 }, stage.Time);
            var sending = streams.RunAsync();
            try
            {
                var other = new LoadOptions
                {
                    Url = stage.Node.Url, Via = LoadVia.Http, Connections = OtherConnections, Rate = OtherRate,
                };
                return await MeasureAsync(stage, other, stage.Options.WarmUp, cancellation);
            }
            finally
            {
                streams.Stop();
                await sending;
                await stage.DrainAsync(stage.Node);
            }
        });

    private static Task<Sample> MeasureAsync(
        BenchStage stage, LoadOptions load, TimeSpan warmUp, CancellationToken cancellation) =>
        LoadProbe.MeasureAsync(
            load, stage.Watch(stage.Node), warmUp,
            stage.Options.Quick ? stage.Options.Duration / 2 : stage.Options.Duration, stage.Time, cancellation);

    private static async Task ResetAsync(BenchStage stage)
    {
        await stage.Postgres.ExecuteAsync(
            $"TRUNCATE {Guarded}, {Triggered}; INSERT INTO {Guarded} (id, url) VALUES ('{Taken}', 'taken')");
        await stage.ResetAsync();
    }

    private static LoadOptions Load(BenchStage stage, string table, BadRows? bad) => new()
    {
        Url = stage.Node.Url,
        Via = LoadVia.Ndjson,
        Connections = Streams,
        Window = StreamWindow,
        Table = table,
        Bad = bad,
    };

    private static double P99(IReadOnlyDictionary<string, List<Sample>> samples, string name) =>
        Spread.Of(samples[name].Select(sample => sample.LatencyMicroseconds!.P99)).Median;
}
