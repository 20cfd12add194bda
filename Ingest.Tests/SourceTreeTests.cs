namespace Ingest.Tests;

/// <summary>What CONTRIBUTING.md says of the code and no analyzer holds.</summary>
public sealed class SourceTreeTests
{
    private const int MaxColumns = 120;

    [Fact]
    public void Should_have_lines_of_at_most_120_columns()
    {
        var files = SourceTree.CodeFiles.ToList();

        var longer = files.SelectMany(file => File.ReadLines(file)
            .Select((line, index) => (Line: index + 1, line.Length))
            .Where(line => line.Length > MaxColumns)
            .Select(line => $"{Path.GetRelativePath(SourceTree.Root, file)}:{line.Line} has {line.Length}"));

        Assert.Empty(longer);
        Assert.True(files.Count > 500, $"only {files.Count} files were looked at");
    }
}
