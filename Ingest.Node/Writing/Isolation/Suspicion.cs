namespace Ingest.Node.Writing.Isolation;

/// <summary>A reason to expect that rows will be refused: such rows are tried apart from the others. It only suspects:
/// whether a row is refused is said by PostgreSQL, when the row is tried.</summary>
/// <param name="Kind">The refusals that it foresees.</param>
internal abstract record Suspicion(RefusalKind Kind)
{
    /// <summary>What tells it from others; of two with the same identity, the newer counts.</summary>
    public abstract object Identity { get; }
}
