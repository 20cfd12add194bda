using System.Text.RegularExpressions;
using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Ingest.Node.Cluster;

/// <summary>
/// Reads a settings file of the user's own, and refuses what Akka.NET's parser passes over in silence: a setting that
/// there is not, and a brace or quote without its other half, behind which it reads no more.
/// </summary>
internal static partial class SettingsFile
{
    /// <param name="defaults">The node's own file, which has every setting.</param>
    /// <exception cref="SettingsException">The file cannot be read: says which and why.</exception>
    public static Config Read(string file, Config defaults, Func<string, string?> environment)
    {
        if (!File.Exists(file)) throw new SettingsException($"INGEST_CONFIG names {file}, which is not there.");
        var config = Parse(file, environment);
        var known = defaults.Root.GetObject().GetKey("ingest");
        if (config.Root.GetObject().GetKey("ingest") is not { } given) return config;
        var unknown = UnknownIn(given, known, known.GetChildObject("batching"), "ingest").ToList();
        return unknown.Count == 0
            ? config
            : throw Fault(file, $"gives what is no setting: {string.Join(", ", unknown)}");
    }

    private static Config Parse(string file, Func<string, string?> environment)
    {
        var text = File.ReadAllText(file);
        if (FaultOfPairs(text) is { } fault) throw Fault(file, fault);
        try
        {
            return Hocon.Parse(text, environment);
        }
        catch (FormatException error)
        {
            // Its first line; a drawing of the place follows.
            var reason = error.Message.Split('\n')[0].TrimEnd('.', ':', ' ');
            throw Fault(file, $"is not HOCON as Akka.NET reads it: {reason}");
        }
    }

    /// <summary>What half is without its other.</summary>
    private static string? FaultOfPairs(string text)
    {
        var open = new Stack<Match>();
        foreach (Match mark in Mark().Matches(text))
        {
            if (mark.ValueSpan is "{" or "[") open.Push(mark);
            else if (mark.ValueSpan is "\"") return $"leaves the \" of {LineOf(mark)} open";
            else if (mark.ValueSpan is not ("}" or "]")) continue;
            else if (!open.TryPop(out var opening)) return $"closes nothing by the {mark.Value} of {LineOf(mark)}";
            else if (opening.ValueSpan is "{" != mark.ValueSpan is "}")
                return $"closes the {opening.Value} of {LineOf(opening)} by the {mark.Value} of {LineOf(mark)}";
        }

        return open.TryPop(out var left) ? $"leaves the {left.Value} of {LineOf(left)} open" : null;

        string LineOf(Match mark) => FormattableString.Invariant($"line {text.AsSpan(0, mark.Index).Count('\n') + 1}");
    }

    /// <param name="known">The same of the node's own file; null where it has nothing there.</param>
    /// <param name="table">What may be said of a single table.</param>
    private static IEnumerable<string> UnknownIn(HoconValue given, HoconValue? known, HoconValue table, string path)
    {
        if (known is null || (known.IsObject() && !given.IsObject())) return [path];
        if (!given.IsObject()) return [];
        var section = known.IsObject() ? known.GetObject() : null;
        return given.GetObject().Items.SelectMany(one => UnknownIn(
            one.Value, path == "ingest.tables" ? table : section?.GetKey(one.Key), table, Hocon.At(path, one.Key)));
    }

    private static SettingsException Fault(string file, string fault) =>
        new($"INGEST_CONFIG names {file}, which {fault}.");

    /// <summary>Quoted text and comments, as a whole; a brace, bracket or quote by itself.</summary>
    [GeneratedRegex("\"\"\"[\\s\\S]*?\"\"\"|\"(\\\\.|[^\"\\\\])*\"|(#|//).*|[{}\\[\\]\"]")]
    private static partial Regex Mark();
}
