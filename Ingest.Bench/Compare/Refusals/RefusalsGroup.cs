using System.Text.Json;
using Ingest.Bench.Load;
using Npgsql;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>
/// What one bad row in a hundred costs the others, for each kind of refusal: streams into a table, beside streams of
/// good rows into the same table. The node has a role of its own, which row level security is for.
/// </summary>
internal static class RefusalsGroup
{
    /// <summary>Measured by a quick run only where it is asked for, since it has so many contenders.</summary>
    public const string Name = "refusals";

    private const string Role = "bench_node";

    /// <summary>What the load generator's rows refer to, and the rows whose keys are taken.</summary>
    private const string Parents = "parents";

    public static async Task<Group> MakeAsync(BenchStage stage)
    {
        var database = await stage.CreateDatabaseAsync();
        var connection = stage.Postgres.ConnectionFor("bench", database: database);
        await PrepareAsync(connection);
        var settings = new NpgsqlConnectionStringBuilder(stage.Postgres.ConnectionFor(Name, database: database))
        {
            Username = Role, Password = Role,
        };
        var process = await stage.StartNodeAsync(
            Name, database, new Dictionary<string, string> { ["INGEST_POSTGRES"] = settings.ConnectionString });
        var empty = $"TRUNCATE {string.Join(", ", RefusalKinds.All.Select(kind => kind.Table))};"
            + string.Join(';', RefusalKinds.All.Select(kind => kind.Taken));
        var node = new RefusingNode(stage, process, connection, empty);
        return new Group(
            Name,
            [.. RefusalKinds.All.SelectMany(kind => Pair(node, kind))],
            [.. RefusalKinds.All.Select(kind => new Goal($"{kind.Name}-bad", $"{kind.Name}-none", 0.6))]);
    }

    private static IEnumerable<Contender> Pair(RefusingNode node, RefusalKind kind)
    {
        // There are many of them.
        var duration = node.Stage.Options.Duration / 2;
        yield return node.Stream($"{kind.Name}-none", $"{kind.Title}, no bad row", kind.Table, bad: null, duration);
        yield return node.Stream(
            $"{kind.Name}-bad", $"{kind.Title}, 1 % bad", kind.Table, kind.Bad(every: 100), duration);
    }

    private static async Task PrepareAsync(string connection)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await ExecuteAsync(
            $"""
            CREATE TABLE {Parents} (id bigint PRIMARY KEY);
            CREATE ROLE {Role} LOGIN PASSWORD '{Role}';
            CREATE SCHEMA ingest AUTHORIZATION {Role};
            {RefusalKinds.Types};
            {string.Join(";\n", RefusalKinds.All.Select(kind => kind.Create))};
            GRANT INSERT, SELECT ON ALL TABLES IN SCHEMA public TO {Role}
            """);
        await using var parents = source.CreateCommand($"INSERT INTO {Parents} SELECT DISTINCT unnest($1)");
        var rows = new RowSource();
        parents.Parameters.Add(new NpgsqlParameter<long[]>
        {
            TypedValue = [.. Enumerable.Range(0, RowSource.Distinct).Select(row => UserOf(rows[row]))],
        });
        await parents.ExecuteNonQueryAsync();

        async Task ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static long UserOf(ReadOnlyMemory<byte> row)
    {
        using var json = JsonDocument.Parse(row);
        return json.RootElement.GetProperty("user_id").GetInt64();
    }
}
