using System.Collections.Immutable;
using System.Data;
using Ingest.Node.Catalog.Codecs;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Catalog;

/// <summary>
/// Reads the facts of all served tables in one snapshot of the catalogs. Not thread-safe: types that have not changed
/// since the last read are kept, so that equal facts are also cheap to compare.
/// </summary>
internal sealed class CatalogReader(NpgsqlDataSource database, ImmutableArray<string> schemas)
{
    private Dictionary<uint, (PgType Type, string? Default)> types = [];

    /// <exception cref="NpgsqlException">The database could not be read.</exception>
    public async Task<List<TableFacts>> ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // Repeatable read, or the columns and their types could be of different moments.
        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        await using var batch = new NpgsqlBatch(connection, snapshot)
        {
            BatchCommands = { Command(CatalogSql.Types), Command(CatalogSql.Columns) },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        types = await ReadTypesAsync(reader, cancellation);
        await reader.NextResultAsync(cancellation);
        return await ReadTablesAsync(reader, cancellation);
    }

    private NpgsqlBatchCommand Command(string sql) => new(sql)
    {
        Parameters = { new() { Value = schemas.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text } },
    };

    private async Task<Dictionary<uint, (PgType Type, string? Default)>> ReadTypesAsync(
        NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var rows = new Dictionary<uint, (PgType Bare, uint? Element, uint? Base, string? Default)>();
        while (await reader.ReadAsync(cancellation))
        {
            var oid = reader.GetFieldValue<uint>(0);
            var bare = new PgType(
                oid, reader.GetString(1), reader.GetString(2), reader.GetString(3)[0], Element: null, Base: null,
                reader.GetInt32(6), ImmutableArray.Create(reader.GetFieldValue<string[]>(9)), reader.GetBoolean(7))
            {
                ArrayOid = reader.GetFieldValue<uint>(10),
            };
            rows.Add(oid, (bare, Oid(reader, 4), Oid(reader, 5), Text(reader, 8)));
        }

        var linked = new Dictionary<uint, (PgType Type, string? Default)>(rows.Count);
        foreach (var oid in rows.Keys) Link(oid);
        return linked;

        PgType Link(uint oid)
        {
            if (linked.TryGetValue(oid, out var done)) return done.Type;
            var (bare, element, below, typeDefault) = rows[oid];
            var type = bare with
            {
                Element = element is { } e ? Link(e) : null,
                Base = below is { } b ? Link(b) : null,
            };
            if (types.TryGetValue(oid, out var before) && IsSame(before.Type, type)) type = before.Type;
            linked.Add(oid, (type, typeDefault));
            return type;
        }
    }

    private static bool IsSame(PgType before, PgType now) =>
        before.EnumLabels.SequenceEqual(now.EnumLabels)
        && before == now with { EnumLabels = before.EnumLabels };

    private async Task<List<TableFacts>> ReadTablesAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var tables = new List<TableFacts>();
        var columns = ImmutableArray.CreateBuilder<ColumnFacts>();
        TableFacts? table = null;
        while (await reader.ReadAsync(cancellation))
        {
            var oid = reader.GetFieldValue<uint>(0);
            if (table?.Oid != oid)
            {
                Finish();
                table = new TableFacts(
                    oid, reader.GetString(1), reader.GetString(2), reader.GetString(3),
                    RowSecurityIsActive: reader.GetBoolean(4), HasBeforeInsertTrigger: reader.GetBoolean(5),
                    HasInsertRule: reader.GetBoolean(19), UniqueKeys: reader.GetString(20),
                    RefersToItself: reader.GetBoolean(21));
            }

            columns.Add(ReadColumn(reader));
        }

        Finish();
        return tables;

        void Finish()
        {
            if (table is not null) tables.Add(table with { Columns = columns.DrainToImmutable() });
        }
    }

    private ColumnFacts ReadColumn(NpgsqlDataReader reader)
    {
        var (type, typeDefault) = types[reader.GetFieldValue<uint>(8)];
        return new ColumnFacts(
            Number: reader.GetInt16(6),
            Name: reader.GetString(7),
            type,
            typeDefault,
            Modifier: reader.GetInt32(9),
            TypeName: reader.GetString(10),
            IsNotNull: reader.GetBoolean(11),
            Identity: reader.GetString(12),
            Generated: reader.GetString(13),
            MayInsert: reader.GetBoolean(14),
            Expression: Text(reader, 15),
            KeyPosition: reader.IsDBNull(16) ? 0 : reader.GetInt32(16),
            IsReference: reader.GetBoolean(17),
            Sequence: Oid(reader, 18),
            Collation: Text(reader, 22));
    }

    private static uint? Oid(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<uint>(ordinal);

    private static string? Text(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);
}
