// CA1416: runs signal processes, which Windows has no word for; the command refuses to start there.
#pragma warning disable CA1416

using System.Diagnostics;
using System.Globalization;

namespace Ingest.Bench.Processes;

/// <summary>
/// The directory of one run, of faults or of a benchmark, with a guard: a small process that waits for the end of this
/// one, then kills the
/// nodes and the server that this run has started and removes the directory: even a killed run leaves nothing behind.
/// </summary>
internal sealed class RunDirectory : IDisposable
{
    // The guard's input is a pipe whose other end only this process has: it closes when the process ends in any way. A
    // node is known by its environment, which names this directory: its pid may be another process's by now.
    private const string Guard =
        """
        exec >/dev/null 2>&1
        nodes=
        while read -r pid; do nodes="$nodes $pid"; done
        for pid in $nodes; do
            tr '\0' '\n' < "/proc/$pid/environ" | grep -qF "$1" && kill -KILL "$pid"
        done
        for lock in "$1"/*.netns; do
            [ -e "$lock" ] || continue
            ip link del "$(basename "$lock" .netns)v"
            ip netns del "$(basename "$lock" .netns)"
        done
        for bridge in "$1"/*.bridge; do
            [ -e "$bridge" ] && ip link del "$(basename "$bridge" .bridge)"
        done
        if read -r pid < "$1/postgres/cluster/postmaster.pid"; then
            kill -QUIT "$pid"
            tries=0
            while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
        fi
        [ "$2" = keep ] || rm -rf "$1"
        """;

    private readonly Process guard;

    /// <param name="keep">The logs are to be read afterwards.</param>
    public RunDirectory(bool keep)
    {
        Path = Directory.CreateTempSubdirectory("ingest-run-").FullName;
        // A run as root gives the server to another user, which has to come in here.
        File.SetUnixFileMode(
            Path, File.GetUnixFileMode(Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        string[] arguments = ["-c", "trap '' INT HUP TERM\n" + Guard, "guard", Path, keep ? "keep" : "remove"];
        guard = Process.Start(new ProcessStartInfo("/bin/sh", arguments) { RedirectStandardInput = true })!;
        guard.StandardInput.AutoFlush = true;
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Has a process killed at the end of the run, however that comes about.</summary>
    public void Protect(int pid)
    {
        lock (guard) guard.StandardInput.WriteLine(pid.ToString(CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        guard.StandardInput.Close();
        guard.WaitForExit();
        guard.Dispose();
    }
}
