using System.Collections.Frozen;
using System.Collections.Immutable;
using Ingest.Messages;

namespace Ingest.Node.Catalog;

/// <summary>One column that a row may give.</summary>
/// <param name="Name">As in PostgreSQL, unquoted; members of a JSON row are matched to it exactly.</param>
/// <param name="Number">PostgreSQL's attribute number, counted from 1.</param>
/// <param name="TypeName">The type as PostgreSQL prints it, with its modifier: <c>character varying(20)</c>.</param>
/// <param name="Codec">How its fields are encoded.</param>
/// <param name="IsNullable">False for NOT NULL, also by way of a domain.</param>
/// <param name="HasDefault">A row that leaves the column out gets a value from PostgreSQL, not NULL.</param>
/// <param name="RefusesInput">Why a row may not give the column (generated, no INSERT privilege, GENERATED ALWAYS AS
/// IDENTITY); null where it may.</param>
/// <param name="Default">The default's expression in SQL, for people; null where there is none.</param>
public sealed record Column(
    string Name,
    int Number,
    string TypeName,
    FieldCodec Codec,
    bool IsNullable,
    bool HasDefault,
    string? RefusesInput,
    string? Default)
{
    /// <summary>
    /// The type for a CAST, quoted and without its modifier: a cast to <c>bit(3)</c> cuts off what an assignment
    /// refuses.
    /// </summary>
    public string SqlType { get; init; } = "";

    /// <summary>The type's oid in this database.</summary>
    public uint TypeOid { get; init; }

    /// <summary>The oid of the type of its arrays; 0 where there is none, as for arrays themselves.</summary>
    public uint ArrayOid { get; init; }

    /// <summary>True where the column is part of a foreign key.</summary>
    public bool IsReference { get; init; }

    /// <summary>What gives a value the column's collation, to be put behind it in SQL; empty where that is the
    /// database's own.</summary>
    public string SqlCollate { get; init; } = "";

    /// <summary>As <see cref="SqlType"/>, for a domain the type below it.</summary>
    public string StoredType { get; init; } = "";

    /// <summary>The oids of <see cref="StoredType"/> and of its arrays, as <see cref="ArrayOid"/>.</summary>
    public (uint Element, uint Array) StoredOids { get; init; }
}

/// <summary>Where a row's key comes from when the row does not give it.</summary>
public enum KeyGeneration
{
    /// <summary>The row gives it, or PostgreSQL makes it and the answer carries none.</summary>
    None,

    /// <summary>A UUID version 7, made by the gateway.</summary>
    UuidV7,

    /// <summary>The next value of a block that the gateway has reserved from the column's sequence.</summary>
    Sequence,
}

/// <summary>
/// A table as the catalog knows it: what is needed to validate and encode its rows, and to write them. Immutable; a
/// table that changes gets a new descriptor.
/// </summary>
public sealed class TableDescriptor
{
    private RowPlan? plan;

    /// <summary>The served name, as in URLs and lane ids: <c>clicks</c>, or <c>sales.orders</c> outside the first
    /// schema.</summary>
    public required string Name { get; init; }

    public required string Schema { get; init; }

    public required string Table { get; init; }

    /// <summary>Schema and table, quoted for SQL.</summary>
    public required string SqlName { get; init; }

    public required uint Oid { get; init; }

    /// <summary>A digest of the columns' numbers, names and types; the writer compares it under the table's
    /// lock.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>All columns in PostgreSQL's order, also those that refuse input.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>The columns by name.</summary>
    public required FrozenDictionary<string, Column> ByName { get; init; }

    /// <summary>The primary key's columns in key order; empty where the table has none.</summary>
    public required ImmutableArray<Column> Key { get; init; }

    public required KeyGeneration KeyGeneration { get; init; }

    /// <summary>Values for <see cref="KeyGeneration.Sequence"/>; else null.</summary>
    public required SequenceKeys? Keys { get; init; }

    /// <summary>
    /// True where COPY cannot write the table directly: row level security applies to this role, or a column's type is
    /// written through its text input. Rows then go by way of a staging table and INSERT ... SELECT.
    /// </summary>
    public required bool NeedsStaging { get; init; }

    /// <summary>True where a BEFORE INSERT trigger may fill in columns, so a missing value is for PostgreSQL to
    /// judge.</summary>
    public required bool HasBeforeInsertTrigger { get; init; }

    /// <summary>What becomes of rows whose like is in the table; null where they fail.</summary>
    public ConflictRule? Conflict { get; init; }

    /// <summary>Why the setting <c>on-conflict</c> does not fit the table, which then takes no rows; null where it
    /// does.</summary>
    public string? ConflictFault { get; init; }

    /// <summary>True where a rule rewrites each INSERT, which COPY passes by.</summary>
    public bool HasInsertRule { get; init; }

    /// <summary>True where row level security applies to this role.</summary>
    public bool HasRowSecurity { get; init; }

    /// <summary>True where a foreign key of the table refers to its own rows, so that whether a row is good may depend
    /// on others of its batch.</summary>
    public bool RefersToItself { get; init; }

    /// <summary>
    /// True where rows carry a value for a GENERATED ALWAYS identity. COPY takes it; an INSERT from a staging table
    /// needs <c>OVERRIDING SYSTEM VALUE</c>.
    /// </summary>
    public bool NeedsOverridingSystemValue { get; init; }

    /// <summary>Values for <see cref="KeyGeneration.UuidV7"/>.</summary>
    public UuidKeys Uuids { get; init; } = UuidKeys.Shared;

    /// <summary>What the encoders of this table share.</summary>
    internal RowPlan Plan => plan ?? Interlocked.CompareExchange(ref plan, new RowPlan(this), null) ?? plan;

    /// <summary>
    /// True where a tuple of this shape, perhaps encoded for an earlier state of the table, can be written as it is:
    /// each column is still there and insertable, in the same encoding, and none that a row must give is missing.
    /// Otherwise its rows are for <see cref="RowReencoder"/>.
    /// </summary>
    public bool Accepts(Shape shape) => Plan.Accepts(shape);
}
