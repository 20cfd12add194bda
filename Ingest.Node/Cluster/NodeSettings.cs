using System.Collections.Immutable;
using Akka.Configuration;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Observability;
using Ingest.Node.Writing;
using static Ingest.Node.Cluster.SettingsSections;

namespace Ingest.Node.Cluster;

/// <summary>
/// All settings of a node, read from <c>hocon/ingest.conf</c>, which holds every default, then a file of the user's
/// own, then the environment.
/// </summary>
internal sealed class NodeSettings
{
    private readonly ImmutableDictionary<string, BatchingOptions> tables;
    private readonly BatchingOptions batching;

    private NodeSettings(Config config)
    {
        var read = new SettingsReader(config, "ingest");
        Postgres = ConnectionStringOf(read, "postgres");
        Journal = JournalOf(read);
        DataDirectory = Path.GetFullPath(read.Text("data"));
        ShutdownTimeout = read.Duration("shutdown-timeout");
        Http = HttpOf(read.Section("http"));
        GrpcPort = read.Section("grpc").Port("port");
        Access = AccessOf(read.Section("access"));
        Catalog = CatalogOf(read.Section("catalog"));
        Gateway = GatewayOf(read.Section("gateway"));
        Writing = WritingOf(read.Section("writing"));
        Telemetry = TelemetryOf(read.Section("telemetry"));
        Cluster = ClusterOf(read.Section("cluster"));
        batching = BatchingOf(read.Section("batching"));
        tables = read.Sections("tables", fallback: "batching")
            .ToImmutableDictionary(table => table.Name, table => BatchingOf(table.Section));
        SettingsRules.Check(this);
        InForce = ShownSettings.Of(config, "ingest");
    }

    /// <summary>Each setting by its full name, for people to see: without secrets.</summary>
    public ImmutableArray<(string Name, string Value)> InForce { get; }

    /// <summary>An Npgsql connection string; empty where the node is to start a server of its own.</summary>
    public string Postgres { get; }

    /// <summary>Where accepted rows are journaled: empty for the tables' database, an Npgsql connection string, or
    /// <c>sqlite:</c> and a file.</summary>
    public string Journal { get; }

    public string DataDirectory { get; }

    public TimeSpan ShutdownTimeout { get; }

    public HttpSettings Http { get; }

    /// <summary>Where the node listens for gRPC callers, at the same address as for HTTP.</summary>
    public int GrpcPort { get; }

    public AccessOptions Access { get; }

    public CatalogOptions Catalog { get; }

    public GatewayOptions Gateway { get; }

    public WritingOptions Writing { get; }

    public TelemetryOptions Telemetry { get; }

    public ClusterSettings Cluster { get; }

    /// <summary>Reads the settings of this process.</summary>
    /// <exception cref="SettingsException">A value is missing, malformed or out of range: says which and
    /// why.</exception>
    public static NodeSettings Load() => Load(Environment.GetEnvironmentVariable);

    public static NodeSettings Load(Func<string, string?> environment)
    {
        var config = Hocon.Read("ingest.conf", environment);
        if (environment("INGEST_CONFIG") is { Length: > 0 } file)
        {
            config = Hocon.ReadEnvironment("ingest.conf", environment)
                .WithFallback(SettingsFile.Read(file, config, environment))
                .WithFallback(config);
        }

        return new NodeSettings(config);
    }

    /// <summary>How lanes batch: of tables without settings of their own, and of those with some.</summary>
    internal IEnumerable<BatchingOptions> AllBatching => tables.Values.Append(batching);

    /// <summary>How a table's lanes batch.</summary>
    public BatchingOptions BatchingFor(string table) => tables.GetValueOrDefault(table, batching);
}
