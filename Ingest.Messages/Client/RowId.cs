using System.Globalization;

namespace Ingest.Messages.Client;

/// <summary>The primary key of a row, in the form that suits its type.</summary>
public readonly record struct RowId
{
    /// <summary>The key, where it is of type uuid.</summary>
    public Guid? Uuid { get; private init; }

    /// <summary>The key, where it is an integer.</summary>
    public long? Number { get; private init; }

    /// <summary>The key as JSON, where it is of any other type, or of several columns.</summary>
    public string? Json { get; private init; }

    /// <summary>True where the table has no key, or PostgreSQL makes it.</summary>
    public bool IsNone => Uuid is null && Number is null && Json is null;

    /// <summary>The key as text; empty where there is none.</summary>
    public override string ToString() =>
        Uuid?.ToString() ?? Number?.ToString(CultureInfo.InvariantCulture) ?? Json ?? "";

    internal static RowId Of(Guid uuid) => new() { Uuid = uuid };

    internal static RowId Of(long number) => new() { Number = number };

    internal static RowId OfJson(string json) => json == "null" ? default : new RowId { Json = json };
}
