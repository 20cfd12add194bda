using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Bad rows that keep coming are foreseen, and forgotten when they stop.</summary>
public sealed class SuspicionTests : IAsyncLifetime
{
    // A multiple of 20, so that the position of a row tells which it is, whatever came before.
    private const int BatchRows = 600;
    private const string Good = """{"v":1}""";
    private const string Raised = """{"v":2}""";
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
            CREATE TABLE reasons (v int, w int);
            CREATE FUNCTION refuse_for_reasons() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.v < 0 THEN RAISE 'v is %, too small', NEW.v; END IF;
                IF NEW.w > 1000 THEN RAISE 'w is %, too large', NEW.w; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse AFTER INSERT ON reasons FOR EACH ROW EXECUTE FUNCTION refuse_for_reasons();
            CREATE TABLE tangled (v int, w int);
            CREATE FUNCTION refuse_equal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.v = NEW.w THEN RAISE 'not equal'; END IF;
                IF NEW.v = -4 THEN RAISE 'not four' USING ERRCODE = 'insufficient_privilege'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON tangled FOR EACH ROW EXECUTE FUNCTION refuse_equal();
            CREATE TABLE owned (LIKE tangled);
            CREATE TRIGGER refuse BEFORE INSERT ON owned FOR EACH ROW EXECUTE FUNCTION refuse_equal();
            ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
            CREATE POLICY writing ON owned FOR INSERT WITH CHECK (v <> -3);
            CREATE TABLE accounted (v float8);
            CREATE TABLE closed AS SELECT n * 10.0 AS v FROM generate_series(0, 6) n;
            CREATE FUNCTION refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM closed WHERE v = NEW.v) THEN RAISE 'account % is closed', NEW.v; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON accounted FOR EACH ROW EXECUTE FUNCTION refuse_closed();
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
    public async Task Should_set_apart_rows_like_those_that_a_trigger_refuses_while_they_keep_coming()
    {
        var first = await WriteAsync("guarded", Raised);
        await WriteAsync("guarded", Raised);

        var foreseen = await WriteAsync("guarded", Raised);
        for (var batch = 0; batch < 8; batch++) await WriteAsync("guarded", Good);
        var forgotten = await WriteAsync("guarded", Good);

        // A COPY that fails, then the server's loop; a COPY and the loop for what is set apart; a COPY alone.
        Assert.Equal((2, BatchRows), (first.Stats.Attempts, first.Stats.Suspects));
        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        Assert.Equal((1, 0), (forgotten.Stats.Attempts, forgotten.Stats.Suspects));
        Assert.All([first, foreseen], written => AssertRefused(written, "P0001"));
    }

    [Fact]
    public async Task Should_tell_one_reason_of_a_trigger_from_another()
    {
        for (var batch = 0; batch < 2; batch++) await WriteAsync("reasons", Reason);

        var foreseen = await WriteAsync("reasons", Reason);

        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        AssertRefused(foreseen, "P0001");

        static string Reason(int row) => (row % 20, row % 40) switch
        {
            (0, 0) => $$"""{"v":{{-row}},"w":1}""",
            (0, _) => $$"""{"v":1,"w":{{1_000 + row}}}""",
            _ => $$"""{"v":{{row}},"w":{{row}}}""",
        };
    }

    [Fact]
    public async Task Should_try_rows_on_the_server_at_once_while_no_column_tells_which_are_refused()
    {
        var first = await WriteAsync("tangled", Tangled);
        await WriteAsync("tangled", Tangled);

        var foreseen = await WriteAsync("tangled", Tangled);

        // A COPY that fails, then the server's loop; the loop alone.
        Assert.Equal((2, BatchRows), (first.Stats.Attempts, first.Stats.Suspects));
        Assert.Equal((1, BatchRows), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        Assert.All([first, foreseen], written => AssertRefused(written, "P0001"));
    }

    [Fact]
    public async Task Should_forget_what_refused_rows_had_in_common_once_it_holds_for_good_rows()
    {
        for (var batch = 0; batch < 3; batch++) await WriteAsync("guarded", Raised);

        // It was taken for more than 1.
        var misled = await WriteAsync("guarded", row => $$"""{"v":{{(row % 20 == 0 ? 2 : row + 2)}}}""");
        var mended = await WriteAsync("guarded", row => $$"""{"v":{{(row % 20 == 0 ? 2 : row + 2)}}}""");
        for (var batch = 0; batch < 2; batch++)
            mended = await WriteAsync("guarded", row => $$"""{"v":{{(row % 20 == 0 ? 2 : row + 2)}}}""");

        Assert.Equal((1, BatchRows), (misled.Stats.Attempts, misled.Stats.Suspects));
        Assert.Equal((2, BatchRows / 20), (mended.Stats.Attempts, mended.Stats.Suspects));
        Assert.All([misled, mended], written => AssertRefused(written, "P0001"));
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
    public async Task Should_set_apart_the_values_that_a_trigger_refuses_for_what_another_table_says()
    {
        for (var batch = 0; batch < 2; batch++) await WriteAsync("accounted", Account);

        var foreseen = await WriteAsync("accounted", Account);

        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        AssertRefused(foreseen, "P0001");

        // 7 closed ones among 300 others.
        static string Account(int row) => $$"""{"v":{{(row % 20 == 0 ? row / 20 % 7 * 10 : (row % 300) + 0.5)}}}""";
    }

    [Fact]
    public async Task Should_learn_what_refused_rows_have_in_common_where_looking_up_is_not_permitted()
    {
        await using var unreadable = await LaneDatabase.CreateAsync(mayStage: true, mayRead: false, mostRowsAtOnce: 0);
        await unreadable.Database.ExecuteAsync(
            """
            CREATE TABLE parent (v int PRIMARY KEY);
            INSERT INTO parent VALUES (1);
            CREATE TABLE child (v int REFERENCES parent);
            """);
        await unreadable.RefreshAsync();
        for (var batch = 0; batch < 2; batch++) await WriteAsync("child", Child, unreadable);

        var foreseen = await WriteAsync("child", Child, unreadable);

        Assert.Equal((2, BatchRows / 20), (foreseen.Stats.Attempts, foreseen.Stats.Suspects));
        AssertRefused(foreseen, "23503");

        static string Child(int row) => row % 20 == 0 ? $$"""{"v":{{-row}}}""" : Good;
    }

    [Fact]
    public async Task Should_tell_a_policy_from_a_trigger_while_all_rows_are_tried()
    {
        for (var batch = 0; batch < 3; batch++) await WriteAsync("owned", Tangled);

        var written = await WriteAsync("owned", Forbidden);

        AssertRefused(written, "42501");
        Assert.Equal(1, written.Stats.Attempts);
        Assert.All(written.Rejections, row => Assert.Equal(
            row.Position % 40 == 0
                ? "The row violates the table's row level security policy."
                : "The service's role lacks a privilege that the row needs.",
            row.Rejection.Message));

        static string Forbidden(int row) => (row % 20, row % 40) switch
        {
            (0, 0) => $$"""{"v":-3,"w":{{row}}}""",
            (0, _) => $$"""{"v":-4,"w":{{row}}}""",
            _ => Tangled(row),
        };
    }

    /// <summary>No column alone tells the bad rows.</summary>
    private static string Tangled(int row) =>
        $$"""{"v":{{row}},"w":{{(row % 20 == 0 ? row : BatchRows - row)}}}""";

    private static void AssertRefused(Written written, string sqlState)
    {
        Assert.Equal(BatchRows / 20, written.Rejections.Length);
        Assert.All(
            written.Rejections,
            row => Assert.Equal((sqlState, 0L), (row.Rejection.SqlState, row.Position % 20)));
    }

    /// <summary>Writes a batch of good rows of which each twentieth is another one.</summary>
    private Task<Written> WriteAsync(string table, string twentieth) =>
        WriteAsync(table, row => row % 20 == 0 ? twentieth : Good);

    private async Task<Written> WriteAsync(string table, Func<int, string> each, LaneDatabase? other = null)
    {
        var into = other ?? database;
        var rows = Enumerable.Range(1, BatchRows).Select(each);
        return Assert.IsType<Written>(
            await into.Store.WriteAsync(into.BatchOf(table, [.. rows]), CancellationToken.None));
    }
}
