using Npgsql;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>Whether it pays to foresee bad rows: by what can be looked up, and by what they have in common.</summary>
internal static class ForesightGroup
{
    /// <summary>What foresight saves: a COPY that fails, of the whole batch, since these triggers fire at its end, and
    /// trying each row by itself. A COPY that meets a check ends at its first bad row, which is lost in the
    /// noise.</summary>
    private const string Saving = "after-trigger";

    private static readonly string[] Kinds = ["check", Saving];

    public static async Task<Group> MakeAsync(BenchStage stage)
    {
        var database = await stage.CreateDatabaseAsync();
        var kinds = Kinds.Select(RefusalKinds.Named).ToList();
        await using var source = NpgsqlDataSource.Create(stage.Postgres.ConnectionFor("bench", database: database));
        await using var create = source.CreateCommand(
            $"{RefusalKinds.Types}; {string.Join(';', kinds.Select(kind => kind.Create))}");
        await create.ExecuteNonQueryAsync();
        var foresight = new Foresight(stage, database);
        return new Group(
            "foresight",
            [.. kinds.SelectMany<RefusalKind, Contender>(kind =>
            [
                foresight.Contender(Surprised(kind), $"1 % bad, {kind.Title}, not foreseen", kind, remembers: false),
                foresight.Contender(Foreseen(kind), $"1 % bad, {kind.Title}, foreseen", kind, remembers: true),
            ])],
            [.. kinds.Where(kind => kind.Name == Saving).Select(kind => new Goal(Foreseen(kind), Surprised(kind), 1))])
        {
            Checks = _ => kinds.Select(kind => new Check(
                $"{Foreseen(kind)}: tries of a row, where it is {foresight.Tried[Surprised(kind)]:N1} without",
                foresight.Tried[Foreseen(kind)], foresight.Tried[Surprised(kind)] / 2, "times")),
        };
    }

    private static string Surprised(RefusalKind kind) => $"{kind.Name}-surprised";

    private static string Foreseen(RefusalKind kind) => $"{kind.Name}-foreseen";
}
