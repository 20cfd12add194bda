using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Cluster;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Observability;
using Ingest.Node.Writing;
using static Ingest.Tests.Cluster.TestSettings;

namespace Ingest.Tests.Cluster;

/// <summary>
/// The settings as users meet them: each default, the variable that overrides it, and what is said of a bad value.
/// </summary>
public sealed class NodeSettingsTests
{
    private static readonly BatchingOptions Batching = new()
    {
        FlushEvery = 10_000,
        FlushInterval = TimeSpan.Zero,
        FlushBytes = 8L << 20,
        Lanes = 4,
        BufferBytes = 256L << 20,
        Acknowledge = Acknowledge.Committed,
        JournalBacklogBytes = 1L << 30,
        RetryMin = TimeSpan.FromMilliseconds(50),
        RetryMax = TimeSpan.FromSeconds(2),
        StopTimeout = TimeSpan.FromSeconds(8),
    };

    private static readonly GatewayOptions Gateway = new()
    {
        RequestTimeout = TimeSpan.FromSeconds(30),
        AnswerMargin = TimeSpan.FromSeconds(2),
        InFlightRows = 500_000,
        InFlightBytes = 256L << 20,
        EnvelopeRows = 4096,
        EnvelopeBytes = 512 << 10,
        ProbeAfter = TimeSpan.FromSeconds(1),
    };

    private static readonly WritingOptions Writing = new()
    {
        AttemptTimeout = TimeSpan.FromSeconds(20),
        LockTimeout = TimeSpan.FromMilliseconds(1500),
        KeyRetention = TimeSpan.FromHours(24),
        DeadLetterRetention = TimeSpan.FromDays(30),
        MaxConnections = 32,
    };

    private static readonly TelemetryOptions Telemetry = new()
    {
        OtlpEndpoint = null,
        TraceRatio = 0.01,
        OldestRowAlarm = TimeSpan.FromSeconds(15),
    };

    private static readonly AccessOptions Access = new()
    {
        AllowAnonymous = false,
        ApiKeys = false,
        ApiKeysRefresh = TimeSpan.FromSeconds(10),
        Jwt = null,
        Limits = new CallerLimits(0, 0),
    };

    /// <summary>Each variable with a value that is not its default, and where that value arrives.</summary>
    private static readonly (string Name, string Value, Func<NodeSettings, object> Read, object Expected)[] Overrides =
    [
        ("INGEST_POSTGRES", "Host=x;Password=\"a;b\\\"", node => node.Postgres, "Host=x;Password=\"a;b\\\""),
        ("INGEST_JOURNAL", "Host=y", node => node.Journal, "Host=y"),
        ("INGEST_DATA", "/elsewhere", node => node.DataDirectory, "/elsewhere"),
        ("INGEST_SHUTDOWN_TIMEOUT", "1m", node => node.ShutdownTimeout, TimeSpan.FromMinutes(1)),
        ("INGEST_HTTP_HOST", "127.0.0.2", node => node.Http.Address.ToString(), "127.0.0.2"),
        ("INGEST_HTTP_PORT", "81", node => node.Http.Port, 81),
        ("INGEST_GRPC_PORT", "82", node => node.GrpcPort, 82),
        ("INGEST_MAX_ROW_BYTES", "2KiB", node => node.Http.Options.MaxRowBytes, 2048L),
        ("INGEST_STREAM_CHUNKS", "7", node => node.Http.Options.StreamChunks, 7),
        ("INGEST_RETRY_AFTER", "3s", node => node.Http.Options.RetryAfter,
            TimeSpan.FromSeconds(3)),
        ("INGEST_STREAM_IDLE_TIMEOUT", "9s", node => node.Http.Options.StreamIdleTimeout, TimeSpan.FromSeconds(9)),
        ("INGEST_PARTIAL_BYTES", "2MiB", node => node.Http.Options.PartialBytes, 2L << 20),
        ("INGEST_HTTP_MAX_CONNECTIONS", "9", node => node.Http.MaxConnections, 9),
        ("INGEST_KEEP_ALIVE_TIMEOUT", "9s", node => node.Http.KeepAliveTimeout, TimeSpan.FromSeconds(9)),
        ("INGEST_API_KEYS", "on", node => node.Access, Access with { ApiKeys = true }),
        ("INGEST_API_KEYS_REFRESH", "3s", node => node.Access,
            Access with { ApiKeysRefresh = TimeSpan.FromSeconds(3) }),
        ("INGEST_JWT_ISSUER", "i", node => node.Access.Jwt!.Issuer, "i"),
        ("INGEST_JWT_AUDIENCE", "b", node => node.Access.Jwt!.Audience, "b"),
        ("INGEST_JWT_KEYS", "/k", node => node.Access.Jwt!.Keys, "/k"),
        ("INGEST_JWT_GRANTS_CLAIM", "scp", node => node.Access.Jwt!.GrantsClaim, "scp"),
        ("INGEST_ALLOW_ANONYMOUS", "on", node => node.Access, Access with { AllowAnonymous = true }),
        ("INGEST_CALLER_ROWS_PER_SECOND", "7", node => node.Access, Access with { Limits = new CallerLimits(7, 0) }),
        ("INGEST_CALLER_IN_FLIGHT_ROWS", "8", node => node.Access, Access with { Limits = new CallerLimits(0, 8) }),
        ("INGEST_TLS_CERTIFICATE", "c", node => node.Http.Tls!.Certificate, "c"),
        ("INGEST_TLS_KEY", "k", node => node.Http.Tls!.Key, "k"),
        ("INGEST_REMOTE_TLS_CERTIFICATE", "c", node => node.Cluster.Tls!.Files.Certificate, "c"),
        ("INGEST_REMOTE_TLS_KEY", "k", node => node.Cluster.Tls!.Files.Key, "k"),
        ("INGEST_REMOTE_TLS_AUTHORITY", "a", node => node.Cluster.Tls!.Authority, "a"),
        ("INGEST_SCHEMAS", "a, b", node => string.Join('|', node.Catalog.Schemas), "a|b"),
        ("INGEST_CATALOG_REFRESH_INTERVAL", "5s", node => node.Catalog.RefreshInterval, TimeSpan.FromSeconds(5)),
        ("INGEST_REQUEST_TIMEOUT", "9s", node => node.Gateway,
            Gateway with { RequestTimeout = TimeSpan.FromSeconds(9) }),
        ("INGEST_ANSWER_MARGIN", "3s", node => node.Gateway, Gateway with { AnswerMargin = TimeSpan.FromSeconds(3) }),
        ("INGEST_IN_FLIGHT_ROWS", "5", node => node.Gateway, Gateway with { InFlightRows = 5 }),
        ("INGEST_IN_FLIGHT_BYTES", "1MiB", node => node.Gateway, Gateway with { InFlightBytes = 1 << 20 }),
        ("INGEST_ENVELOPE_ROWS", "6", node => node.Gateway, Gateway with { EnvelopeRows = 6 }),
        ("INGEST_ENVELOPE_BYTES", "2048", node => node.Gateway, Gateway with { EnvelopeBytes = 2048 }),
        ("INGEST_PROBE_AFTER", "250ms", node => node.Gateway,
            Gateway with { ProbeAfter = TimeSpan.FromMilliseconds(250) }),
        ("INGEST_FLUSH_EVERY", "100", BatchingOf, Batching with { FlushEvery = 100 }),
        ("INGEST_FLUSH_INTERVAL", "10s", BatchingOf, Batching with { FlushInterval = TimeSpan.FromSeconds(10) }),
        ("INGEST_FLUSH_BYTES", "1MiB", BatchingOf, Batching with { FlushBytes = 1 << 20 }),
        ("INGEST_LANES", "2", BatchingOf, Batching with { Lanes = 2 }),
        ("INGEST_BUFFER_BYTES", "1MiB", BatchingOf, Batching with { BufferBytes = 1 << 20 }),
        ("INGEST_ACKNOWLEDGE", "accepted", BatchingOf, Batching with { Acknowledge = Acknowledge.Accepted }),
        ("INGEST_JOURNAL_BACKLOG_BYTES", "1MiB", BatchingOf, Batching with { JournalBacklogBytes = 1 << 20 }),
        ("INGEST_RETRY_MIN", "1ms", BatchingOf, Batching with { RetryMin = TimeSpan.FromMilliseconds(1) }),
        ("INGEST_RETRY_MAX", "9s", BatchingOf, Batching with { RetryMax = TimeSpan.FromSeconds(9) }),
        ("INGEST_STOP_TIMEOUT", "9s", BatchingOf, Batching with { StopTimeout = TimeSpan.FromSeconds(9) }),
        ("INGEST_ATTEMPT_TIMEOUT", "9s", node => node.Writing,
            Writing with { AttemptTimeout = TimeSpan.FromSeconds(9) }),
        ("INGEST_LOCK_TIMEOUT", "1s", node => node.Writing, Writing with { LockTimeout = TimeSpan.FromSeconds(1) }),
        ("INGEST_KEY_RETENTION", "48h", node => node.Writing, Writing with { KeyRetention = TimeSpan.FromHours(48) }),
        ("INGEST_DEAD_LETTERS", "on", BatchingOf, Batching with { DeadLetters = true }),
        ("INGEST_ON_CONFLICT", "skip", BatchingOf,
            Batching with { OnConflict = new OnConflict(ConflictAction.Skip, [], []) }),
        ("INGEST_DEAD_LETTER_RETENTION", "7d", node => node.Writing,
            Writing with { DeadLetterRetention = TimeSpan.FromDays(7) }),
        ("INGEST_MAX_CONNECTIONS", "9", node => node.Writing, Writing with { MaxConnections = 9 }),
        ("INGEST_HOSTNAME", "localhost", node => node.Cluster.Host, "localhost"),
        ("INGEST_OTLP_ENDPOINT", "http://there:4318", node => node.Telemetry,
            Telemetry with { OtlpEndpoint = new Uri("http://there:4318") }),
        ("INGEST_TRACE_RATIO", "0.5", node => node.Telemetry, Telemetry with { TraceRatio = 0.5 }),
        ("INGEST_OLDEST_ROW_ALARM", "3s", node => node.Telemetry,
            Telemetry with { OldestRowAlarm = TimeSpan.FromSeconds(3) }),
        ("INGEST_REMOTE_PORT", "9", node => node.Cluster.Port, 9),
        ("INGEST_SEED_NODES", "a:1,b:2", node => string.Join('|', node.Cluster.SeedNodes), "a:1|b:2"),
        ("INGEST_ROLES", "gateway", node => string.Join('|', node.Cluster.Roles), "gateway"),
        ("INGEST_SHARDS", "9", node => node.Cluster.Shards, 9),
    ];

    public static TheoryData<string> Variables => new(Overrides.Select(one => one.Name));

    [Fact]
    public void Should_have_the_documented_defaults()
    {
        var settings = NodeSettings.Load(_ => null);

        Assert.Equal("", settings.Postgres);
        Assert.Equal(Path.GetFullPath("data"), settings.DataDirectory);
        Assert.Equal(TimeSpan.FromSeconds(25), settings.ShutdownTimeout);
        Assert.Equal(("127.0.0.1", 8080), (settings.Http.Address.ToString(), settings.Http.Port));
        Assert.Equal(
            (1L << 20, 64, TimeSpan.FromSeconds(1)),
            (settings.Http.Options.MaxRowBytes, settings.Http.Options.StreamChunks, settings.Http.Options.RetryAfter));
        Assert.Equal(
            (TimeSpan.FromSeconds(60), 64L << 20, 4096, TimeSpan.FromSeconds(130)),
            (settings.Http.Options.StreamIdleTimeout, settings.Http.Options.PartialBytes, settings.Http.MaxConnections,
                settings.Http.KeepAliveTimeout));
        Assert.Equal(["public"], settings.Catalog.Schemas.AsEnumerable());
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Catalog.RefreshInterval);
        Assert.Equal(Access, settings.Access);
        Assert.Equal(Gateway, settings.Gateway);
        Assert.Equal(Batching, settings.BatchingFor("clicks"));
        Assert.Equal(Writing, settings.Writing);
        Assert.Equal(Telemetry, settings.Telemetry);
        Assert.Equal(("127.0.0.1", 8082, 64), (settings.Cluster.Host, settings.Cluster.Port, settings.Cluster.Shards));
        Assert.Empty(settings.Cluster.SeedNodes);
    }

    [Theory]
    [MemberData(nameof(Variables))]
    public void Should_take_the_value_of_a_variable(string name)
    {
        var (_, value, read, expected) = Overrides.Single(one => one.Name == name);

        // Of these, one means nothing without the others.
        (string, string)[] others =
            name.StartsWith("INGEST_JWT_", StringComparison.Ordinal)
                ? [("INGEST_JWT_ISSUER", "issuer"), ("INGEST_JWT_AUDIENCE", "audience")]
                : name.Contains("TLS", StringComparison.Ordinal)
                    ? [("INGEST_TLS_CERTIFICATE", "c"), ("INGEST_TLS_KEY", "k"), ("INGEST_REMOTE_TLS_CERTIFICATE", "c"),
                        ("INGEST_REMOTE_TLS_KEY", "k"), ("INGEST_REMOTE_TLS_AUTHORITY", "a")]
                    : [];

        Assert.Equal(expected, read(Load([(name, value), .. others])));
    }

    [Fact]
    public void Should_name_in_the_file_no_variable_that_is_not_tested_here()
    {
        var file = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "ingest.conf"));

        var named = System.Text.RegularExpressions.Regex.Matches(file, @"\$\{\?(\w+)\}")
            .Select(match => match.Groups[1].Value);

        Assert.Equal(Overrides.Select(one => one.Name).Order(), named.Order());
    }

    [Theory]
    [InlineData("INGEST_ALLOW_ANONYMOUS")]
    [InlineData("INGEST_API_KEYS")]
    public void Should_listen_for_others_where_they_are_asked_who_they_are_or_nobody_wants_to_know(string name) =>
        Assert.Equal("0.0.0.0", Load(("INGEST_HTTP_HOST", "0.0.0.0"), (name, "on")).Http.Address.ToString());

    [Fact]
    public void Should_take_what_a_table_leaves_out_from_the_settings_of_all_tables()
    {
        var settings = LoadFile("""
            ingest.batching.lanes = 3
            ingest.tables {
              "clicks" { flush-every = 100, flush-interval = 10s }
              "sales.orders" { lanes = 1 }
            }
            """);

        Assert.Equal(
            Batching with { Lanes = 3, FlushEvery = 100, FlushInterval = TimeSpan.FromSeconds(10) },
            settings.BatchingFor("clicks"));
        Assert.Equal(Batching with { Lanes = 1 }, settings.BatchingFor("sales.orders"));
        Assert.Equal(Batching with { Lanes = 3 }, settings.BatchingFor("other"));
    }

    [Fact]
    public void Should_take_names_of_columns_as_they_are()
    {
        var settings = LoadFile("""
            ingest.tables {
              "clicks" { on-conflict { action = update, columns = [id, "the \"e\", mail"], update = [v] } }
            }
            """);

        Assert.Equal(
            new OnConflict(ConflictAction.Update, ["id", "the \"e\", mail"], ["v"]),
            settings.BatchingFor("clicks").OnConflict);
    }

    private static BatchingOptions BatchingOf(NodeSettings settings) => settings.BatchingFor("clicks");
}
