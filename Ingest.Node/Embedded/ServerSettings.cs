using System.Globalization;

namespace Ingest.Node.Embedded;

/// <summary>
/// What is appended to a new cluster's <c>postgresql.conf</c>. From then on the file belongs to whoever runs the node,
/// and is not written again.
/// </summary>
internal static class ServerSettings
{
    private const long Mebibyte = 1024 * 1024;

    /// <summary>The settings for a server that shares this machine, or this container's limit, with the node.</summary>
    public static string ForThisMachine(int major) =>
        For(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, HasConnectionCheck(major));

    /// <summary>The settings for a server on a machine of so many bytes of memory.</summary>
    /// <param name="memoryBytes">The memory of the machine or container.</param>
    /// <param name="connectionCheck">Whether this version on this system can see that a client is gone.</param>
    internal static string For(long memoryBytes, bool connectionCheck) => string.Create(
        CultureInfo.InvariantCulture,
        $"""

        # Ingest. Reachable from this machine only, by TCP: a socket's path may be too long in a deep data directory.
        listen_addresses = '127.0.0.1'
        unix_socket_directories = ''
        max_connections = 200
        password_encryption = 'scram-sha-256'

        # An acknowledged row is on the disk.
        fsync = on
        synchronous_commit = on
        full_page_writes = on

        # A backend whose client is gone ends, so that its transaction cannot commit behind its caller's back.
        {(connectionCheck ? "" : "# not on this system: ")}client_connection_check_interval = 500ms

        # A part of the memory only, since the node lives here too.
        shared_buffers = {Clamp(memoryBytes / 8, 64, 4096)}MB
        effective_cache_size = {Clamp(memoryBytes / 2, 128, 65536)}MB
        maintenance_work_mem = {Clamp(memoryBytes / 32, 32, 512)}MB

        # COPY writes much WAL: few and slow checkpoints.
        max_wal_size = 2GB
        checkpoint_timeout = 15min
        checkpoint_completion_target = 0.9

        # Small transactions do not repay the compiler.
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'

        # A row that is refused is answered to its caller; a log line for each would fill the disk.
        log_min_messages = log

        """);

    /// <summary>The server sees a closed connection by epoll from version 14, and by kqueue from 15.</summary>
    private static bool HasConnectionCheck(int major) => OperatingSystem.IsLinux() || major >= 15;

    private static long Clamp(long bytes, long atLeast, long atMost) => Math.Clamp(bytes / Mebibyte, atLeast, atMost);
}
