using Akka.Remote;
using Ingest.Node.Cluster;
using Ingest.Node.DeadLetters.CommandLine;
using Ingest.Node.Embedded;
using Npgsql;
using Spectre.Console;

namespace Ingest.Node;

/// <summary>Starts a node and waits for its end: nothing but the host's start-up.</summary>
internal static class Program
{
    /// <summary>The actor system's name, which all nodes of a cluster share.</summary>
    public const string SystemName = "ingest";

    public static async Task<int> Main(string[] arguments)
    {
        try
        {
            if (arguments is ["api-key", .. var rest])
                return await ApiKeyCommand.RunAsync(rest, NodeSettings.Load(), TimeProvider.System);
            if (arguments is ["dead-letters", .. var command])
                return await LettersCommand.RunAsync(command, NodeSettings.Load(), AnsiConsole.Console);
            if (arguments is [var unknown, ..])
            {
                await Console.Error.WriteLineAsync(
                    $"ingest: a node knows no '{unknown}'; its settings are in hocon/ingest.conf, "
                    + "with their variables");
                return 2;
            }

            await using var node = new NodeHost(NodeSettings.Load(), TimeProvider.System);
            await node.StartAsync(CancellationToken.None);
            StartScreen.Show(node, Console.Out);
            await node.WaitForShutdownAsync();
            // Whoever supervises the node shall start it again.
            return node.WasExpelled ? 3 : 0;
        }
        catch (Exception error) when (ReasonOf(error) is { } reason)
        {
            await Console.Error.WriteLineAsync($"ingest: {reason}");
            return 1;
        }
    }

    /// <summary>What a person can mend, in one line; null for anything else, which is a fault of the program.</summary>
    private static string? ReasonOf(Exception error) => error switch
    {
        SettingsException or EmbeddedPostgresException or IOException or UnauthorizedAccessException => error.Message,
        System.Security.Cryptography.CryptographicException => $"The certificate cannot be used: {error.Message}",
        PostgresException postgres => $"PostgreSQL refuses: {postgres.MessageText} ({postgres.SqlState})",
        RemoteTransportException => $"The port for other nodes cannot be taken: {error.GetBaseException().Message}",
        { InnerException: { } inner } => ReasonOf(inner),
        _ => null,
    };
}
