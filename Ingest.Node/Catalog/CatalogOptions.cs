using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Catalog;

/// <summary>Which tables are served, and how soon a change of one is seen.</summary>
public sealed record CatalogOptions
{
    /// <summary>
    /// The schemas whose tables are served. Tables of the first go by their bare name, those of the others by
    /// <c>schema.table</c>. The schema <c>ingest</c>, which holds the ledger, is never served, even when it is listed.
    /// </summary>
    public required ImmutableArray<string> Schemas { get; init; }

    /// <summary>How often the catalog is read anew without being asked.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public required TimeSpan RefreshInterval { get; init; }

    /// <summary>The setting <c>on-conflict</c> of a table, by its served name.</summary>
    public Func<string, OnConflict> OnConflict { get; init; } = static _ => Catalog.OnConflict.Fail;
}
