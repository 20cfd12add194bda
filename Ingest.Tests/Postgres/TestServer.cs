namespace Ingest.Tests.Postgres;

/// <summary>The PostgreSQL server of this test run: one for the whole process.</summary>
public static class TestServer
{
    /// <summary>A connection string to its <c>postgres</c> database, with the rights of a superuser.</summary>
    public static Task<string> ConnectionStringAsync() => Task.FromResult(
        Environment.GetEnvironmentVariable("INGEST_TEST_POSTGRES")
        ?? throw new InvalidOperationException("Set INGEST_TEST_POSTGRES to a server for the tests."));
}
