using System.Collections.Immutable;
using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>Why a row was rejected, in as few words as a metric may have.</summary>
internal enum RejectionReason : byte
{
    /// <summary>Refused by the node's own checks; it never came to a lane.</summary>
    Invalid,

    /// <summary>PostgreSQL could not read a value (class 22).</summary>
    Value,

    NotNull,
    ForeignKey,
    Unique,
    Check,
    Exclusion,

    /// <summary>A privilege or a row level policy (42501).</summary>
    Permission,

    /// <summary>The table, or a column, is not there any more (class 42).</summary>
    Table,

    /// <summary>An idempotency key came again with another row.</summary>
    KeyReused,

    /// <summary>A function or a trigger has raised it (class P0).</summary>
    Raised,

    /// <summary>Any other SQLSTATE.</summary>
    Other,
}

internal static class RejectionReasons
{
    public static ImmutableArray<RejectionReason> All { get; } = [.. Enum.GetValues<RejectionReason>()];

    /// <summary>The reason that an SQLSTATE stands for (PostgreSQL's manual, appendix A).</summary>
    public static RejectionReason Of(string sqlState) => sqlState switch
    {
        "23502" => RejectionReason.NotNull,
        "23503" => RejectionReason.ForeignKey,
        "23505" => RejectionReason.Unique,
        "23514" => RejectionReason.Check,
        "23P01" => RejectionReason.Exclusion,
        "42501" => RejectionReason.Permission,
        RowKey.Mismatch => RejectionReason.KeyReused,
        _ when sqlState.StartsWith("22", StringComparison.Ordinal) => RejectionReason.Value,
        _ when sqlState.StartsWith("42", StringComparison.Ordinal) => RejectionReason.Table,
        _ when sqlState.StartsWith("P0", StringComparison.Ordinal) => RejectionReason.Raised,
        _ => RejectionReason.Other,
    };

    /// <summary>The value of the attribute <c>ingest.reason</c>.</summary>
    public static string NameOf(RejectionReason reason) => reason switch
    {
        RejectionReason.Invalid => "invalid",
        RejectionReason.Value => "value",
        RejectionReason.NotNull => "not_null",
        RejectionReason.ForeignKey => "foreign_key",
        RejectionReason.Unique => "unique",
        RejectionReason.Check => "check",
        RejectionReason.Exclusion => "exclusion",
        RejectionReason.Permission => "permission",
        RejectionReason.Table => "table",
        RejectionReason.KeyReused => "key_reused",
        RejectionReason.Raised => "raised",
        _ => "other",
    };
}
