namespace Ingest.Node.Writing.Isolation;

/// <summary>What tells one kind of bad row from another.</summary>
internal sealed record RefusalKind(
    string SqlState, string? Schema, string? Table, string? Constraint, string? Column, string? Domain)
{
    public static RefusalKind Of(RowError error) =>
        new(error.SqlState, error.Schema, error.Table, error.Constraint, error.Column, error.Domain);
}
