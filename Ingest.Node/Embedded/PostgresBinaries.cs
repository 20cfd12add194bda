using System.Globalization;

namespace Ingest.Node.Embedded;

/// <summary>An installed PostgreSQL.</summary>
/// <param name="Directory">Holds <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>.</param>
/// <param name="Major">Its major version: 15 for 15.14.</param>
internal sealed record PostgresBinaries(string Directory, int Major)
{
    /// <summary>The oldest version that ends the work of a client that is gone, which exactly-once relies on.</summary>
    public const int OldestMajor = 14;

    private static readonly string[] Needed = ["initdb", "pg_ctl", "postgres"];

    // {parent}/{version}/{inside}: Debian and Ubuntu, Red Hat's family, Alpine, Homebrew on both kinds of Mac,
    // Postgres.app.
    private static readonly (string Parent, string Pattern, string Inside)[] Places =
    [
        ("/usr/lib/postgresql", "*", "bin"),
        ("/usr", "pgsql-*", "bin"),
        ("/usr/libexec", "postgresql*", ""),
        ("/opt/homebrew/opt", "postgresql*", "bin"),
        ("/usr/local/opt", "postgresql*", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql*", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "*", "bin"),
    ];

    public string InitDb => Path.Combine(Directory, "initdb");

    public string PgCtl => Path.Combine(Directory, "pg_ctl");

    /// <summary>Finds the newest installed PostgreSQL, or the one that a data directory needs.</summary>
    /// <param name="directory">Where to look; null for all usual places and the PATH.</param>
    /// <param name="major">The version of the data directory; null when there is none yet.</param>
    /// <exception cref="EmbeddedPostgresException">There is none, or none of that version.</exception>
    public static async Task<PostgresBinaries> FindAsync(
        string? directory, int? major, CancellationToken cancellation)
    {
        var installed = new List<PostgresBinaries>();
        foreach (var candidate in directory is null ? UsualPlaces() : [directory])
            if (await ReadAsync(candidate, cancellation) is { } found)
                installed.Add(found);
        return Choose(installed, directory, major);
    }

    /// <summary>Chooses the version that the data directory was made by, else the newest.</summary>
    internal static PostgresBinaries Choose(
        IReadOnlyCollection<PostgresBinaries> installed, string? directory, int? major)
    {
        if (installed.MaxBy(binaries => binaries.Major) is not { } newest)
            throw new EmbeddedPostgresException(
                $"No PostgreSQL is installed{(directory is null ? "" : $" in {directory}")}: "
                + "install it (apt-get install postgresql), or set INGEST_POSTGRES to the server to use.");
        if (major is null && newest.Major < OldestMajor)
            throw new EmbeddedPostgresException(
                $"PostgreSQL {newest.Major} in {newest.Directory} is too old: install {OldestMajor} or later.");
        if (major is null)
            return newest;
        return installed.FirstOrDefault(binaries => binaries.Major == major)
            ?? throw new EmbeddedPostgresException(
                $"The data directory was made by PostgreSQL {major}, but what is installed is {newest.Major} "
                + $"({newest.Directory}): install PostgreSQL {major}, or move the data with pg_upgrade.");
    }

    /// <summary>Reads the major version out of <c>postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)</c>.</summary>
    internal static int? ParseMajor(string output)
    {
        var word = output.Split(' ', StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(2) ?? "";
        var digits = word.TakeWhile(char.IsAsciiDigit).ToArray();
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : null;
    }

    private static async Task<PostgresBinaries?> ReadAsync(string directory, CancellationToken cancellation)
    {
        if (!Needed.All(name => File.Exists(Path.Combine(directory, name))))
            return null;
        var version = await Command.RunAsync([Path.Combine(directory, "postgres"), "--version"], cancellation);
        return ParseMajor(version.Output) is { } major ? new PostgresBinaries(directory, major) : null;
    }

    private static List<string> UsualPlaces()
    {
        var found = Places
            .Where(place => System.IO.Directory.Exists(place.Parent))
            .SelectMany(place => System.IO.Directory
                .EnumerateDirectories(place.Parent, place.Pattern)
                .Select(version => Path.Combine(version, place.Inside)))
            .ToList();
        if (Executables.Find("postgres") is { } postgres)
            found.Add(Path.GetDirectoryName(postgres)!);
        return found;
    }
}
