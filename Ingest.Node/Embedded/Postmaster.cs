using System.Diagnostics;
using System.Globalization;

namespace Ingest.Node.Embedded;

/// <summary>
/// A running server, as its <c>postmaster.pid</c> tells of it. The lines of that file are, by PostgreSQL's
/// <c>miscadmin.h</c>: pid, data directory, start time, port, socket directory, listen address, shared memory, status.
/// </summary>
/// <param name="Pid">The process id of the server's first process.</param>
/// <param name="DataDirectory">The data directory as the server was told of it.</param>
/// <param name="Port">The TCP port, or 0 while the server has not got so far.</param>
/// <param name="Status"><c>starting</c>, <c>ready</c> or <c>stopping</c>; empty at the very beginning.</param>
internal sealed record Postmaster(int Pid, string DataDirectory, int Port, string Status)
{
    private const int LinePid = 0;
    private const int LineDataDirectory = 1;
    private const int LinePort = 3;
    private const int LineStatus = 7;

    public bool IsReady => Status == "ready" && Port != 0;

    /// <summary>
    /// Whether the server lives. A pid alone does not say so: after a restart of the machine or the container another
    /// process may have it, and a dead child that nobody has waited for keeps it.
    /// </summary>
    public bool IsRunning => CommandLineOf(Pid) is { } commandLine
        && commandLine.Contains("postgres", StringComparison.Ordinal)
        && commandLine.Contains(DataDirectory, StringComparison.Ordinal);

    public static string FileIn(string cluster) => Path.Combine(cluster, "postmaster.pid");

    /// <summary>Reads the pid file; null when there is none that can be understood.</summary>
    public static Postmaster? Read(string cluster)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(FileIn(cluster));
        }
        catch (IOException)
        {
            // It is not there, or the server removed it between the opening and the reading.
            return null;
        }
        return lines.Length > LineDataDirectory && Number(lines, LinePid) is var pid and > 0
            ? new Postmaster(
                pid, lines[LineDataDirectory], Number(lines, LinePort),
                lines.ElementAtOrDefault(LineStatus)?.Trim() ?? "")
            : null;
    }

    /// <summary>Ends the server's first process with no chance to clear up; the last resort.</summary>
    public void Kill()
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            process.Kill();
        }
        catch (ArgumentException)
        {
            // It is gone already, which is all that is wanted.
        }
    }

    private static int Number(string[] lines, int line) =>
        int.TryParse(lines.ElementAtOrDefault(line), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    private static string? CommandLineOf(int pid) => OperatingSystem.IsLinux() ? FromProc(pid) : FromPs(pid);

    private static string? FromProc(int pid)
    {
        try
        {
            // A process that is dead but not yet waited for has an empty command line.
            return File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string? FromPs(int pid)
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-ww", "-o", "command=", "-p", $"{pid}"])
        {
            RedirectStandardOutput = true,
        })!;
        var output = ps.StandardOutput.ReadToEnd();
        ps.WaitForExit();
        return ps.ExitCode == 0 ? output : null;
    }
}
