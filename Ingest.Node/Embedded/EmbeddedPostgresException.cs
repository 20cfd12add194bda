namespace Ingest.Node.Embedded;

/// <summary>The embedded PostgreSQL cannot do what was asked; the message is one line that says what to do.</summary>
public sealed class EmbeddedPostgresException : Exception
{
    public EmbeddedPostgresException()
    {
    }

    public EmbeddedPostgresException(string message) : base(message)
    {
    }

    public EmbeddedPostgresException(string message, Exception inner) : base(message, inner)
    {
    }
}
