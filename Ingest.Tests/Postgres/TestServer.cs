using Npgsql;

namespace Ingest.Tests.Postgres;

/// <summary>
/// The PostgreSQL server of this test run: one for the whole process, ended and removed with it. The variable
/// INGEST_TEST_POSTGRES names another to use instead.
/// </summary>
public static class TestServer
{
    private static readonly Lazy<Task<string>> Server = new(StartAsync);

    // Held for as long as the process lives: the guard of its directory ends the server when the other end of the
    // guard's pipe is closed, be it by the process's end, however that comes about, or by the garbage collector.
    private static OwnServer? own;

    /// <summary>A connection string to its <c>postgres</c> database, with the rights of a superuser.</summary>
    public static Task<string> ConnectionStringAsync() => Server.Value;

    private static async Task<string> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("INGEST_TEST_POSTGRES") is { Length: > 0 } given)
            return given;
        own = await OwnServer.StartAsync();
        return new NpgsqlConnectionStringBuilder(own.ConnectionString) { Database = "postgres" }.ConnectionString;
    }
}
