using Ingest.Node.Cluster;
using static Ingest.Tests.Cluster.TestSettings;

namespace Ingest.Tests.Cluster;

/// <summary>What is said of settings that are wrong: the setting, and what it should be.</summary>
public sealed class SettingsFaultTests
{
    [Theory]
    [InlineData("INGEST_FLUSH_EVERY", "many", "flush-every")]
    [InlineData("INGEST_FLUSH_EVERY", "1.5", "flush-every")]
    [InlineData("INGEST_FLUSH_EVERY", "0", "FlushEvery")]
    [InlineData("INGEST_FLUSH_EVERY", "", "flush-every")]
    [InlineData("INGEST_FLUSH_INTERVAL", "10", "flush-interval")]
    [InlineData("INGEST_FLUSH_INTERVAL", "soon", "flush-interval")]
    [InlineData("INGEST_FLUSH_INTERVAL", "-1s", "flush-interval")]
    [InlineData("INGEST_FLUSH_BYTES", "1", "FlushBytes")]
    [InlineData("INGEST_FLUSH_BYTES", "lots", "flush-bytes")]
    [InlineData("INGEST_LANES", "-1", "Lanes")]
    [InlineData("INGEST_HTTP_PORT", "65536", "port")]
    [InlineData("INGEST_REMOTE_PORT", "http", "port")]
    [InlineData("INGEST_IN_FLIGHT_ROWS", "0", "InFlightRows")]
    [InlineData("INGEST_ENVELOPE_BYTES", "8GiB", "EnvelopeBytes")]
    [InlineData("INGEST_MAX_CONNECTIONS", "1", "MaxConnections")]
    [InlineData("INGEST_SHARDS", "0", "Shards")]
    [InlineData("INGEST_OTLP_ENDPOINT", "there:4318", "otlp-endpoint")]
    [InlineData("INGEST_TRACE_RATIO", "1.5", "TraceRatio")]
    [InlineData("INGEST_TRACE_RATIO", "half", "trace-ratio")]
    [InlineData("INGEST_STREAM_CHUNKS", "0", "streamChunks")]
    [InlineData("INGEST_RETRY_AFTER", "10ms", "retryAfter")]
    [InlineData("INGEST_MAX_ROW_BYTES", "0", "maxRowBytes")]
    [InlineData("INGEST_SHUTDOWN_TIMEOUT", "infinite", "shutdown-timeout")]
    [InlineData("INGEST_PARTIAL_BYTES", "1KiB", "partialBytes")]
    [InlineData("INGEST_STREAM_IDLE_TIMEOUT", "10ms", "streamIdleTimeout")]
    [InlineData("INGEST_HTTP_MAX_CONNECTIONS", "0", "max-connections")]
    [InlineData("INGEST_API_KEYS", "maybe", "api-keys")]
    [InlineData("INGEST_CALLER_ROWS_PER_SECOND", "-1", "RowsPerSecond")]
    [InlineData("INGEST_TLS_CERTIFICATE", "/c.pem", "http.tls")]
    [InlineData("INGEST_REMOTE_TLS_KEY", "/k.pem", "cluster.tls")]
    [InlineData("INGEST_JWT_ISSUER", "https://issuer.example", "audience")]
    [InlineData("INGEST_HTTP_HOST", "0.0.0.0", "INGEST_ALLOW_ANONYMOUS")]
    [InlineData("INGEST_HTTP_HOST", "::", "INGEST_ALLOW_ANONYMOUS")]
    [InlineData("INGEST_HOSTNAME", "node-1", "INGEST_REMOTE_TLS_CERTIFICATE")]
    [InlineData("INGEST_HOSTNAME", "10.1.2.3", "INGEST_ALLOW_ANONYMOUS")]
    public void Should_refuse_a_malformed_value_and_name_the_setting(string name, string value, string named)
    {
        var error = Assert.Throws<SettingsException>(() => Load((name, value)));

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2500ms", false)]
    [InlineData("2501ms", true)]
    public void Should_want_an_attempt_to_be_longer_than_a_wait_for_a_lock_and_a_second(string attempt, bool fits)
    {
        var error = Record.Exception(
            () => Load(("INGEST_LOCK_TIMEOUT", "1500ms"), ("INGEST_ATTEMPT_TIMEOUT", attempt)));

        Assert.Equal(fits, error is null);
        if (error is not null) Assert.Contains("writing.attempt-timeout", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("300s", true)]
    [InlineData("299s", false)]
    public void Should_want_keys_to_be_kept_for_ten_request_timeouts(string retention, bool fits)
    {
        var error = Record.Exception(() => Load(("INGEST_KEY_RETENTION", retention)));

        Assert.Equal(fits, error is null);
        if (error is not null) Assert.Contains("writing.key-retention", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("action = maybe", "action")]
    [InlineData("action = update", "update")]
    [InlineData("action = skip, update = [v]", "update")]
    [InlineData("action = skip, columns = id", "columns")]
    public void Should_refuse_a_malformed_conflict(string setting, string named) =>
        Assert.Contains(
            $"on-conflict.{named}",
            Assert.Throws<SettingsException>(
                () => LoadFile($$"""ingest.tables { "clicks" { on-conflict { {{setting}} } } }""")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Should_refuse_a_malformed_setting_of_a_table() =>
        Assert.Contains(
            "flush-every",
            Assert.Throws<SettingsException>(
                () => LoadFile("""ingest.tables { "clicks" { flush-every = x } }""")).Message,
            StringComparison.Ordinal);
}
