using System.Collections.Immutable;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Writing;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Writing;

/// <summary>Small batches, which try one round trip first.</summary>
public sealed class SmallBatchOnConflictTests() : OnConflictTests(SingleTrip.MostRows);

/// <summary>Large batches.</summary>
public sealed class LargeBatchOnConflictTests() : OnConflictTests(mostRowsAtOnce: 0);

/// <summary>The setting on-conflict on the real database: rows whose like is in the table.</summary>
public abstract class OnConflictTests(int mostRowsAtOnce) : IAsyncLifetime
{
    // By table, so that one database serves all tests of a class.
    private static readonly Dictionary<string, OnConflict> Settings = new()
    {
        ["skips"] = new(ConflictAction.Skip, [], []),
        ["mails"] = new(ConflictAction.Skip, ["tenant", "the \"e\"; mail"], []),
        ["lists"] = new(ConflictAction.Skip, [], []),
        ["updates"] = new(ConflictAction.Update, [], ["v", "w"]),
        ["people"] = new(ConflictAction.Update, ["mail"], ["name"]),
        ["loose"] = new(ConflictAction.Skip, ["v"], []),
        ["wrong"] = new(ConflictAction.Update, [], ["nothing"]),
        ["partial"] = new(ConflictAction.Skip, ["v"], []),
        ["odd"] = new(ConflictAction.Update, [], ["block"]),
        ["blind"] = new(ConflictAction.Skip, ["mail"], []),
        ["hidden"] = new(ConflictAction.Skip, [], []),
        ["tangled"] = new(ConflictAction.Update, [], ["v"]),
    };

    private LaneDatabase lanes = null!;

    public async Task InitializeAsync()
    {
        lanes = await LaneDatabase.CreateAsync(
            mayStage: true,
            onConflict: table => Settings.GetValueOrDefault(table, OnConflict.Fail),
            mostRowsAtOnce: mostRowsAtOnce);
        await lanes.Database.ExecuteAsync("""
            CREATE TABLE skips (id int PRIMARY KEY, v text CHECK (v <> 'bad'), w text DEFAULT 'none');
            CREATE TABLE mails (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, tenant int NOT NULL DEFAULT 1,
                "the ""e""; mail" varchar(20), UNIQUE (tenant, "the ""e""; mail"));
            CREATE TABLE lists (id timestamptz(0) PRIMARY KEY, v int[]);
            CREATE TABLE updates (id int PRIMARY KEY, v int CHECK (v < 1000), w text DEFAULT 'none', kept text);
            CREATE TABLE people (id uuid PRIMARY KEY, mail text UNIQUE, name text);
            CREATE TABLE loose (id int PRIMARY KEY, v int);
            CREATE TABLE wrong (id int PRIMARY KEY, v int);
            CREATE TABLE partial (id int PRIMARY KEY, v int);
            CREATE UNIQUE INDEX ON partial (v) WHERE id > 0;
            CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
            CREATE TABLE blind (id int PRIMARY KEY, mail text COLLATE blind UNIQUE);
            CREATE TABLE hidden (id int PRIMARY KEY, tenant int);
            INSERT INTO hidden VALUES (1, 2);
            ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON hidden USING (tenant = 1);
            CREATE TABLE tangled (id int PRIMARY KEY, v int, w int);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.v = -7 THEN RAISE 'no' USING ERRCODE = 'insufficient_privilege'; END IF;
                IF NEW.v < 0 OR NEW.v = NEW.w THEN RAISE 'no'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON tangled FOR EACH ROW EXECUTE FUNCTION refuse();
            CREATE TABLE odd (first int PRIMARY KEY, block int CHECK (block > 0), this int, sqlstate int, violated int);
            GRANT UPDATE ON ALL TABLES IN SCHEMA public TO PUBLIC;
            """);
        await lanes.RefreshAsync();
    }

    public async Task DisposeAsync() => await lanes.DisposeAsync();

    [Fact]
    public async Task Should_answer_the_row_that_is_there_and_write_the_others()
    {
        await WriteAsync("skips", """{"id":1,"v":"first"}""");

        var written = await WriteAsync(
            "skips",
            """{"id":2,"v":"a"}""", """{"id":1,"v":"again"}""", """{"id":2,"v":"b","w":"x"}""", """{"id":3}""");

        Assert.Equal([(3L, "1"), (4L, "2")], Repeats(written));
        Assert.Empty(written.Rejections);
        Assert.Equal("1 first,2 a,3 ", await ListAsync("skips"));
    }

    [Fact]
    public async Task Should_reject_bad_rows_beside_those_that_are_skipped()
    {
        await WriteAsync("skips", """{"id":1,"v":"first"}""");

        var written = await WriteAsync(
            "skips",
            [.. Enumerable.Range(0, 40).Select(
                row => $$"""{"id":{{row / 2}},"v":"{{(row % 10 == 9 ? "bad" : "good")}}"}""")]);

        // Of each pair of rows the second is the first's like, or, where it is bad, refused as any row would be.
        Assert.Equal([11L, 21L, 31L, 41L], written.Rejections.Select(row => row.Position).Order());
        Assert.Equal(17, written.Repeats.Length);
        Assert.Equal(20L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM skips"));
    }

    [Fact]
    public async Task Should_take_rows_for_alike_that_the_columns_collation_takes_for_alike()
    {
        var written = await WriteAsync(
            "blind", """{"id":1,"mail":"bob@x"}""", """{"id":2,"mail":"BOB@x"}""", """{"id":3,"mail":"eve@x"}""");

        Assert.Equal([(2L, "1")], Repeats(written));
        Assert.Equal(2L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM blind"));
    }

    [Theory]
    [InlineData("v", "-1")]
    [InlineData("list", "[-1]")] // As soon as PostgreSQL reads the statement's values.
    public async Task Should_go_on_on_a_connection_on_which_a_value_was_refused(string column, string bad)
    {
        await using var plain = await LaneDatabase.CreateAsync(
            mayStage: false, onConflict: _ => Settings["skips"], mostRowsAtOnce: mostRowsAtOnce);
        await plain.Database.ExecuteAsync("""
            CREATE DOMAIN positive AS int CHECK (VALUE > 0);
            CREATE DOMAIN positives AS int[] CHECK (0 < ALL (VALUE));
            CREATE TABLE picky (id int PRIMARY KEY, v positive, list positives);
            """);
        await plain.RefreshAsync();
        for (var turn = 0; turn < 4; turn++)
        {
            var first = 40 * turn;
            var written = await WriteAsync([.. Enumerable.Range(0, 40).Select(row =>
                $$"""{"id":{{first + row}},"{{column}}":{{(row % 20 == 7 ? bad : "null")}}}""")]);
            var again = await WriteAsync($$"""{"id":{{first}},"{{column}}":null}""");

            Assert.Equal(
                Enumerable.Repeat(("23514", column), 2),
                written.Rejections.Select(row => (row.Rejection.SqlState, row.Rejection.Column!)));
            Assert.Equal($"{first}", Assert.Single(again.Repeats).Id);
        }

        Assert.Equal(4 * 38L, await plain.Database.ScalarAsync<long>("SELECT count(*) FROM picky"));

        async Task<Written> WriteAsync(params string[] rows) =>
            Assert.IsType<Written>(await plain.Store.WriteAsync(plain.BatchOf("picky", rows), default));
    }

    [Fact]
    public async Task Should_name_no_row_that_a_policy_hides()
    {
        var written = await WriteAsync("hidden", """{"id":1,"tenant":1}""", """{"id":5,"tenant":1}""");

        Assert.Equal([(1L, "null")], Repeats(written));
        Assert.Equal(2L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM hidden"));
    }

    [Fact]
    public async Task Should_refuse_one_row_where_a_trigger_says_what_is_said_of_tables_otherwise()
    {
        var written = await WriteAsync("tangled", """{"id":1,"v":1}""", """{"id":2,"v":-7}""", """{"id":3,"v":3}""");

        Assert.Equal([(2L, "42501")], written.Rejections.Select(row => (row.Position, row.Rejection.SqlState)));
        Assert.Equal(2L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM tangled"));
    }

    [Theory]
    [InlineData("skips", "bad")]
    [InlineData("updates", "1000")]
    public async Task Should_find_many_bad_rows_in_few_attempts(string table, string bad)
    {
        const int count = 1_200;
        await WriteAsync(table, """{"id":7,"v":"7"}""", """{"id":8,"v":"8"}""");
        // Three rows for each id, of two shapes; each twentieth is bad.
        var rows = Enumerable.Range(0, count)
            .Select(row => (Id: row % 400, Value: row % 20 == 9 ? bad : $"{row % 1_000}", IsBad: row % 20 == 9))
            .ToArray();

        var written = await WriteAsync(table, [.. rows.Select((row, number) =>
            $$"""{"id":{{row.Id}},"v":"{{row.Value}}"{{(number % 3 == 0 ? ",\"w\":\"x\"" : "")}}}""")]);

        Assert.Equal(
            Enumerable.Range(0, count).Where(row => rows[row].IsBad).Select(row => row + 3L),
            written.Rejections.Select(row => row.Position).Order());
        Assert.All(written.Rejections, row => Assert.Equal("23514", row.Rejection.SqlState));
        var good = rows.Where(row => !row.IsBad).ToLookup(row => row.Id, row => row.Value);
        var there = good.Select(group => (Id: group.Key, Value: table == "updates" ? group.Last()
            : group.Key is 7 or 8 ? $"{group.Key}" : group.First()));
        Assert.Equal(
            string.Join(',', there.OrderBy(row => row.Id).Select(row => $"{row.Id} {row.Value}")),
            await lanes.Database.ScalarAsync<string>(
                $"SELECT string_agg(id || ' ' || v, ',' ORDER BY id) FROM {table}"));
        // As a whole; the suspects, which is taken back; without those of them that were refused.
        Assert.Equal((3, count / 20), (written.Stats.Attempts, written.Stats.Suspects));
    }

    [Theory]
    [InlineData(true, 2, 60)] // The suspects, without those that were refused.
    [InlineData(false, 2, 1_200)] // All, since nothing tells which are suspect; without those that were refused.
    public async Task Should_foresee_bad_rows_that_keep_coming(bool isTold, int attempts, int suspects)
    {
        var written = await WriteAsync("tangled", Rows(0));
        for (var batch = 1; batch < 3; batch++) written = await WriteAsync("tangled", Rows(batch));

        Assert.Equal(60, written.Rejections.Length);
        Assert.All(written.Rejections, row => Assert.Equal(0, row.Position % 20));
        Assert.Equal((attempts, suspects), (written.Stats.Attempts, written.Stats.Suspects));
        // Each batch has each id twice, and the last one wins where it is not bad.
        Assert.Equal(1_800L, await lanes.Database.ScalarAsync<long>(
            "SELECT count(*) FROM tangled WHERE v = CASE WHEN id % 10 = 0 THEN 1 ELSE 2 END"));

        string[] Rows(int batch) =>
            [.. Enumerable.Range(1, 1_200).Select(row => Row((batch * 600) + ((row + 1) / 2), row))];

        string Row(int id, int row) => (row % 20, row % 2) switch
        {
            (0, _) => $$"""{"id":{{id}},"v":{{(isTold ? -row : 2)}},"w":2}""",
            (_, 0) => $$"""{"id":{{id}},"v":2,"w":1}""",
            _ => $$"""{"id":{{id}},"v":1,"w":2}""",
        };
    }

    [Fact]
    public async Task Should_find_bad_rows_whatever_the_names_of_columns()
    {
        const int count = 600;
        var written = await WriteAsync("odd", [.. Enumerable.Range(1, count).Select(row =>
            $$"""{"first":{{row}},"block":{{(row % 20 == 0 ? 0 : 1)}},"this":1,"sqlstate":2,"violated":3}""")]);

        Assert.All(written.Rejections, row => Assert.Equal("odd_block_check", row.Rejection.Constraint));
        Assert.Equal(
            Enumerable.Range(1, count).Where(row => row % 20 == 0),
            written.Rejections.Select(row => (int)row.Position).Order());
        Assert.Equal((3, count / 20), (written.Stats.Attempts, written.Stats.Suspects));
    }

    [Fact]
    public async Task Should_answer_with_the_key_of_the_row_that_is_alike_in_other_columns()
    {
        const string mail = "the \\\"e\\\"; mail";
        var first = await WriteAsync("mails", $$"""{"tenant":1,"{{mail}}":"a"}""", $$"""{"tenant":2,"{{mail}}":"a"}""");
        Assert.Empty(first.Repeats);

        var written = await WriteAsync(
            "mails",
            $$"""{"tenant":2,"{{mail}}":"a"}""",
            $$"""{"tenant":2,"{{mail}}":null}""",
            $$"""{"tenant":2,"{{mail}}":null}""");

        var id = await lanes.Database.ScalarAsync<Guid>("SELECT id FROM mails WHERE tenant = 2 ORDER BY id LIMIT 1");
        Assert.Equal([(3L, $"\"{id}\"")], Repeats(written));
        Assert.Equal(4L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM mails"));
    }

    [Fact]
    public async Task Should_refuse_a_row_that_leaves_out_what_would_make_it_alike()
    {
        await WriteAsync("mails", """{"tenant":1,"the \"e\"; mail":"a"}""");

        var written = await WriteAsync("mails", """{"the \"e\"; mail":"a"}""", """{"the \"e\"; mail":"b"}""");

        Assert.Equal("23505", Assert.Single(written.Rejections).Rejection.SqlState);
        Assert.Equal(2L, await lanes.Database.ScalarAsync<long>("SELECT count(*) FROM mails"));
    }

    [Fact]
    public async Task Should_skip_rows_that_only_copy_can_carry_as_the_table_has_them()
    {
        await WriteAsync("lists", """{"id":"2024-01-01T00:00:00.4Z","v":[1]}""");

        var written = await WriteAsync(
            "lists", """{"id":"2024-01-01T00:00:00Z","v":[2]}""", """{"id":"2024-01-02T00:00:00Z","v":[3]}""");

        Assert.Equal([(2L, "\"2024-01-01T00:00:00Z\"")], Repeats(written));
        Assert.Equal("{1},{3}", await lanes.Database.ScalarAsync<string>(
            "SELECT string_agg(v::text, ',' ORDER BY id) FROM lists"));
    }

    [Fact]
    public async Task Should_update_the_named_columns_and_let_the_last_of_a_batch_win()
    {
        await WriteAsync("updates", """{"id":1,"v":1,"w":"w","kept":"k"}""");

        var written = await WriteAsync(
            "updates",
            """{"id":1,"v":2,"kept":"lost"}""", """{"id":2,"v":1}""", """{"id":2,"v":2,"w":"x"}""",
            """{"id":2,"v":3}""",
            """{"id":3,"v":5000}""");

        Assert.Empty(written.Repeats);
        Assert.Equal([6L], written.Rejections.Select(row => row.Position));
        Assert.Equal("1 2 none k,2 3 none ", await lanes.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', id, v, w, coalesce(kept, '')), ',' ORDER BY id) FROM updates"));
    }

    [Fact]
    public async Task Should_answer_an_update_with_the_key_that_the_row_keeps()
    {
        await WriteAsync("people", """{"id":"00000000-0000-0000-0000-000000000001","mail":"a","name":"A"}""");

        var written = await WriteAsync(
            "people", """{"mail":"a","name":"B"}""", """{"mail":null,"name":"C"}""", """{"mail":null,"name":"D"}""");

        Assert.Equal([(2L, "\"00000000-0000-0000-0000-000000000001\"")], Repeats(written));
        Assert.Equal("B,C,D", await lanes.Database.ScalarAsync<string>(
            "SELECT string_agg(name, ',' ORDER BY name) FROM people"));
    }

    [Fact]
    public async Task Should_tell_the_same_to_whoever_asks_again()
    {
        await WriteAsync("people", """{"id":"00000000-0000-0000-0000-000000000001","mail":"a","name":"A"}""");
        var key = new RowKey(0, "k1", Guid.NewGuid());
        var batch = lanes.BatchOf("people", ["""{"mail":"a","name":"B"}"""], keys: [key]);
        var first = Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, default));

        var again = Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, default));
        var resolved = Assert.IsType<Written>(await lanes.Store.ResolveAsync(batch, default));
        var byKey = Assert.IsType<Written>(await lanes.Store.WriteAsync(
            lanes.BatchOf("people", ["""{"mail":"a","name":"B"}"""], number: 1, keys: [key]), default));

        const string id = "\"00000000-0000-0000-0000-000000000001\"";
        Assert.Equal([id, id, id, id], new[] { first, again, resolved, byKey }.Select(one => one.Repeats.Single().Id));
    }

    [Theory]
    [InlineData("skips")]
    [InlineData("updates")]
    public async Task Should_write_the_same_rows_from_many_lanes_side_by_side(string table)
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async lane =>
        {
            var random = new Random(lane);
            for (var round = 0; round < 10; round++)
            {
                var batch = lanes.BatchOf(
                    table, [.. Enumerable.Range(0, 200).Select(_ => $$"""{"id":{{random.Next(300)}}}""")], lane);
                Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, default));
            }
        }));

        Assert.Equal(300L, await lanes.Database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(0L, await lanes.Database.ScalarAsync<long>(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"));
    }

    [Theory]
    [InlineData("loose")]
    [InlineData("wrong")]
    [InlineData("partial")]
    public async Task Should_refuse_all_rows_while_the_setting_does_not_fit(string table)
    {
        var rejection = Assert.Single((await WriteAsync(table, """{"id":1,"v":1}""")).Rejections);

        Assert.Equal("42P10", rejection.Rejection.SqlState);
        Assert.Equal(0L, await lanes.Database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
    }

    [Fact]
    public async Task Should_refuse_rows_that_were_under_way_when_the_index_went()
    {
        await WriteAsync("people", """{"mail":"a","name":"A"}""");
        var batch = lanes.BatchOf("people", ["""{"mail":"a","name":"B"}"""]);
        await lanes.Database.ExecuteAsync("ALTER TABLE people DROP CONSTRAINT people_mail_key");
        await lanes.RefreshAsync();

        var written = Assert.IsType<Written>(await lanes.Store.WriteAsync(batch, default));

        Assert.Equal("42P10", Assert.Single(written.Rejections).Rejection.SqlState);
    }

    private async Task<Written> WriteAsync(string table, params string[] rows) =>
        Assert.IsType<Written>(await lanes.Store.WriteAsync(lanes.BatchOf(table, rows), default));

    private Task<string> ListAsync(string table) => lanes.Database.ScalarAsync<string>(
        $"SELECT string_agg(id || ' ' || coalesce(v, ''), ',' ORDER BY id) FROM {table}");

    private static IEnumerable<(long, string)> Repeats(Written written) =>
        written.Repeats.OrderBy(row => row.Position).Select(row => (row.Position, row.Id));
}
