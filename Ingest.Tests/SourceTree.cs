namespace Ingest.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class SourceTree
{
    /// <summary>Its root: the nearest directory above the tests' program that has the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>The files of the project's own code.</summary>
    public static IEnumerable<string> CodeFiles => Directory.EnumerateDirectories(Root, "Ingest.*")
        .SelectMany(project => Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
        .Where(file => !Path.GetRelativePath(Root, file).Split(Path.DirectorySeparatorChar)
            .Any(part => part is "bin" or "obj"));

    private static string Find()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Ingest.sln"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }
}
