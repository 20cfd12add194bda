namespace Ingest.Node.Embedded;

/// <summary>Finds programs by name.</summary>
internal static class Executables
{
    // A service or a cron job has a PATH without the places where Debian keeps the tools of an administrator.
    private static readonly string[] AlwaysSearched = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>The full path of a program on the PATH with its symbolic links followed, or null.</summary>
    public static string? Find(string name)
    {
        foreach (var directory in SearchPath())
        {
            var candidate = new FileInfo(Path.Combine(directory, name));
            if (candidate.Exists)
                return candidate.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? candidate.FullName;
        }
        return null;
    }

    private static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(AlwaysSearched);
}
