// CA1416: what is tested here does not exist on Windows.
#pragma warning disable CA1416

using System.Diagnostics;

namespace Ingest.Tests.Postgres;

/// <summary>
/// A directory for a server's data, with a guard: a small process that waits for the end of this one, and then ends the
/// server that still runs in the directory and removes it. So not even a killed test run leaves anything behind.
/// </summary>
internal sealed class TemporaryDirectory : IDisposable
{
    // The guard's input is a pipe whose other end only this process has: it closes when the process ends in any way.
    private const string Guard =
        """
        exec >/dev/null 2>&1
        cat
        if read -r pid < "$1/postgres/cluster/postmaster.pid"; then
            kill -QUIT "$pid"
            tries=0
            while kill -0 "$pid" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
        fi
        rm -rf "$1"
        """;

    private readonly Process guard;

    public TemporaryDirectory()
    {
        Path = Directory.CreateTempSubdirectory("ingest-test-").FullName;
        // A test run as root gives the server to another user, which has to come in here.
        File.SetUnixFileMode(
            Path, File.GetUnixFileMode(Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        guard = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "trap '' INT HUP TERM\n" + Guard, "guard", Path])
        {
            RedirectStandardInput = true,
        })!;
    }

    public string Path { get; }

    public void Dispose()
    {
        guard.StandardInput.Close();
        guard.WaitForExit();
        guard.Dispose();
    }
}
