using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Ingest.Bench.Processes;

/// <summary>Short commands of the operating system, which .NET has no words for: signals and networks.</summary>
internal static class Shell
{
    /// <summary>Sends a signal, by its name without SIG, to one process.</summary>
    public static Task SignalAsync(int pid, string signal) =>
        RunAsync("kill", "-s", signal, pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>Runs a command to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has what it said.</exception>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        if (await TryRunAsync(program, arguments) is { } fault)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {fault}");
    }

    /// <summary>Runs a command to its end.</summary>
    /// <returns>What it said where it failed; null where it did not.</returns>
    public static async Task<string?> TryRunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            var said = (await output + await error).Trim();
            return process.ExitCode == 0 ? null : $"code {process.ExitCode}: {said}";
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }
}
