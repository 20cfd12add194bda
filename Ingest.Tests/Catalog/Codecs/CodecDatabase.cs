using System.Collections.Immutable;
using Ingest.Node.Catalog.Codecs;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>A database with the types that the codecs' tests use.</summary>
public sealed class CodecDatabase : IAsyncLifetime
{
    private const string Types = """
        CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'très content', 'a "quoted", one');
        CREATE DOMAIN short_text AS varchar(5) CHECK (VALUE <> 'bad');
        CREATE DOMAIN shorter_text AS short_text;
        CREATE DOMAIN price AS numeric(7,2) NOT NULL;
        CREATE DOMAIN int_list AS int[];
        CREATE TYPE pair AS (a int, b text);
        CREATE FUNCTION try_insert(n int, v text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('INSERT INTO expected VALUES (%s, %L)', n, v);
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END $$;
        """;

    private ImmutableDictionary<uint, (string Schema, string Name, char Kind, uint Element, uint Base, int Modifier, bool NotNull)>
        types = [];

    private ILookup<uint, string> labels = Array.Empty<string>().ToLookup(_ => 0u);

    public TestDatabase Database { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Database = await TestDatabase.CreateAsync();
        await Database.ExecuteAsync(Types);
        types = (await ReadAsync(
            "SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typelem, t.typbasetype, t.typtypmod, t.typnotnull "
            + "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
            row => (Oid: row.GetFieldValue<uint>(0), (row.GetString(1), row.GetString(2), row.GetString(3)[0],
                row.GetFieldValue<uint>(4), row.GetFieldValue<uint>(5), row.GetInt32(6), row.GetBoolean(7)))))
            .ToImmutableDictionary(row => row.Oid, row => row.Item2);
        labels = (await ReadAsync("SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumsortorder",
            row => (row.GetFieldValue<uint>(0), row.GetString(1)))).ToLookup(row => row.Item1, row => row.Item2);
    }

    public async Task DisposeAsync() => await Database.DisposeAsync();

    /// <summary>A connection whose session reads times without an offset as UTC, which is what the codecs do.</summary>
    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = await Database.DataSource.OpenConnectionAsync();
        await using var settings = new NpgsqlCommand("SET timezone = 'UTC'; SET datestyle = 'ISO'", connection);
        await settings.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>The type and modifier of a column that is declared like this.</summary>
    public async Task<(PgType Type, int Modifier)> DescribeAsync(NpgsqlConnection connection, string declaration)
    {
        await using var command = new NpgsqlCommand(
            $"CREATE TEMP TABLE described (v {declaration}) ON COMMIT DROP;"
            + "SELECT atttypid, atttypmod FROM pg_attribute WHERE attrelid = 'described'::regclass AND attnum = 1", connection);
        await using var transaction = await connection.BeginTransactionAsync();
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        return (Describe(row.GetFieldValue<uint>(0))!, row.GetInt32(1));
    }

    private PgType? Describe(uint oid)
    {
        if (!types.TryGetValue(oid, out var type)) return null;
        return new PgType(oid, type.Schema, type.Name, type.Kind, Describe(type.Element), Describe(type.Base),
            type.Modifier, [.. labels[oid]], type.NotNull);
    }

    private async Task<List<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var command = Database.DataSource.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await row.ReadAsync()) rows.Add(read(row));
        return rows;
    }
}
