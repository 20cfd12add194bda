using System.Collections.Immutable;
using System.Globalization;
using Akka.Configuration;

namespace Ingest.Node.Cluster;

/// <summary>A setting is missing, malformed or out of range.</summary>
internal sealed class SettingsException(string message) : Exception(message);

/// <summary>
/// Reads one section of the settings, strictly: Akka.NET's own getters answer zero for what is missing or malformed.
/// </summary>
internal sealed class SettingsReader(Config config, string path)
{
    public string Path => path;

    public SettingsReader Section(string name) => new(config, At(name));

    /// <summary>The sections in <paramref name="name"/>; what one leaves out is as in
    /// <paramref name="fallback"/>.</summary>
    public IEnumerable<(string Name, SettingsReader Section)> Sections(string name, string fallback)
    {
        var sections = config.GetConfig($"{path}.{name}");
        if (sections is null || sections.IsEmpty) yield break;
        foreach (var key in sections.AsEnumerable().Select(entry => entry.Key))
        {
            var section = sections.GetConfig($"\"{key}\"").WithFallback(config.GetConfig($"{path}.{fallback}"));
            yield return (key, new SettingsReader(section, ""));
        }
    }

    public string Text(string name) => config.GetString(At(name)) ?? throw Fault(name, "is missing");

    public ImmutableArray<string> List(string name) =>
        [.. Text(name).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>An array of HOCON, since the names in it may hold any character.</summary>
    public ImmutableArray<string> Names(string name) =>
        config.HasPath(At(name)) && config.GetValue(At(name)) is var value && !value.IsString() && !value.IsObject()
            ? [.. value.GetStringList()]
            : throw Fault(name, "is not a list, as in [id, \"other id\"]");

    public int Int(string name) =>
        int.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault(name, "is not an integer");

    public double Number(string name) =>
        double.TryParse(Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault(name, "is not a number");

    /// <summary>An http or https URL; null where it is empty.</summary>
    public Uri? Url(string name)
    {
        var text = Text(name);
        if (text.Length == 0) return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw Fault(name, "is not a URL that begins with http:// or https://");
    }

    /// <summary>on or off; true and false will do as well.</summary>
    public bool Switch(string name) => Text(name) switch
    {
        "on" or "true" => true,
        "off" or "false" => false,
        _ => throw Fault(name, "is neither on nor off"),
    };

    public int Port(string name) =>
        Int(name) is var port and >= 0 and <= 65_535 ? port : throw Fault(name, "is not a port");

    /// <summary>Bytes, from a number with or without a unit.</summary>
    public long Size(string name)
    {
        var text = Text(name);
        try
        {
            return config.GetByteSize(At(name)) is { } bytes and >= 0 ? bytes : throw Fault(name, "is not a size");
        }
        catch (FormatException)
        {
            throw Fault(name, $"is not a size: {text}");
        }
    }

    public TimeSpan Duration(string name)
    {
        var text = Text(name);
        if (!text.Any(char.IsLetter)) throw Fault(name, $"has no unit: {text}");
        try
        {
            return config.GetTimeSpan(At(name), allowInfinite: false) is var span && span >= TimeSpan.Zero
                ? span
                : throw Fault(name, "is negative");
        }
        catch (Exception error) when (error is FormatException or OverflowException)
        {
            throw Fault(name, $"is not a duration: {text}");
        }
    }

    private string At(string name) => path.Length == 0 ? name : $"{path}.{name}";

    private SettingsException Fault(string name, string what) => new($"The setting {At(name)} {what}.");
}
