using System.Collections.Immutable;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>One PostgreSQL type as the catalog reads it from <c>pg_type</c>.</summary>
/// <param name="Oid">Its oid in this database; binary arrays carry that of their elements.</param>
/// <param name="Kind"><c>pg_type.typtype</c>: b(ase), e(num), d(omain), c(omposite), r(ange), m(ultirange) or
/// p(seudo).</param>
/// <param name="Element">The element's type where this is an array type.</param>
/// <param name="Base">The type below where this is a domain.</param>
/// <param name="BaseModifier">A domain's <c>typtypmod</c>; -1 where it has none, and for all other types.</param>
/// <param name="EnumLabels">An enum's labels; the default (empty) for all other types.</param>
/// <param name="IsNotNull">True for a NOT NULL domain.</param>
public sealed record PgType(
    uint Oid,
    string Schema,
    string Name,
    char Kind,
    PgType? Element,
    PgType? Base,
    int BaseModifier,
    ImmutableArray<string> EnumLabels,
    bool IsNotNull)
{
    /// <summary>The type of arrays of it; 0 where PostgreSQL has none, as for arrays themselves.</summary>
    public uint ArrayOid { get; init; }
}
