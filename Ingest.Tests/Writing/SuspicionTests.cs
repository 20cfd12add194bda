using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Bad rows that keep coming are foreseen, and forgotten when they stop.</summary>
public sealed class SuspicionTests : IAsyncLifetime
{
    // A multiple of 20, so that the position of a row tells which it is, whatever came before.
    private const int BatchRows = 600;
    private const string Good = """{"v":1}""";
    private const string Raised = """{"v":2}""";
    private const string Forbidden = """{"v":3}""";
    private const string Small = """{"v":-1}""";

    private LaneDatabase database = null!;

    public async Task InitializeAsync()
    {
        // Batches of this size are to go by COPY.
        database = await LaneDatabase.CreateAsync(mayStage: true, mostRowsAtOnce: 0);
        await database.Database.ExecuteAsync(
            """
            CREATE TABLE guarded (v int CHECK (v > 0));
            CREATE FUNCTION refuse_two() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.v = 2 THEN RAISE 'not two'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION refuse_two();
            CREATE TABLE owned (LIKE guarded);
            CREATE TRIGGER refuse BEFORE INSERT ON owned FOR EACH ROW EXECUTE FUNCTION refuse_two();
            ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
            CREATE POLICY writing ON owned FOR INSERT WITH CHECK (v <> 3);
            CREATE DOMAIN positive AS int CHECK (VALUE > 0);
            CREATE TABLE narrow (v positive);
            CREATE TABLE parted (v int) PARTITION BY LIST (v);
            CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
            CREATE TABLE apart (v int, EXCLUDE USING btree (v WITH =) WHERE (v < 0));
            INSERT INTO apart VALUES (-1);
            CREATE TABLE once (v int);
            CREATE UNIQUE INDEX ON once (v) WHERE v < 0;
            INSERT INTO once VALUES (-1);
            """);
        await database.RefreshAsync();
    }

    public async Task DisposeAsync() => await database.DisposeAsync();

    [Fact]
    public async Task Should_try_rows_on_the_server_at_once_while_a_trigger_refuses_many()
    {
        var first = await WriteAsync("guarded", Raised);
        await WriteAsync("guarded", Raised);

        var foreseen = await WriteAsync("guarded", Raised);
        for (var batch = 0; batch < 8; batch++) await WriteAsync("guarded", Good);
        var forgotten = await WriteAsync("guarded", Good);

        // A COPY that fails, then the server's loop; the loop alone; a COPY alone.
        Assert.Equal((2, BatchRows), (first.Stats.Attempts, first.Stats.Suspects));
        Assert.Equal((1, BatchRows), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        Assert.Equal((1, 0), (forgotten.Stats.Attempts, forgotten.Stats.Suspects));
        Assert.All([first, foreseen], written => AssertRefused(written, "P0001"));
    }

    [Fact]
    public async Task Should_set_apart_what_a_check_refuses_while_it_keeps_coming()
    {
        var first = await WriteAsync("guarded", Small);
        await WriteAsync("guarded", Small);

        var foreseen = await WriteAsync("guarded", Small);

        Assert.Equal((3, BatchRows / 20), (first.Stats.Attempts, first.Stats.Suspects));
        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        Assert.All([first, foreseen], written => AssertRefused(written, "23514"));
    }

    [Theory]
    [InlineData("narrow", "23514")]
    [InlineData("parted", "23514")]
    [InlineData("apart", "23P01")]
    [InlineData("once", "23505")]
    public async Task Should_set_apart_whatever_can_be_looked_up(string table, string sqlState)
    {
        for (var batch = 0; batch < 2; batch++) await WriteAsync(table, Small);

        var foreseen = await WriteAsync(table, Small);

        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        AssertRefused(foreseen, sqlState);
    }

    [Fact]
    public async Task Should_learn_of_a_policy_while_a_trigger_refuses_many()
    {
        for (var batch = 0; batch < 3; batch++) await WriteAsync("owned", Raised);

        var surprised = await WriteAsync("owned", Forbidden);
        var foreseen = await WriteAsync("owned", Forbidden);

        Assert.All([surprised, foreseen], written => AssertRefused(written, "42501"));
        Assert.Equal((3, 1), (surprised.Stats.Attempts, foreseen.Stats.Attempts));
    }

    private static void AssertRefused(Written written, string sqlState)
    {
        Assert.Equal(BatchRows / 20, written.Rejections.Length);
        Assert.All(
            written.Rejections,
            row => Assert.Equal((sqlState, 0L), (row.Rejection.SqlState, row.Position % 20)));
    }

    /// <summary>Writes a batch of good rows of which each twentieth is another one.</summary>
    private async Task<Written> WriteAsync(string table, string twentieth)
    {
        var rows = Enumerable.Range(1, BatchRows).Select(row => row % 20 == 0 ? twentieth : Good);
        return Assert.IsType<Written>(
            await database.Store.WriteAsync(database.BatchOf(table, [.. rows]), CancellationToken.None));
    }
}
