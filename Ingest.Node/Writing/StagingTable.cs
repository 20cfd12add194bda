using System.Security.Cryptography;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Catalog.Codecs;

namespace Ingest.Node.Writing;

/// <summary>
/// The way round for what COPY cannot write directly: a temporary table of the connection's own takes the COPY, with
/// the text of each value whose type has no binary encoding here, and an INSERT ... SELECT moves the rows on, under the
/// rules (row level security, casts) of a plain INSERT.
/// </summary>
/// <param name="Name">The table's name, which tells what it looks like.</param>
/// <param name="Columns">Its columns, as SQL.</param>
/// <param name="Copy">The COPY into it.</param>
/// <param name="Move">Writes its rows into their table, in the order in which they came.</param>
internal sealed record StagingTable(string Name, string Columns, string Copy, string Move)
{
    /// <summary>The rows as <c>s</c>, with their place <c>n</c>, counted from 1.</summary>
    public required string Source { get; init; }

    /// <summary>For each column its value in <see cref="Source"/>.</summary>
    public required IReadOnlyList<string> Values { get; init; }

    // A name that no sane column has; a table that has it all the same is told so by PostgreSQL.
    private const string Row = "\"ingest: the row's place in its COPY\"";

    public static StagingTable For(TableDescriptor table, Shape shape)
    {
        // The name says what the table looks like, so a connection never meets one of another shape under it.
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{table.Oid} {table.Fingerprint} {shape}"));
        var name = $"pg_temp.ingest_staging_{Convert.ToHexStringLower(digest.AsSpan(0, 12))}";
        var columns = shape.Columns
            .Select(column => (Name: TableNames.Quote(column.Name), Column: table.ByName[column.Name]))
            .Select(column => (
                column.Name,
                Type: FieldCodecs.IsInput(column.Column.Codec) ? "text" : column.Column.TypeName,
                Value: FieldCodecs.IsInput(column.Column.Codec)
                    ? $"CAST({column.Name} AS {column.Column.SqlType})"
                    : column.Name,
                Source: FieldCodecs.IsInput(column.Column.Codec)
                    ? $"CAST(s.{column.Name} AS {column.Column.SqlType})"
                    : $"s.{column.Name}"))
            .ToArray();
        var names = string.Join(", ", columns.Select(column => column.Name));
        var overriding = table.NeedsOverridingSystemValue ? " OVERRIDING SYSTEM VALUE" : "";
        return new StagingTable(
            name,
            $"{Row} bigserial, {string.Join(", ", columns.Select(column => $"{column.Name} {column.Type}"))}",
            $"COPY {name} ({names}) FROM STDIN (FORMAT BINARY)",
            $"INSERT INTO {table.SqlName} ({names}){overriding} "
            + $"SELECT {string.Join(", ", columns.Select(column => column.Value))} FROM {name} ORDER BY {Row}")
        {
            Source = $"(SELECT *, row_number() OVER (ORDER BY {Row}) AS n FROM {name}) AS s",
            Values = [.. columns.Select(column => column.Source)],
        };
    }
}
