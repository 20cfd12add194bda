using Akka.Actor;
using Akka.Hosting;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Cluster;
using Ingest.Node.DeadLetters;
using Ingest.Node.Embedded;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Grpc;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Observability;
using Ingest.Node.Observability.Dashboard;
using Ingest.Node.Writing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Npgsql;

namespace Ingest.Node;

/// <summary>
/// One node: its database, its actor system and its HTTP server, started in this order and stopped in the reverse one,
/// so that each finds what it needs as long as it needs it.
/// </summary>
internal sealed class NodeHost : IAsyncDisposable
{
    private readonly TimeProvider time;
    private readonly ILoggerFactory loggers;
    private readonly NodeMetrics metrics;
    private EmbeddedPostgres? embedded;
    private NpgsqlDataSource? dataSource;
    private WebApplication? web;

    public NodeHost(NodeSettings settings, TimeProvider time)
    {
        Settings = settings;
        this.time = time;
        loggers = LoggerFactory.Create(ConfigureLogging);
        metrics = new NodeMetrics(time);
        metrics.FlushIntervalOf = table => settings.BatchingFor(table).FlushInterval;
        metrics.Log = loggers.CreateLogger("Ingest.Node.Actors");
        metrics.Publish();
    }

    public NodeSettings Settings { get; }

    /// <summary>True where the node started a PostgreSQL server of its own.</summary>
    public bool HasOwnPostgres => embedded is not null;

    public ITableCatalog Catalog => web!.Services.GetRequiredService<ITableCatalog>();

    /// <summary>The addresses that the HTTP server listens on, with the ports that it got.</summary>
    public IEnumerable<string> Addresses =>
        web!.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    /// <summary>The address for gRPC callers.</summary>
    public string GrpcAddress => Addresses.Last();

    public IServiceProvider Services => web!.Services;

    public async Task StartAsync(CancellationToken cancellation)
    {
        var log = loggers.CreateLogger("Ingest.Node");
        if (Settings.Postgres.Length == 0)
        {
            embedded = await EmbeddedPostgres.StartAsync(
                new EmbeddedPostgresOptions { DataDirectory = Settings.DataDirectory }, log, time, cancellation);
        }

        var postgres = embedded?.ConnectionString ?? Settings.Postgres;
        dataSource = Database.CreateDataSource(postgres, Settings.Writing);
        await Database.WaitForAsync(
            stop => Database.PrepareAsync(dataSource, stop, ApiKeyTable.Definition), log, time, cancellation);
        if (JournalPlugin.IsElsewhere(Settings.Journal))
            await Database.WaitForAsync(
                stop => Database.PrepareJournalAsync(Settings.Journal, stop), log, time, cancellation);
        var catalog = new TableCatalog(
            dataSource, Settings.Catalog with { OnConflict = table => Settings.BatchingFor(table).OnConflict }, time);
        await Database.WaitForAsync(catalog.RefreshAsync, log, time, cancellation);
        web = Build(postgres, catalog);
        var stopping = web.Lifetime.ApplicationStopping;
        await web.StartAsync(cancellation);
        Akka.Cluster.Cluster.Get(web.Services.GetRequiredService<ActorSystem>())
            .RegisterOnMemberRemoved(() => WasExpelled = !stopping.IsCancellationRequested);
    }

    /// <summary>True where nobody asked the node to stop: its cluster has given it up.</summary>
    public bool WasExpelled { get; private set; }

    /// <summary>Waits for a signal to stop, then until everything that was admitted is written and answered.</summary>
    public Task WaitForShutdownAsync() => web!.WaitForShutdownAsync();

    /// <summary>Stops as a signal does.</summary>
    public Task StopAsync(CancellationToken cancellation) => web!.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        if (web is not null) await web.DisposeAsync();
        if (dataSource is not null) await dataSource.DisposeAsync();
        if (embedded is not null) await embedded.DisposeAsync();
        metrics.Dispose();
        loggers.Dispose();
    }

    private void ConfigureLogging(ILoggingBuilder logging) => logging
        .ClearProviders()
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss ";
        })
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        // It logs each request at a level that nobody asks for, and then would make a span for each, traced or not.
        .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)
        // The answer has the reasons; a log line for each time that somebody asks would say nothing new.
        .AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None)
        // A call that ends with an error is its caller's to know.
        .AddFilter("Grpc", LogLevel.Warning)
        .AddFilter("Akka", LogLevel.Warning)
        .LimitRepeats(time);

    private WebApplication Build(string postgres, TableCatalog catalog)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        ConfigureLogging(builder.Logging);
        var certificate = Settings.Http.Tls is { } tls
            ? new ServerCertificate(tls, time, loggers.CreateLogger<ServerCertificate>())
            : null;
        builder.WebHost.UseKestrelCore().UseIngestSockets().ConfigureKestrel(kestrel =>
        {
            kestrel.ConfigureForIngest();
            kestrel.Limits.MaxConcurrentConnections = Settings.Http.MaxConnections;
            kestrel.Limits.KeepAliveTimeout = Settings.Http.KeepAliveTimeout;
            kestrel.Listen(Settings.Http.Address, Settings.Http.Port, listen => certificate?.Serve(listen));
            // Without TLS nothing in a connection tells HTTP/2 from HTTP/1.1 beforehand, so gRPC has a port of its own.
            kestrel.Listen(Settings.Http.Address, Settings.GrpcPort, grpc =>
            {
                if (certificate is null) grpc.Protocols = HttpProtocols.Http2;
                else certificate.Serve(grpc);
            });
        });
        var lanes = new LaneStore(dataSource!, catalog, Settings.Writing, time)
        {
            KeepsLetters = table => Settings.BatchingFor(table).DeadLetters,
            LettersKept = (table, letters) => metrics.Of(table).Letters.Add(LetterEvent.Kept, letters),
        };
        var store = new ObservedLaneStore(lanes, metrics);
        var alarms = new LaneAlarms();
        var gateway = new RowGateway(Settings.Gateway, LaneSettingsOf, metrics)
        {
            Stopped = () => [.. alarms.Stopped.Select(lane => new StoppedLane(lane.Lane.ToString(), lane.Reason))],
        };
        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = Settings.ShutdownTimeout)
            .AddSingleton(time)
            .AddSingleton(dataSource!)
            .AddSingleton(alarms)
            // By a factory, so that it is disposed of with the others.
            .AddSingleton(_ => new JournalServer(Settings.Journal))
            .AddSingleton<ITableCatalog>(catalog)
            .AddSingleton(Settings.Catalog)
            .AddHostedService<CatalogRefresher>()
            .AddSingleton(Settings.Writing)
            .AddHostedService<LedgerPurge>()
            .AddSingleton<IRowGateway>(gateway)
            .AddSingleton<IAccounting>(gateway)
            .AddSingleton<IReceipts, LedgerReceipts>()
            .AddSingleton<IClusterView, ClusterView>()
            .AddSingleton<IClusterAccounting, ClusterAccounting>()
            .AddSingleton(Settings)
            .AddSingleton(gateway)
            .AddIngestAccess(Settings.Access)
            .AddIngestHttp(Settings.Http.Options)
            .AddDeadLetters()
            .AddIngestGrpc(Settings.Http.Options)
            .AddTelemetry(metrics, Settings.Telemetry, $"{Settings.Cluster.Host}:{Settings.Cluster.Port}")
            .AddDashboard()
            .AddAkka(Program.SystemName, akka => akka
                .ConfigureLoggers(logs =>
                {
                    logs.ClearLoggers();
                    logs.AddLoggerFactory();
                    logs.LogLevel = Akka.Event.LogLevel.InfoLevel;
                })
                .WithIngest(Settings, postgres, store, gateway, metrics, alarms));
        var checks = builder.Services.AddHealthChecks()
            .AddCheck<DatabaseCheck>("database", tags: ["ready"])
            .AddCheck<ClusterCheck>("cluster", tags: ["ready"])
            .AddCheck<JournalCheck>("journal", tags: ["ready"])
            .AddCheck<LanesCheck>("lanes", tags: ["ready"])
            .AddCheck<DiskCheck>("disk", tags: ["ready"])
            .AddCheck<OldestRowCheck>("oldest-row", tags: ["ready"]);
        if (Settings.Cluster.IsGateway) checks.AddCheck<AdmissionCheck>("admission", tags: ["ready"]);
        else gateway.Drain();
        var app = builder.Build();
        app.UseRowRoute();
        app.UseIngestAccess();
        app.MapIngest();
        app.MapDeadLetters();
        app.MapIngestGrpc();
        app.MapTelemetry();
        app.MapDashboard();
        // Requests that are under way are answered before the server stops, and before the actors do: but none is to
        // wait for a batch to grow old.
        app.Lifetime.ApplicationStopping.Register(gateway.Hurry);
        return app;
    }

    private LaneSettings LaneSettingsOf(string table)
    {
        var batching = Settings.BatchingFor(table);
        return new LaneSettings(batching.Lanes, batching.FlushEvery, batching.Acknowledge)
        {
            FlushBytes = batching.FlushBytes,
        };
    }
}
