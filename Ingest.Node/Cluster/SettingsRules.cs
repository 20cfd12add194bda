using System.Net;

namespace Ingest.Node.Cluster;

/// <summary>What must hold between settings that are right by themselves.</summary>
internal static class SettingsRules
{
    /// <exception cref="SettingsException">Some do not fit together: says which.</exception>
    public static void Check(NodeSettings settings)
    {
        CheckTimes(settings);
        CheckDoors(settings);
    }

    /// <summary>Durations that are right by themselves and together would answer "not written" to every row.</summary>
    private static void CheckTimes(NodeSettings settings)
    {
        var (gateway, writing) = (settings.Gateway, settings.Writing);
        var patience = gateway.RequestTimeout - gateway.AnswerMargin;
        Require(patience > TimeSpan.Zero, "gateway.answer-margin must be less than gateway.request-timeout");
        Require(writing.LockTimeout > TimeSpan.Zero, "writing.lock-timeout must be more than zero (no limit)");
        // ZombieTransactions looks once a second while an attempt waits for a lock: there must be time for both.
        Require(
            writing.AttemptTimeout > writing.LockTimeout + TimeSpan.FromSeconds(1),
            "writing.attempt-timeout must be more than writing.lock-timeout and a second");
        Require(
            writing.LockTimeout < gateway.AnswerMargin,
            "writing.lock-timeout must be less than gateway.answer-margin");
        Require(
            writing.KeyRetention >= 10 * gateway.RequestTimeout,
            "writing.key-retention must be ten request-timeouts or more");
        Require(writing.DeadLetterRetention > TimeSpan.Zero, "writing.dead-letter-retention must be more than zero");
        foreach (var options in settings.AllBatching)
        {
            Require(
                options.FlushInterval < patience,
                "batching.flush-interval must be less than request-timeout less answer-margin");
        }
    }

    /// <summary>A node that others can reach asks who they are, or was told not to.</summary>
    private static void CheckDoors(NodeSettings settings)
    {
        if (settings.Access.AllowAnonymous) return;
        if (settings.Cluster.Tls is null && !IsThisMachine(settings.Cluster.Host))
        {
            throw new SettingsException(
                $"Others than this machine could speak as nodes at {settings.Cluster.Host} without a certificate: "
                + "give the nodes certificates (INGEST_REMOTE_TLS_CERTIFICATE), or allow it "
                + "(INGEST_ALLOW_ANONYMOUS=on).");
        }

        if (settings.Access.IsOn || IPAddress.IsLoopback(settings.Http.Address)) return;
        throw new SettingsException(
            $"Others than this machine could call at {settings.Http.Address} without saying who they are: switch API "
            + "keys on (INGEST_API_KEYS=on) or name an issuer of tokens, or allow it (INGEST_ALLOW_ANONYMOUS=on).");
    }

    private static bool IsThisMachine(string host) => IPAddress.TryParse(host, out var address)
        ? IPAddress.IsLoopback(address)
        : host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static void Require(bool holds, string rule)
    {
        if (!holds) throw new SettingsException($"Settings do not fit together: ingest.{rule}.");
    }
}
