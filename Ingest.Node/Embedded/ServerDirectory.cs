// CA1416: modes of files are Unix's; EmbeddedPostgres refuses to start on Windows before anything here is reached.
#pragma warning disable CA1416

using System.Globalization;
using System.Security.Cryptography;

namespace Ingest.Node.Embedded;

/// <summary>
/// The directory <c>postgres</c> in the node's data directory, locked for as long as this object lives:
/// <c>cluster</c> (PostgreSQL's own), <c>password</c>, <c>log/server.log</c>, <c>connection</c>, <c>url</c>,
/// <c>lock</c>.
/// </summary>
internal sealed class ServerDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerDirectory = OwnerOnly | UnixFileMode.UserExecute;

    // The server's user has to pass through to what it owns, without seeing what else is here.
    private const UnixFileMode PassThrough = OwnerDirectory | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const int PasswordBytes = 24;

    private readonly FileStream ownership;

    private ServerDirectory(string root, FileStream ownership)
    {
        Root = root;
        this.ownership = ownership;
    }

    public string Root { get; }

    public string Cluster => Path.Combine(Root, "cluster");

    public string PasswordFile => Path.Combine(Root, "password");

    public string LogDirectory => Path.Combine(Root, "log");

    public string Log => Path.Combine(LogDirectory, "server.log");

    /// <summary>The major version that made the cluster; null when there is none yet.</summary>
    public int? Major
    {
        get
        {
            var file = Path.Combine(Cluster, "PG_VERSION");
            return File.Exists(file)
                ? int.Parse(File.ReadAllText(file), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture)
                : null;
        }
    }

    /// <summary>Makes the directory where it is missing, and locks it.</summary>
    /// <exception cref="EmbeddedPostgresException">Another node has it, or it cannot be made.</exception>
    public static ServerDirectory Open(string dataDirectory, bool passThrough)
    {
        var data = Path.GetFullPath(dataDirectory);
        var root = Path.Combine(data, "postgres");
        try
        {
            if (!Directory.Exists(data) && passThrough)
            {
                // Whatever the umask: one that is made here must not be one that the server's user cannot enter.
                Directory.CreateDirectory(data);
                File.SetUnixFileMode(data, PassThrough);
            }
            Directory.CreateDirectory(root);
            File.SetUnixFileMode(root, passThrough ? PassThrough : OwnerDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedPostgresException($"{root} cannot be used as the data directory: {e.Message}", e);
        }
        return new ServerDirectory(root, Lock(root));
    }

    /// <exception cref="EmbeddedPostgresException">The file is gone.</exception>
    public string ReadPassword()
    {
        try
        {
            return File.ReadAllText(PasswordFile).Trim();
        }
        catch (IOException e)
        {
            throw new EmbeddedPostgresException(
                $"The password of the server in {Cluster} cannot be read, so the node cannot enter: {e.Message}", e);
        }
    }

    /// <summary>Makes the cluster by initdb. What is half done by a crash is made anew: only the rename makes it
    /// valid.</summary>
    /// <exception cref="EmbeddedPostgresException">initdb failed; the message has its reason.</exception>
    public async Task InitializeAsync(
        PostgresBinaries binaries, ServerAccount account, CancellationToken cancellation)
    {
        await account.CheckReachesAsync(Root, cancellation);
        await MakeOwnedDirectoryAsync(LogDirectory, account, cancellation);
        if (Major is not null)
            return;
        if (Directory.Exists(Cluster))
            throw new EmbeddedPostgresException(
                $"{Cluster} is there but has no PG_VERSION: restore it, or move it away to begin anew.");

        var unfinished = Cluster + ".new";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        await MakeOwnedDirectoryAsync(unfinished, account, cancellation);
        await MakePasswordAsync(account, cancellation);
        var result = await account.RunAsync(
            [
                binaries.InitDb, "-D", unfinished, "-U", ConnectionFiles.Superuser, "-A", "scram-sha-256",
                "--pwfile", PasswordFile, "-E", "UTF8", "--no-locale", "--data-checksums",
            ],
            cancellation);
        if (!result.Succeeded)
            throw new EmbeddedPostgresException($"initdb could not make {Cluster}: {result.Cause}");
        await File.AppendAllTextAsync(
            Path.Combine(unfinished, "postgresql.conf"), ServerSettings.ForThisMachine(binaries.Major), cancellation);
        Directory.Move(unfinished, Cluster);
    }

    /// <summary>Writes a file that nobody but the node's user, and root, can read, in one step.</summary>
    public static void WriteSecret(string path, string text)
    {
        var unfinished = path + ".new";
        File.Delete(unfinished);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        };
        using (var writer = new StreamWriter(new FileStream(unfinished, options)))
            writer.Write(text);
        File.Move(unfinished, path, overwrite: true);
    }

    public void Dispose() => ownership.Dispose();

    private static FileStream Lock(string root)
    {
        try
        {
            // The lock goes with the process, however it ends, so a killed node leaves nothing to clear up.
            return new FileStream(
                Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new EmbeddedPostgresException(
                $"Another node uses {root}: give this one a data directory of its own (INGEST_DATA), "
                + "or set INGEST_POSTGRES for both to share a server.", e);
        }
    }

    private static async Task MakeOwnedDirectoryAsync(
        string path, ServerAccount account, CancellationToken cancellation)
    {
        Directory.CreateDirectory(path, OwnerDirectory);
        await account.TakeOwnershipAsync(path, cancellation);
    }

    private async Task MakePasswordAsync(ServerAccount account, CancellationToken cancellation)
    {
        // Hexadecimal needs no quoting in a connection string, a URL or a shell.
        WriteSecret(PasswordFile, RandomNumberGenerator.GetHexString(PasswordBytes * 2, lowercase: true) + "\n");
        await account.TakeOwnershipAsync(PasswordFile, cancellation);
    }
}
