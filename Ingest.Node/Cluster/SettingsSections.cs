using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Net;
using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Intake;
using Ingest.Node.Observability;
using Ingest.Node.Writing;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>
/// The sections of <c>hocon/ingest.conf</c> as the options of the stages. Each throws a <see cref="SettingsException"/>
/// that names the setting which is wrong.
/// </summary>
internal static class SettingsSections
{
    public static string JournalOf(SettingsReader read)
    {
        if (!JournalPlugin.IsSqlite(read.Text("journal"))) return ConnectionStringOf(read, "journal");
        return read.Section("cluster").List("seed-nodes").IsEmpty
            ? read.Text("journal")
            : throw new SettingsException(
                $"The setting {read.Path}.journal is a file, and a cluster's journal must be one that all nodes "
                + "reach.");
    }

    public static string ConnectionStringOf(SettingsReader read, string name)
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

    public static HttpSettings HttpOf(SettingsReader read)
    {
        try
        {
            return new HttpSettings(
                IPAddress.TryParse(read.Text("host"), out var address)
                    ? address
                    : throw new SettingsException($"The setting {read.Path}.host is not an IP address."),
                read.Port("port"),
                TlsOf(read.Section("tls")),
                new IntakeOptions(
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

    public static AccessOptions AccessOf(SettingsReader read)
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

    public static CatalogOptions CatalogOf(SettingsReader read) => Valid(read, new CatalogOptions
    {
        Schemas = read.List("schemas") is { IsEmpty: false } schemas
            ? schemas
            : throw new SettingsException("The setting ingest.catalog.schemas names no schema."),
        RefreshInterval = read.Duration("refresh-interval"),
    });

    public static GatewayOptions GatewayOf(SettingsReader read) => Valid(read, new GatewayOptions
    {
        RequestTimeout = read.Duration("request-timeout"),
        AnswerMargin = read.Duration("answer-margin"),
        InFlightRows = read.Int("in-flight-rows"),
        InFlightBytes = read.Size("in-flight-bytes"),
        EnvelopeRows = read.Int("envelope-rows"),
        EnvelopeBytes = (int)Math.Min(read.Size("envelope-bytes"), int.MaxValue),
        ProbeAfter = read.Duration("probe-after"),
    });

    public static BatchingOptions BatchingOf(SettingsReader read) => Valid(read, new BatchingOptions
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

    public static WritingOptions WritingOf(SettingsReader read) => Valid(read, new WritingOptions
    {
        AttemptTimeout = read.Duration("attempt-timeout"),
        LockTimeout = read.Duration("lock-timeout"),
        KeyRetention = read.Duration("key-retention"),
        DeadLetterRetention = read.Duration("dead-letter-retention"),
        MaxConnections = read.Int("max-connections"),
    });

    public static TelemetryOptions TelemetryOf(SettingsReader read) => Valid(read, new TelemetryOptions
    {
        OtlpEndpoint = read.Url("otlp-endpoint"),
        TraceRatio = read.Number("trace-ratio"),
        OldestRowAlarm = read.Duration("oldest-row-alarm"),
    });

    public static ClusterSettings ClusterOf(SettingsReader read) => Valid(read, new ClusterSettings(
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
