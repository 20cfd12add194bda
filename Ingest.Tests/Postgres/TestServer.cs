using Npgsql;

namespace Ingest.Tests.Postgres;

/// <summary>
/// The PostgreSQL server of this test run: one for the whole process, ended and removed with it. The variable
/// INGEST_TEST_POSTGRES names another to use instead.
/// </summary>
public static class TestServer
{
    private static readonly Lazy<Task<string>> Server = new(StartAsync);

    /// <summary>A connection string to its <c>postgres</c> database, with the rights of a superuser.</summary>
    public static Task<string> ConnectionStringAsync() => Server.Value;

    private static async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("INGEST_TEST_POSTGRES") is { Length: > 0 } given)
            return given;
        // Nobody disposes it: the guard of its directory ends it when this process ends, however that comes about.
        var server = await OwnServer.StartAsync();
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "postgres" }.ConnectionString;
    }
}
