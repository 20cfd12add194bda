using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Akka.Configuration;
using Npgsql;

namespace Ingest.Node.Cluster;

/// <summary>The settings in force as people may see them: each with its full name, and no secret among them.</summary>
internal static partial class ShownSettings
{
    private const string Hidden = "***";

    private static readonly string[] SecretNames = ["password", "secret", "token", "headers"];

    /// <summary>All settings below <paramref name="path"/>, by name.</summary>
    public static ImmutableArray<(string Name, string Value)> Of(Config config, string path) =>
        [.. Leaves(config, path).OrderBy(setting => setting.Name, StringComparer.Ordinal)];

    private static IEnumerable<(string Name, string Value)> Leaves(Config config, string path)
    {
        var section = config.GetConfig(path);
        foreach (var key in section.AsEnumerable().Select(entry => entry.Key).Distinct(StringComparer.Ordinal))
        {
            var name = Hocon.At(path, key);
            if (config.GetValue(name) is { } value && value.IsObject())
            {
                foreach (var leaf in Leaves(config, name)) yield return leaf;
            }
            else yield return (name, Shown(key, config.GetString(name)
                // A list is no text.
                ?? $"[{string.Join(", ", config.GetStringList(name))}]"));
        }
    }

    private static string Shown(string key, string value)
    {
        if (value.Length == 0) return value;
        if (key == "postgres" || (key == "journal" && JournalPlugin.IsElsewhere(value))) return WithoutPassword(value);
        return SecretNames.Any(name => key.Contains(name, StringComparison.OrdinalIgnoreCase))
            ? Hidden
            : UserInfo().Replace(value, $"://{Hidden}@");
    }

    private static string WithoutPassword(string connection)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection);
        if (!string.IsNullOrEmpty(builder.Password)) builder.Password = Hidden;
        if (!string.IsNullOrEmpty(builder.SslPassword)) builder.SslPassword = Hidden;
        return builder.ConnectionString;
    }

    [GeneratedRegex("://[^/@]+@")]
    private static partial Regex UserInfo();
}
