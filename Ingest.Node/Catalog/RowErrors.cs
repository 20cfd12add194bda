namespace Ingest.Node.Catalog;

/// <summary>What is wrong with one row: messages by column, in the order in which they were found. Reusable.</summary>
public sealed class RowErrors
{
    private readonly List<(string Column, string Message)> errors = [];

    /// <summary>The row as a whole is not readable (malformed JSON, not an object); null where columns are at
    /// fault.</summary>
    public string? Row { get; private set; }

    public IReadOnlyList<(string Column, string Message)> Columns => errors;

    public bool Any => Row is not null || errors.Count > 0;

    /// <summary>A column was given that the table does not have, as far as its descriptor knows.</summary>
    public bool NamesUnknown { get; private set; }

    public void AddUnknown(string column, string message)
    {
        NamesUnknown = true;
        Add(column, message);
    }

    public void Add(string column, string message) => errors.Add((column, message));

    public void AddRow(string message) => Row ??= message;

    public void Clear()
    {
        Row = null;
        NamesUnknown = false;
        errors.Clear();
    }
}
