using System.Data.Common;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.Gateway.Intake;

/// <summary>Finds the table that a caller wants to write to.</summary>
internal sealed class TableLookup(ITableCatalog catalog, TableAccess access)
{
    /// <inheritdoc cref="FindAsync(HttpContext, string)"/>
    /// <remarks>Costs no text where the table is known.</remarks>
    public ValueTask<(TableDescriptor? Table, Problem? Problem)> FindAsync(
        HttpContext context, ReadOnlySpan<char> name) =>
        catalog.TryGet(name, out var table)
            ? new(Check(context, table, table.Name))
            : FindAsync(context, name.ToString());

    /// <returns>The table; or null and why the caller cannot write to it.</returns>
    /// <exception cref="Npgsql.NpgsqlException">The table is unknown and the database could not be
    /// asked.</exception>
    public async ValueTask<(TableDescriptor? Table, Problem? Problem)> FindAsync(HttpContext context, string name)
    {
        if (!catalog.TryGet(name, out var table))
            table = await catalog.FindAsync(name, context.RequestAborted);
        return Check(context, table, name);
    }

    /// <summary>Whether the table is still as it was when this descriptor was made.</summary>
    public bool IsCurrent(TableDescriptor table) =>
        catalog.TryGet(table.Name, out var known) && ReferenceEquals(known, table);

    /// <summary>Looks at a table again for a row that gives a column which it does not have.</summary>
    /// <returns>The table as it is now; the same descriptor where it has not changed, or nobody can tell.</returns>
    public async ValueTask<TableDescriptor> LookAgainAsync(TableDescriptor table)
    {
        try
        {
            if (IsCurrent(table)) await catalog.RefreshForColumnAsync(CancellationToken.None);
        }
        catch (DbException)
        {
            return table;
        }

        return catalog.TryGet(table.Name, out var now) ? now : table;
    }

    private (TableDescriptor? Table, Problem? Problem) Check(HttpContext context, TableDescriptor? table, string name)
    {
        // Who may not write to it learns nothing of it, not even whether it is there.
        if (!access.Allows(context, Scope.Write, table?.Name ?? name))
            return (null, Problems.Forbidden(Scope.Write, name));
        if (table is null) return (null, UnknownTable.Of(name, VisibleTo(context)));
        return table.ConflictFault is { } fault ? (null, Problems.Misconfigured(table, fault)) : (table, null);
    }

    /// <summary>The tables that a mistyped name may have meant.</summary>
    private IReadOnlyList<TableDescriptor> VisibleTo(HttpContext context) => access.IsOn
        ? [.. catalog.Tables.Where(table => access.Allows(context, Scope.Write, table.Name))]
        : catalog.Tables;
}
