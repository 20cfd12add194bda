using System.Collections.Frozen;
using System.Collections.Immutable;
using Ingest.Node.Catalog.Codecs;
using Npgsql;

namespace Ingest.Node.Catalog;

/// <summary>
/// Makes descriptors from facts. Tables that draw from one sequence, as partitions do, share its reserved keys, also
/// across changes of a table.
/// </summary>
internal sealed class DescriptorFactory(NpgsqlDataSource database, CatalogOptions options, TimeProvider time)
{
    private readonly Dictionary<uint, SequenceKeys> sequences = [];
    private readonly UuidKeys uuids = new(time);

    public TableDescriptor Create(TableFacts facts)
    {
        var columns = facts.Columns.Select(Column).ToImmutableArray();
        var key = facts.Columns.Zip(columns, (read, made) => (Facts: read, Column: made))
            .Where(column => column.Facts.KeyPosition > 0)
            .OrderBy(column => column.Facts.KeyPosition)
            .ToImmutableArray();
        var generation = key.Length == 1 ? Generation(key[0].Facts, key[0].Column) : KeyGeneration.None;
        var generated = generation == KeyGeneration.None ? null : key[0].Facts;
        var name = TableNames.Served(facts.Schema, facts.Table, options.Schemas[0]);
        var keyColumns = key.Select(column => column.Column).ToImmutableArray();
        var (conflict, conflictFault) = ConflictRule.Of(
            options.OnConflict(name), columns, keyColumns, facts.UniqueKeys, facts.HasInsertRule);
        return new TableDescriptor
        {
            Name = name,
            Conflict = conflict,
            ConflictFault = conflictFault,
            Schema = facts.Schema,
            Table = facts.Table,
            SqlName = $"{TableNames.Quote(facts.Schema)}.{TableNames.Quote(facts.Table)}",
            Oid = facts.Oid,
            Fingerprint = facts.Fingerprint,
            Columns = columns,
            ByName = columns.ToFrozenDictionary(column => column.Name, StringComparer.Ordinal),
            Key = keyColumns,
            KeyGeneration = generation,
            Keys = generation == KeyGeneration.Sequence ? KeysOf(generated!.Sequence!.Value) : null,
            Uuids = uuids,
            NeedsStaging = facts.RowSecurityIsActive || columns.Any(NeedsTextInput),
            NeedsOverridingSystemValue = generated is { IsAlwaysIdentity: true },
            HasBeforeInsertTrigger = facts.HasBeforeInsertTrigger,
            HasInsertRule = facts.HasInsertRule,
            HasRowSecurity = facts.RowSecurityIsActive,
            RefersToItself = facts.RefersToItself,
        };
    }

    // A column that takes no input may have any type: a generated tsvector does not keep its table from COPY.
    private static bool NeedsTextInput(Column column) =>
        column.RefusesInput is null && FieldCodecs.IsInput(column.Codec);

    private static Column Column(ColumnFacts facts) => new(
        facts.Name,
        facts.Number,
        facts.TypeName,
        FieldCodecs.For(facts.Type, facts.Modifier),
        facts.IsNullable,
        facts.HasDefault,
        facts.RefusesInput,
        facts.Default)
    {
        IsReference = facts.IsReference,
        SqlCollate = facts.Collation is null ? "" : $" COLLATE {facts.Collation}",
        SqlType = SqlType(facts.Type),
        StoredType = SqlType(Stored(facts.Type)),
        StoredOids = (Stored(facts.Type).Oid, Stored(facts.Type).ArrayOid),
        TypeOid = facts.Type.Oid,
        ArrayOid = facts.Type.ArrayOid,
    };

    private static string SqlType(PgType type) => $"{TableNames.Quote(type.Schema)}.{TableNames.Quote(type.Name)}";

    private static PgType Stored(PgType type) => type.Base is { } below ? Stored(below) : type;

    /// <remarks>
    /// No key is made where the role may not write it, and none for a key that refers to another table and has no
    /// default: it is that table's key, which only the caller can know.
    /// </remarks>
    private static KeyGeneration Generation(ColumnFacts facts, Column column)
    {
        if (!facts.MayInsert || facts.IsGenerated) return KeyGeneration.None;
        return column.Codec.Name switch
        {
            "uuid" when column.HasDefault || !facts.IsReference => KeyGeneration.UuidV7,
            "int2" or "int4" or "int8" when facts.Sequence is not null => KeyGeneration.Sequence,
            _ => KeyGeneration.None,
        };
    }

    private SequenceKeys KeysOf(uint sequence)
    {
        if (!sequences.TryGetValue(sequence, out var keys))
            sequences.Add(sequence, keys = new SequenceKeys(database, sequence, time));
        return keys;
    }
}
