using Akka.Configuration;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>The connection of the lanes' journal, as the Akka.Persistence plugin wants it.</summary>
internal static class JournalPlugin
{
    /// <summary>The path of the plugin in the configuration.</summary>
    public const string Id = "akka.persistence.journal.lanes";

    private const string SqlitePrefix = "sqlite:";

    /// <summary>Connections of a node to the journal; its plugin writes with a few at a time.</summary>
    private const int Connections = 8;

    public static bool IsSqlite(string journal) => journal.StartsWith(SqlitePrefix, StringComparison.Ordinal);

    /// <summary>True where the journal is on a PostgreSQL server that the setting names.</summary>
    public static bool IsElsewhere(string journal) => journal.Length > 0 && !IsSqlite(journal);

    /// <param name="journal">The setting <c>ingest.journal</c>: empty for the tables' database, an Npgsql connection
    /// string, or <c>sqlite:</c> and a file.</param>
    /// <param name="postgres">The connection string of the tables' database.</param>
    public static Config ConfigFor(string journal, string postgres)
    {
        if (IsSqlite(journal))
        {
            return ConfigurationFactory.ParseString($$"""
                {{Id}} {
                  provider-name = "SQLite.MS"
                  connection-string = {{Quote($"Data Source={journal[SqlitePrefix.Length..]}")}}
                  parallelism = 1
                }
                """);
        }

        // A pool of its own: the plugin takes what it can get, and lanes must not wait for it to write.
        var connection = new NpgsqlConnectionStringBuilder(journal.Length == 0 ? postgres : journal)
        {
            MaxPoolSize = Connections,
            Timeout = 5,
        };
        connection.ApplicationName = $"{connection.ApplicationName ?? "ingest"} journal";
        return ConfigurationFactory.ParseString($$"""
            {{Id}} {
              provider-name = "PostgreSQL.15"
              connection-string = {{Quote(connection.ConnectionString)}}
              default.schema-name = ingest
            }
            """);
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
}
