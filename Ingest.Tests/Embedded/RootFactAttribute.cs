namespace Ingest.Tests.Embedded;

/// <summary>A fact about what only root does; skipped, and counted as skipped, for anybody else.</summary>
public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess)
            Skip = "Only root has to run the server as another user.";
    }
}
