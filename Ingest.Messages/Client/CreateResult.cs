namespace Ingest.Messages.Client;

/// <summary>What became of a row.</summary>
public enum CreateOutcome
{
    /// <summary>It is in the table.</summary>
    Committed = 1,

    /// <summary>It is in the journal and will be written, whatever happens.</summary>
    Accepted = 2,

    /// <summary>It is not in the table and never will be: the error says why.</summary>
    Rejected = 3,

    /// <summary>It is not in the table, and was tried for as long as <see cref="IngestClientOptions.RetryFor"/>
    /// says.</summary>
    NotWritten = 4,

    /// <summary>It may or may not be in the table: no answer came for as long as it was tried.</summary>
    Unknown = 5,
}

/// <summary>One row's result.</summary>
/// <param name="Id">The row's key, where it was written and the table has one.</param>
/// <param name="Receipt">For an accepted row: where to ask later what became of it.</param>
/// <param name="Error">There when, and only when, the row was neither committed nor accepted.</param>
public readonly record struct CreateResult(
    CreateOutcome Outcome, RowId Id = default, string? Receipt = null, CreateError? Error = null)
{
    /// <summary>Whether the row is in the table, or will be.</summary>
    public bool IsWritten => Outcome is CreateOutcome.Committed or CreateOutcome.Accepted;
}

/// <summary>Why a row was not written. The names and codes are those of <c>ingest.v1</c>.</summary>
/// <param name="Code">A gRPC status code: 3 for INVALID_ARGUMENT, 6 for ALREADY_EXISTS.</param>
/// <param name="Reason">The name of the reason, such as <c>ROW_INVALID</c>; <c>CONNECTION</c> where no node could be
/// reached.</param>
/// <param name="Message">For people.</param>
public sealed record CreateError(int Code, string Reason, string Message)
{
    /// <summary>What is wrong, by column.</summary>
    public IReadOnlyList<(string Column, string Message)> Columns { get; init; } = [];

    /// <summary>PostgreSQL's code for it, where it was PostgreSQL that refused the row.</summary>
    public string? SqlState { get; init; }

    /// <summary>The constraint that the row violates, where PostgreSQL named one.</summary>
    public string? Constraint { get; init; }

    /// <summary>The reason, the message, and what is wrong by column, in one line.</summary>
    public override string ToString() =>
        $"{Reason}: {Message}{string.Concat(Columns.Select(error => $" [{error.Column}: {error.Message}]"))}";
}
