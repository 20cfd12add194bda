namespace Ingest.Node.Embedded;

/// <summary>
/// The operating system's user that the server runs as. PostgreSQL refuses to run as root, so a node that runs as root,
/// in a container for instance, gives the server to <c>postgres</c>, or where there is none to <c>nobody</c>.
/// </summary>
/// <param name="Name">The user's name; for messages.</param>
/// <param name="Owner">What <c>chown</c> takes: <c>uid:gid</c>; null when the server runs as the node's own
/// user.</param>
/// <param name="Prefix">What goes before a command line for it to run as that user.</param>
internal sealed record ServerAccount(string Name, string? Owner, IReadOnlyList<string> Prefix)
{
    private static readonly string[] InOrderOfPreference = ["postgres", "nobody"];

    /// <summary>Chooses the user.</summary>
    /// <exception cref="EmbeddedPostgresException">The node is root, and has no other user or cannot change to
    /// one.</exception>
    public static async Task<ServerAccount> ChooseAsync(CancellationToken cancellation)
    {
        if (!Environment.IsPrivilegedProcess)
            return new ServerAccount(Environment.UserName, null, []);
        foreach (var name in InOrderOfPreference)
        {
            var user = await Command.RunAsync(["id", "-u", name], cancellation);
            var group = await Command.RunAsync(["id", "-g", name], cancellation);
            if (user.Succeeded && group.Succeeded)
                return Of(name, user.Output.Trim(), group.Output.Trim());
        }
        throw new EmbeddedPostgresException(
            "PostgreSQL does not run as root: make a user named postgres, or run the node as another user.");
    }

    /// <summary>Runs a command as this user.</summary>
    public Task<CommandResult> RunAsync(IEnumerable<string> commandLine, CancellationToken cancellation) =>
        Command.RunAsync([.. Prefix, .. commandLine], cancellation);

    /// <summary>Makes this user the owner of a file or directory.</summary>
    public async Task TakeOwnershipAsync(string path, CancellationToken cancellation)
    {
        if (Owner is null)
            return;
        var result = await Command.RunAsync(["chown", Owner, path], cancellation);
        if (!result.Succeeded)
            throw new EmbeddedPostgresException($"{path} cannot be given to the user {Name}: {result.Cause}");
    }

    /// <summary>Checks that this user can come to a directory through all that are above it.</summary>
    /// <exception cref="EmbeddedPostgresException">A directory above is closed to the user; the message names
    /// it.</exception>
    public async Task CheckReachesAsync(string directory, CancellationToken cancellation)
    {
        if (Owner is null)
            return;
        var way = new Stack<string>();
        for (var part = directory; part is not null; part = Path.GetDirectoryName(part))
            way.Push(part);
        foreach (var part in way)
        {
            var entered = await RunAsync(["/bin/sh", "-c", "cd \"$1\"", "sh", part], cancellation);
            if (!entered.Succeeded)
                throw new EmbeddedPostgresException(
                    $"The user {Name}, as which PostgreSQL runs when the node is root, cannot enter {part}: "
                    + $"choose another data directory (INGEST_DATA), or chmod o+x {part}.");
        }
    }

    private static ServerAccount Of(string name, string user, string group)
    {
        // setpriv comes first since it becomes the command, where the others stay as its parent. Busybox has a setpriv
        // that cannot change the user.
        if (Executables.Find("setpriv") is { } setpriv && Path.GetFileName(setpriv) != "busybox")
            return With([setpriv, $"--reuid={user}", $"--regid={group}", "--clear-groups", "--"]);
        if (Executables.Find("runuser") is { } runuser)
            return With([runuser, "-u", name, "--"]);
        // By its name and not its resolved path: Busybox finds out from the name what it is asked to be.
        if (Executables.Find("su") is not null)
            return With(["su", "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", name]);
        throw new EmbeddedPostgresException(
            "PostgreSQL does not run as root: install setpriv or runuser, or run the node as another user.");

        ServerAccount With(string[] prefix) => new(name, $"{user}:{group}", prefix);
    }
}
