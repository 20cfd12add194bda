using Ingest.Node.Cluster;

namespace Ingest.Tests.Cluster;

/// <summary>Settings as a process would read them.</summary>
internal static class TestSettings
{
    /// <summary>Reads them with some variables set.</summary>
    public static NodeSettings Load(params (string Name, string Value)[] environment) => NodeSettings.Load(
        name => environment.FirstOrDefault(variable => variable.Name == name).Value);

    /// <summary>Reads them with a file of the user's own.</summary>
    public static NodeSettings LoadFile(string text)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, text);
            return Load(("INGEST_CONFIG", file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
