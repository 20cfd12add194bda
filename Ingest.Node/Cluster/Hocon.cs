using System.Text.RegularExpressions;
using Akka.Configuration;

namespace Ingest.Node.Cluster;

/// <summary>
/// Reads the settings files. Akka.NET's own parser does not take values from the environment, so a line
/// <c>key = ${?NAME}</c> is resolved before it is parsed: it becomes the variable's value where that is set, and goes
/// where it is not.
/// </summary>
internal static partial class Hocon
{
    private static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "hocon");

    /// <summary>Reads a file that comes with the node.</summary>
    public static Config Read(string name, Func<string, string?> environment) =>
        Parse(File.ReadAllText(Path.Combine(Directory, name)), environment);

    public static Config Parse(string text, Func<string, string?> environment) =>
        ConfigurationFactory.ParseString(FromEnvironment().Replace(text, match =>
            environment(match.Groups["name"].Value) is { } value
                ? $"{match.Groups["key"].Value} = \"{value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\""
                : ""), _ => throw new FormatException("include is not known here"));

    /// <summary>
    /// What the environment alone says: the file without its own values, so that it can be put in front of a file that
    /// the user has written.
    /// </summary>
    public static Config ReadEnvironment(string name, Func<string, string?> environment) =>
        Parse(Value().Replace(File.ReadAllText(Path.Combine(Directory, name)), ""), environment);

    /// <summary>The path of a key, which may hold any character, in a section.</summary>
    public static string At(string path, string key) =>
        key.AsSpan().ContainsAny("./\"") ? $"{path}.\"{key}\"" : $"{path}.{key}";

    [GeneratedRegex(@"^[ \t]*[\w.-]+[ \t]*=(?![ \t]*\$\{\?).*$", RegexOptions.Multiline)]
    private static partial Regex Value();

    [GeneratedRegex(@"^[ \t]*(?<key>[\w.-]+)[ \t]*=[ \t]*\$\{\?(?<name>\w+)\}[ \t]*\r?$", RegexOptions.Multiline)]
    private static partial Regex FromEnvironment();
}
