using Ingest.Node.Catalog;
using Ingest.Node.Cluster;
using Ingest.Node.Writing;
using Ingest.Tests.Postgres;
using Npgsql;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>What a database or its settings may be like.</summary>
public sealed class DatabaseTests
{
    [Fact]
    public async Task Should_tell_which_row_is_there_whatever_values_look_like_by_the_databases_settings()
    {
        await using var lanes = await LaneDatabase.CreateAsync(
            mayStage: true, onConflict: _ => new OnConflict(ConflictAction.Skip, [], []));
        await lanes.Database.ExecuteAsync(
            """
            DO $$ DECLARE setting text; BEGIN
                FOREACH setting IN ARRAY ARRAY[
                    'datestyle = ''SQL, DMY''', 'intervalstyle = ''sql_standard''', 'bytea_output = ''escape''',
                    'extra_float_digits = -15', 'standard_conforming_strings = off']
                LOOP EXECUTE format('ALTER DATABASE %I SET ', current_database()) || setting; END LOOP;
            END $$;
            CREATE TABLE dates (id date PRIMARY KEY);
            CREATE TABLE intervals (id interval PRIMARY KEY);
            CREATE TABLE bytes (id bytea PRIMARY KEY);
            CREATE TABLE floats (id float8 PRIMARY KEY);
            CREATE TABLE numbers (id bigserial PRIMARY KEY, v int);
            """);
        lanes.Disconnect();
        await lanes.RefreshAsync();
        (string Table, string Id)[] rows =
        [
            ("dates", "\"2024-12-31\""), ("intervals", "\"P-1DT2H\""), ("bytes", "\"AWH/\""),
            ("floats", "0.30000000000000004"),
        ];

        foreach (var (table, id) in rows)
        {
            var batch = lanes.BatchOf(table, [$$"""{"id":{{id}}}""", $$"""{"id":{{id}}}"""]);

            var written = Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, CancellationToken.None));

            Assert.Equal((table, id), (table, Assert.Single(written.Repeats).Id));
        }

        Assert.Equal(KeyGeneration.Sequence, lanes.Table("numbers").KeyGeneration);
    }

    [Fact]
    public async Task Should_refuse_a_database_that_cannot_hold_every_character()
    {
        await using var server = await TestDatabase.CreateAsync();
        var name = $"latin_{Guid.NewGuid():N}";
        await server.ExecuteAsync(
            $"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
        var settings = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = name };
        await using (var source = Database.CreateDataSource(settings.ConnectionString, TestWriting.Options))
        {
            var refusal = await Assert.ThrowsAsync<SettingsException>(
                () => Database.PrepareAsync(source, CancellationToken.None));

            Assert.Equal("The database's encoding must be UTF8, not LATIN1.", refusal.Message);
        }

        await server.ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");
    }
}
