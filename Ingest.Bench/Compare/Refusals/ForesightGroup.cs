using Npgsql;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>Whether it pays to foresee bad rows: what can be looked up, and what can only be tried.</summary>
internal static class ForesightGroup
{
    /// <summary>What foresight saves is a COPY that fails: here one of the whole batch, since these triggers fire at
    /// its end. One that meets a check ends at its first bad row, which is lost in the noise.</summary>
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
                $"{Foreseen(kind)}: statements a batch, where {foresight.Attempts[Surprised(kind)]:N1} without",
                foresight.Attempts[Foreseen(kind)], foresight.Attempts[Surprised(kind)] - 1, "statements")),
        };
    }

    private static string Surprised(RefusalKind kind) => $"{kind.Name}-surprised";

    private static string Foreseen(RefusalKind kind) => $"{kind.Name}-foreseen";
}
