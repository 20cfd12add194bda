using System.Collections.Immutable;

namespace Ingest.Node.Catalog;

/// <summary>What becomes of a row whose like is in the table already.</summary>
public enum ConflictAction
{
    /// <summary>It is refused: 409.</summary>
    Fail,

    /// <summary>It is left out, and answered with the row that is there.</summary>
    Skip,

    /// <summary>It changes the row that is there.</summary>
    Update,
}

/// <summary>A table's setting <c>on-conflict</c>, as it was written down.</summary>
/// <param name="Columns">Which columns make two rows alike; empty for those of the primary key.</param>
/// <param name="Update">For <see cref="ConflictAction.Update"/>: the columns that the row that is there takes over.
/// </param>
public sealed record OnConflict(
    ConflictAction Action, ImmutableArray<string> Columns, ImmutableArray<string> Update)
{
    public static readonly OnConflict Fail = new(ConflictAction.Fail, [], []);

    public bool Equals(OnConflict? other) =>
        other is not null && Action == other.Action && Columns.SequenceEqual(other.Columns)
        && Update.SequenceEqual(other.Update);

    public override int GetHashCode() => HashCode.Combine(Action, Columns.Length, Update.Length);
}

/// <summary>A setting <c>on-conflict</c>, other than fail, that fits its table.</summary>
/// <param name="Target">Two rows are alike where they are equal, and not NULL, in these; a unique index sees to
/// it.</param>
public sealed record ConflictRule(
    ConflictAction Action, ImmutableArray<Column> Target, ImmutableArray<Column> Update)
{
    /// <summary>True where each row changes the row that has its very key.</summary>
    internal bool UpdatesKeys(TableDescriptor table) =>
        Action == ConflictAction.Update && Target.Length == table.Key.Length && Target.All(table.Key.Contains);

    /// <param name="uniqueKeys">The columns, by number, of each unique index that PostgreSQL takes for a target:
    /// <c>1,3;2</c>.</param>
    /// <returns>The rule; null where the action is fail, or where the setting does not fit: then also why.</returns>
    internal static (ConflictRule? Rule, string? Fault) Of(
        OnConflict setting, ImmutableArray<Column> columns, ImmutableArray<Column> key, string uniqueKeys, bool hasRule)
    {
        if (setting.Action == ConflictAction.Fail) return (null, null);
        if (hasRule) return (null, "it has a rule for INSERT, with which PostgreSQL knows no conflicts");
        string? missing = null;
        var target = setting.Columns.IsEmpty ? key : Find(setting.Columns, columns, out missing);
        if (target.IsDefault) return Unknown(missing!);
        if (target.IsEmpty) return (null, "it has no primary key, and no other columns are named");
        var numbers = string.Join(',', target.Select(column => column.Number).Order());
        if (!uniqueKeys.Split(';').Contains(numbers))
            return (null, $"no unique index is on just {Names(target)} (without a condition, and not deferrable)");
        var update = Find(setting.Update, columns, out missing);
        if (update.IsDefault) return Unknown(missing!);
        if (update.FirstOrDefault(column => column.RefusesInput is not null) is { } refusing)
            return (null, $"{refusing.Name} cannot be updated, since it {refusing.RefusesInput}");
        if (update.FirstOrDefault(column => target.Contains(column) || key.Contains(column)) is { } fixedColumn)
            return (null, $"{fixedColumn.Name} cannot be updated, since it says which row it is");
        return (new ConflictRule(setting.Action, target, update), null);

        static (ConflictRule?, string?) Unknown(string name) => (null, $"it has no column {name}");
    }

    private static ImmutableArray<Column> Find(
        ImmutableArray<string> names, ImmutableArray<Column> columns, out string? missing)
    {
        missing = names.FirstOrDefault(name => !columns.Any(column => column.Name == name));
        return missing is null
            ? [.. names.Distinct().Select(name => columns.First(column => column.Name == name))]
            : default;
    }

    private static string Names(ImmutableArray<Column> columns) =>
        string.Join(", ", columns.Select(column => column.Name));
}
