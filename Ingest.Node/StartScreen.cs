using System.Globalization;

namespace Ingest.Node;

/// <summary>The few lines that a person sees when a node is up: where it listens, what it serves, what to
/// try.</summary>
internal static class StartScreen
{
    private const int TablesShown = 8;

    public static void Show(NodeHost node, TextWriter output)
    {
        var url = node.Addresses.First();
        var tables = node.Catalog.Tables;
        var names = string.Join(", ", tables.Take(TablesShown).Select(table => table.Name));
        var more = tables.Count > TablesShown
            ? string.Create(CultureInfo.InvariantCulture, $" and {tables.Count - TablesShown} more")
            : "";
        output.WriteLine();
        output.WriteLine($"  Ingest listens on {url}, and for gRPC on {node.GrpcAddress}");
        output.WriteLine(tables.Count == 0
            ? "  It serves no table yet: create one, and grant this role INSERT on it."
            : $"  It serves {names}{more}");
        if (node.HasOwnPostgres)
        {
            var file = Path.Combine(node.Settings.DataDirectory, "postgres", "url");
            output.WriteLine($"  Its database: psql \"$(cat {file})\"");
        }

        if (tables.Any(table => table.Name == "clicks"))
        {
            output.WriteLine("  Try:");
            output.WriteLine();
            var key = node.Settings.Access.IsOn ? " -H 'X-Api-Key: ...'" : "";
            var rows = $"{Callable(url)}/v1/tables/clicks/rows";
            output.WriteLine($"    curl -i{key} {rows} --json '{{\"url\":\"https://example.org/\"}}'");
        }

        output.WriteLine();
    }

    /// <summary>The address to call where a node listens at all of its machine's.</summary>
    private static string Callable(string url) => url
        .Replace("//0.0.0.0:", "//127.0.0.1:", StringComparison.Ordinal)
        .Replace("//[::]:", "//[::1]:", StringComparison.Ordinal);
}
