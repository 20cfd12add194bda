using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Ingest.Node.Embedded;

/// <summary>What a command said and how it ended.</summary>
/// <param name="ExitCode">0 is success.</param>
/// <param name="Output">Standard output and then standard error.</param>
internal sealed record CommandResult(int ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;

    /// <summary>The line that most probably names the cause, for a message of one line.</summary>
    public string Cause
    {
        get
        {
            var lines = Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            return Array.FindLast(lines, line => line.Contains("FATAL", StringComparison.Ordinal))
                ?? Array.FindLast(lines, line => line.Contains("error", StringComparison.OrdinalIgnoreCase))
                ?? lines.LastOrDefault()
                ?? $"it ended with code {ExitCode} and said nothing";
        }
    }
}

/// <summary>Runs short commands to their end.</summary>
internal static class Command
{
    private static readonly TimeSpan TimeToClearUp = TimeSpan.FromSeconds(10);

    /// <summary>Runs a command and collects its output.</summary>
    /// <remarks>
    /// A cancelled command is sent an interrupt first: initdb then removes what it has made, and pg_ctl stops the
    /// server that it is starting, which nobody else could find before its pid file is there.
    /// </remarks>
    /// <exception cref="EmbeddedPostgresException">The program cannot be started at all.</exception>
    public static async Task<CommandResult> RunAsync(
        IReadOnlyList<string> commandLine, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var process = Start(commandLine);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(process);
            throw;
        }
        return new CommandResult(process.ExitCode, await output + await error);
    }

    private static Process Start(IReadOnlyList<string> commandLine)
    {
        var start = new ProcessStartInfo(commandLine[0], commandLine.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // The node's own directory may be closed to the user that the command runs as.
            WorkingDirectory = "/",
        };
        // PGDATA, PGPORT and the like belong to the person at the keyboard, and would redirect the server's tools.
        foreach (var name in start.Environment.Keys.Where(IsForPostgres).ToList())
            start.Environment.Remove(name);
        // Messages are searched for words, so they have to be in English.
        start.Environment["LC_ALL"] = "C";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new EmbeddedPostgresException($"{commandLine[0]} cannot be run: {e.Message}", e);
        }
    }

    private static bool IsForPostgres(string name) => name.StartsWith("PG", StringComparison.Ordinal);

    private static async Task EndAsync(Process process)
    {
        var pid = process.Id.ToString(CultureInfo.InvariantCulture);
        using (var interrupt = Process.Start("/bin/sh", ["-c", $"kill -INT {pid} 2>/dev/null"]))
            await interrupt.WaitForExitAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeToClearUp);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
