using Npgsql;

namespace Ingest.Node.Embedded;

/// <summary>How to connect to the embedded server, and the files that tell it to <c>./ingest load</c> and to
/// people.</summary>
internal static class ConnectionFiles
{
    public const string Superuser = "postgres";

    /// <summary>The database of the demo table.</summary>
    public const string Database = "ingest";

    /// <summary>A connection string for Npgsql.</summary>
    public static string ConnectionString(int port, string password, string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = port,
            Username = Superuser,
            Password = password,
            Database = database,
            // Loopback is no wire to listen on, and asking the server for encryption costs a round trip each time.
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ConnectionString;

    /// <summary>Writes <c>connection</c> for Npgsql, and <c>url</c> for psql and everything else.</summary>
    public static void Write(ServerDirectory directory, int port)
    {
        var password = directory.ReadPassword();
        ServerDirectory.WriteSecret(ConnectionFile(directory), ConnectionString(port, password, Database) + "\n");
        ServerDirectory.WriteSecret(
            UrlFile(directory), $"postgresql://{Superuser}:{password}@127.0.0.1:{port}/{Database}\n");
    }

    public static void Remove(ServerDirectory directory)
    {
        File.Delete(ConnectionFile(directory));
        File.Delete(UrlFile(directory));
    }

    private static string ConnectionFile(ServerDirectory directory) => Path.Combine(directory.Root, "connection");

    private static string UrlFile(ServerDirectory directory) => Path.Combine(directory.Root, "url");
}
