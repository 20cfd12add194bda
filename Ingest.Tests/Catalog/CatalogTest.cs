using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Catalog;

/// <summary>A database of its own, with what tests of the catalog and its encoders do again and again.</summary>
public abstract class CatalogTest : IAsyncLifetime
{
    // The signature, then no flags and no header extension.
    private static readonly byte[] CopyHeader =
        [.. "PGCOPY\n"u8, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly List<string> roles = [];

    protected TestDatabase Database { get; private set; } = null!;

    protected TableCatalog Catalog { get; private set; } = null!;

    protected static CatalogOptions Public { get; } = new()
    {
        Schemas = ["public"],
        RefreshInterval = TimeSpan.FromHours(1),
    };

    protected virtual CatalogOptions Options { get; } = Public;

    public virtual async Task InitializeAsync()
    {
        Database = await TestDatabase.CreateAsync();
        Catalog = new TableCatalog(Database.DataSource, Options, TimeProvider.System);
    }

    public virtual async Task DisposeAsync()
    {
        // Roles belong to the server, not to the database, so they would stay.
        foreach (var role in roles) await Database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        await Database.DisposeAsync();
    }

    /// <summary>Runs the SQL and gives the table's descriptor after it.</summary>
    protected async Task<TableDescriptor> DescribeAsync(string sql, string name = "t")
    {
        await Database.ExecuteAsync(sql);
        return await TableAsync(name);
    }

    protected async Task<TableDescriptor> TableAsync(string name = "t")
    {
        await Catalog.RefreshAsync(CancellationToken.None);
        Assert.True(Catalog.TryGet(name, out var table), $"{name} is not served");
        return table;
    }

    /// <summary>Encodes a row that must be right, reserving keys as needed.</summary>
    protected static async Task EncodeAsync(TableDescriptor table, string json, RowBlock block)
    {
        var encoder = new RowEncoder(table);
        while (true)
        {
            var errors = new RowErrors();
            var result = encoder.EncodeJson(Encoding.UTF8.GetBytes(json), block, errors);
            Assert.True(result != EncodeResult.Invalid, Text(errors));
            if (result == EncodeResult.Encoded) return;
            await table.Keys!.ReserveAsync(CancellationToken.None);
        }
    }

    /// <summary>Encodes a row that must be at fault, and gives its errors, a line each.</summary>
    protected static string Refuse(TableDescriptor table, string json)
    {
        var (errors, block) = (new RowErrors(), new RowBlock());
        var result = new RowEncoder(table).EncodeJson(Encoding.UTF8.GetBytes(json), block, errors);
        Assert.Equal(EncodeResult.Invalid, result);
        Assert.Equal((0, 0), (block.Count, block.Writer.Length));
        return Text(errors);
    }

    protected static string Text(RowErrors errors) => string.Join(
        '\n', errors.Columns.Select(error => $"{error.Column} {error.Message}").Prepend(errors.Row).OfType<string>());

    /// <summary>Writes rows as the writer does: a COPY for each shape.</summary>
    protected async Task CopyAsync(TableDescriptor table, RowBlock block)
    {
        await using var connection = await Database.DataSource.OpenConnectionAsync();
        foreach (var rows in Enumerable.Range(0, block.Count).GroupBy(block.ShapeOf))
        {
            var columns = string.Join(", ", rows.Key.Columns.Select(column => Quote(column.Name)));
            await using var copy = await connection.BeginRawBinaryCopyAsync(
                $"COPY {table.SqlName} ({columns}) FROM STDIN (FORMAT binary)");
            await copy.WriteAsync(CopyHeader);
            foreach (var row in rows) await copy.WriteAsync(block.Tuple(row).ToArray());
            await copy.WriteAsync(new byte[] { 0xFF, 0xFF });
        }
    }

    /// <summary>Encodes one row, writes it, and gives what the query then returns.</summary>
    protected async Task<string> WriteAsync(TableDescriptor table, string json, string query)
    {
        var block = new RowBlock();
        await EncodeAsync(table, json, block);
        await CopyAsync(table, block);
        return await Database.ScalarAsync<string>(query);
    }

    protected static RowRun Run(RowBlock block) => new(
        block.ShapeOf(0),
        block.Tuples(0, block.Count).ToArray(),
        [.. Enumerable.Range(0, block.Count).Select(row => block.Tuples(0, row + 1).Length)]);

    protected static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>The database as a role sees it that has only what is granted to it by
    /// <paramref name="grants"/>.</summary>
    protected async Task<NpgsqlDataSource> AsRoleAsync(string grants)
    {
        var role = $"role_{Guid.NewGuid():N}";
        roles.Add(role);
        await Database.ExecuteAsync(
            $"CREATE ROLE {role} LOGIN PASSWORD 'secret'; {grants.Replace("ROLE", role, StringComparison.Ordinal)}");
        var settings = new NpgsqlConnectionStringBuilder(Database.ConnectionString)
        {
            Username = role,
            Password = "secret",
        };
        return NpgsqlDataSource.Create(settings.ConnectionString);
    }
}
