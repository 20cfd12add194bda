using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Net;
using Akka.Configuration;
using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Observability;
using Ingest.Node.Writing;
using Npgsql;

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
        CheckTimes();
        InForce = ShownSettings.Of(config, "ingest");
        CheckDoors();
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
            if (!File.Exists(file)) throw new SettingsException($"INGEST_CONFIG names {file}, which is not there.");
            config = Hocon.ReadEnvironment("ingest.conf", environment)
                .WithFallback(Hocon.Parse(File.ReadAllText(file), environment))
                .WithFallback(config);
        }

        return new NodeSettings(config);
    }

    /// <summary>How a table's lanes batch.</summary>
    public BatchingOptions BatchingFor(string table) => tables.GetValueOrDefault(table, batching);

    /// <summary>Durations that are right by themselves and together would answer "not written" to every row.</summary>
    private void CheckTimes()
    {
        var patience = Gateway.RequestTimeout - Gateway.AnswerMargin;
        Require(patience > TimeSpan.Zero, "gateway.answer-margin must be less than gateway.request-timeout");
        Require(Writing.LockTimeout > TimeSpan.Zero, "writing.lock-timeout must be more than zero (no limit)");
        // ZombieTransactions looks once a second while an attempt waits for a lock: there must be time for both.
        Require(
            Writing.AttemptTimeout > Writing.LockTimeout + TimeSpan.FromSeconds(1),
            "writing.attempt-timeout must be more than writing.lock-timeout and a second");
        Require(
            Writing.LockTimeout < Gateway.AnswerMargin,
            "writing.lock-timeout must be less than gateway.answer-margin");
        Require(
            Writing.KeyRetention > 10 * Gateway.RequestTimeout,
            "writing.key-retention must be ten request-timeouts or more");
        Require(Writing.DeadLetterRetention > TimeSpan.Zero, "writing.dead-letter-retention must be more than zero");
        foreach (var options in tables.Values.Append(batching))
        {
            Require(
                options.FlushInterval < patience,
                "batching.flush-interval must be less than request-timeout less answer-margin");
        }

    }

    /// <summary>A node that others can reach asks who they are, or was told not to.</summary>
    private void CheckDoors()
    {
        if (Access.AllowAnonymous) return;
        if (Cluster.Tls is null && !IsThisMachine(Cluster.Host))
        {
            throw new SettingsException(
                $"Others than this machine could speak as nodes at {Cluster.Host} without a certificate: give the "
                + "nodes certificates (INGEST_REMOTE_TLS_CERTIFICATE), or allow it (INGEST_ALLOW_ANONYMOUS=on).");
        }

        if (Access.IsOn || IPAddress.IsLoopback(Http.Address)) return;
        throw new SettingsException(
            $"Others than this machine could call at {Http.Address} without saying who they are: switch API keys on "
            + "(INGEST_API_KEYS=on) or name an issuer of tokens, or allow it (INGEST_ALLOW_ANONYMOUS=on).");
    }

    private static bool IsThisMachine(string host) => IPAddress.TryParse(host, out var address)
        ? IPAddress.IsLoopback(address)
        : host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static void Require(bool holds, string rule)
    {
        if (!holds) throw new SettingsException($"Settings do not fit together: ingest.{rule}.");
    }

    private static string JournalOf(SettingsReader read)
    {
        if (!JournalPlugin.IsSqlite(read.Text("journal"))) return ConnectionStringOf(read, "journal");
        return read.Section("cluster").List("seed-nodes").IsEmpty
            ? read.Text("journal")
            : throw new SettingsException(
                $"The setting {read.Path}.journal is a file, and a cluster's journal must be one that all nodes "
                + "reach.");
    }

    private static string ConnectionStringOf(SettingsReader read, string name)
    {
        var text = read.Text(name);
        try
        {
            _ = new NpgsqlConnectionStringBuilder(text);
            return text;
        }
        catch (ArgumentException)
        {
            // What is wrong is not repeated: a connection string holds a password.
            throw new SettingsException(
                $"The setting {read.Path}.{name} is not an Npgsql connection string, as in Host=...;Database=...");
        }
    }

    private static HttpSettings HttpOf(SettingsReader read)
    {
        try
        {
            return new HttpSettings(
                IPAddress.TryParse(read.Text("host"), out var address)
                    ? address
                    : throw new SettingsException($"The setting {read.Path}.host is not an IP address."),
                read.Port("port"),
                TlsOf(read.Section("tls")),
                new HttpOptions(
                    read.Size("max-row-bytes"), read.Int("stream-chunks"), read.Duration("retry-after"),
                    read.Duration("stream-idle-timeout"), read.Size("partial-bytes")))
            {
                MaxConnections = read.Int("max-connections") is > 0 and var connections
                    ? connections
                    : throw new SettingsException($"The setting {read.Path}.max-connections is less than 1."),
                KeepAliveTimeout = read.Duration("keep-alive-timeout"),
            };
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new SettingsException($"{read.Path}: {error.Message}");
        }
    }

    private static AccessOptions AccessOf(SettingsReader read)
    {
        var jwt = read.Section("jwt");
        return Valid(read, new AccessOptions
        {
            AllowAnonymous = read.Switch("allow-anonymous"),
            ApiKeys = read.Switch("api-keys"),
            ApiKeysRefresh = read.Duration("api-keys-refresh"),
            Limits = Valid(read, new CallerLimits(
                read.Int("caller-rows-per-second"), read.Int("caller-in-flight-rows"))),
            Jwt = jwt.Text("issuer") is { Length: > 0 } issuer
                ? Valid(jwt, new JwtOptions(issuer, jwt.Text("audience"), jwt.Text("keys"), jwt.Text("grants-claim")))
                : null,
        });
    }

    private static TlsOptions? TlsOf(SettingsReader read) => (read.Text("certificate"), read.Text("key")) switch
    {
        ("", "") => null,
        ({ Length: > 0 } certificate, { Length: > 0 } key) => new TlsOptions(certificate, key),
        _ => throw new SettingsException($"The settings {read.Path}.certificate and key go together."),
    };

    private static CatalogOptions CatalogOf(SettingsReader read) => Valid(read, new CatalogOptions
    {
        Schemas = read.List("schemas") is { IsEmpty: false } schemas
            ? schemas
            : throw new SettingsException("The setting ingest.catalog.schemas names no schema."),
        RefreshInterval = read.Duration("refresh-interval"),
    });

    private static GatewayOptions GatewayOf(SettingsReader read) => Valid(read, new GatewayOptions
    {
        RequestTimeout = read.Duration("request-timeout"),
        AnswerMargin = read.Duration("answer-margin"),
        InFlightRows = read.Int("in-flight-rows"),
        InFlightBytes = read.Size("in-flight-bytes"),
        EnvelopeRows = read.Int("envelope-rows"),
        EnvelopeBytes = (int)Math.Min(read.Size("envelope-bytes"), int.MaxValue),
        ProbeAfter = read.Duration("probe-after"),
    });

    private static BatchingOptions BatchingOf(SettingsReader read) => Valid(read, new BatchingOptions
    {
        FlushEvery = read.Int("flush-every"),
        FlushInterval = read.Duration("flush-interval"),
        FlushBytes = read.Size("flush-bytes"),
        Lanes = read.Int("lanes"),
        BufferBytes = read.Size("buffer-bytes"),
        Acknowledge = read.Text("acknowledge") switch
        {
            "committed" => Acknowledge.Committed,
            "accepted" => Acknowledge.Accepted,
            _ => throw new SettingsException($"The setting {read.Path}.acknowledge is committed or accepted."),
        },
        JournalBacklogBytes = read.Size("journal-backlog-bytes"),
        RetryMin = read.Duration("retry-min"),
        RetryMax = read.Duration("retry-max"),
        StopTimeout = read.Duration("stop-timeout"),
        DeadLetters = read.Switch("dead-letters"),
        OnConflict = OnConflictOf(read.Section("on-conflict")),
    });

    private static OnConflict OnConflictOf(SettingsReader read)
    {
        var action = read.Text("action") switch
        {
            "fail" => ConflictAction.Fail,
            "skip" => ConflictAction.Skip,
            "update" => ConflictAction.Update,
            _ => throw new SettingsException($"The setting {read.Path}.action is fail, skip or update."),
        };
        var setting = new OnConflict(action, read.Names("columns"), read.Names("update"));
        if (action == ConflictAction.Update && setting.Update.IsEmpty)
        {
            throw new SettingsException(
                $"The setting {read.Path}.update names no column, which action = update needs.");
        }

        if (action != ConflictAction.Update && !setting.Update.IsEmpty)
            throw new SettingsException($"The setting {read.Path}.update is for action = update alone.");
        return setting;
    }

    private static WritingOptions WritingOf(SettingsReader read) => Valid(read, new WritingOptions
    {
        AttemptTimeout = read.Duration("attempt-timeout"),
        LockTimeout = read.Duration("lock-timeout"),
        KeyRetention = read.Duration("key-retention"),
        DeadLetterRetention = read.Duration("dead-letter-retention"),
        MaxConnections = read.Int("max-connections"),
    });

    private static TelemetryOptions TelemetryOf(SettingsReader read) => Valid(read, new TelemetryOptions
    {
        OtlpEndpoint = read.Url("otlp-endpoint"),
        TraceRatio = read.Number("trace-ratio"),
        OldestRowAlarm = read.Duration("oldest-row-alarm"),
    });

    private static ClusterSettings ClusterOf(SettingsReader read) => Valid(read, new ClusterSettings(
        read.Text("host"), read.Port("port"), read.List("seed-nodes"), RolesOf(read), read.Int("shards"),
        NodeTlsOf(read.Section("tls"))));

    private static NodeTls? NodeTlsOf(SettingsReader read) => TlsOf(read) is not { } files ? null
        : read.Text("authority") is { Length: > 0 } authority ? new NodeTls(files, authority)
        : throw new SettingsException($"The setting {read.Path}.authority is missing.");

    private static ImmutableArray<string> RolesOf(SettingsReader read)
    {
        var roles = read.List("roles");
        return !roles.IsEmpty && roles.All(NodeRoles.All.Contains)
            ? roles
            : throw new SettingsException(
                $"The setting {read.Path}.roles is one or both of {string.Join(", ", NodeRoles.All)}.");
    }

    private static T Valid<T>(SettingsReader read, T options)
        where T : class
    {
        var faults = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), faults, validateAllProperties: true))
            return options;
        throw new SettingsException($"{read.Path}: {string.Join("; ", faults.Select(fault => fault.ErrorMessage))}");
    }
}

/// <summary>Where a node listens for callers.</summary>
/// <param name="Tls">Null for clear text.</param>
internal sealed record HttpSettings(IPAddress Address, int Port, TlsOptions? Tls, HttpOptions Options)
{
    public required int MaxConnections { get; init; }

    /// <summary>How long a connection may be open without a request.</summary>
    public required TimeSpan KeepAliveTimeout { get; init; }
}

/// <summary>The certificate of a node among nodes.</summary>
/// <param name="Authority">A file with the certificates of who makes those of this cluster's nodes.</param>
internal sealed record NodeTls(TlsOptions Files, string Authority);

/// <summary>Where a node listens for other nodes, and which it joins.</summary>
internal sealed record ClusterSettings(
    string Host,
    int Port,
    ImmutableArray<string> SeedNodes,
    ImmutableArray<string> Roles,
    [property: Range(1, 10_000)] int Shards,
    NodeTls? Tls)
{
    public bool IsGateway => Roles.Contains(NodeRoles.Gateway);

    public bool IsBatcher => Roles.Contains(NodeRoles.Batcher);
}
