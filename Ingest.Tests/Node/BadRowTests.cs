using System.Text.Json;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>A row that is refused is refused alone, and told why.</summary>
public sealed class BadRowTests(BadRowTests.Fixture fixture) : IClassFixture<BadRowTests.Fixture>
{
    private const int Rows = 1_000;

    /// <summary>By line, counted from 1: a bad row, its status, and the constraint or column to be named.</summary>
    private static readonly Dictionary<int, (string Row, int Status, string? Constraint, string? Column)> Bad = new()
    {
        [10] = ("""{"id":1,"code":"again","amount":1}""", 409, "orders_pkey", null),
        [11] = ("""{"id":2000,"code":"c5","amount":1}""", 409, "orders_code_key", null),
        [200] = ("""{"id":2001,"code":"x1","amount":-1}""", 422, "orders_amount_check", null),
        [201] = ("""{"id":2002,"code":"x2","amount":-1}""", 422, "orders_amount_check", null),
        [400] = ("""{"id":2003,"code":"x3","amount":1,"customer":99}""", 422, "orders_customer_fkey", null),
        [555] = ("""{"id":2004,"code":"x4","amount":1,"customer":98}""", 422, "orders_customer_fkey", null),
        [600] = ("""{"id":2005,"code":"x5","amount":"much"}""", 400, null, "amount"),
        [700] = ("""{"id":2006,"code":"x6","amount":1,"colour":"red"}""", 400, null, "colour"),
        [800] = ("""{"id":2007,"code":"forbidden","amount":1}""", 422, null, null),
        [1000] = ("""{"id":2008,"code":null,"amount":1}""", 400, null, "code"),
    };

    private TestDatabase Database => fixture.Database;

    [Fact]
    public async Task Should_give_each_bad_row_its_own_verdict_and_commit_all_others()
    {
        var lines = Enumerable.Range(1, Rows).Select(line => Bad.TryGetValue(line, out var bad)
            ? bad.Row
            : $$"""{"id":{{line}},"code":"c{{line}}","amount":1,"customer":1}""");

        var answer = await fixture.Node.PostAsync("orders", string.Join('\n', lines), "application/x-ndjson");

        Assert.Equal(Rows + 1, answer.Lines.Count);
        foreach (var verdict in answer.Lines.Take(Rows)) AssertVerdict(verdict);
        Assert.Equal((Rows - Bad.Count, Bad.Count), (
            answer.Lines[^1].GetProperty("committed").GetInt32(), answer.Lines[^1].GetProperty("rejected").GetInt32()));
        Assert.Equal(Rows - Bad.Count, await Database.ScalarAsync<long>("SELECT count(*) FROM orders"));
        var account = await fixture.Node.AccountAsync("orders");
        Assert.Equal((Rows, Rows - Bad.Count, Bad.Count, 0, 0), (
            account.GetProperty("received").GetInt32(), account.GetProperty("committed").GetInt32(),
            account.GetProperty("rejected").GetInt32(), account.GetProperty("notWritten").GetInt32(),
            account.GetProperty("pending").GetInt32()));
    }

    [Fact]
    public async Task Should_refuse_every_row_where_every_row_is_bad_and_go_on()
    {
        var body = string.Join('\n', Enumerable.Range(1, 300).Select(line => $$"""{"id":{{line}},"v":-1}"""));

        var bad = await fixture.Node.PostAsync("checked", body, "application/x-ndjson");
        var good = await fixture.Node.PostAsync("checked", """{"id":1,"v":1}""");

        Assert.Equal(300, bad.Lines[^1].GetProperty("rejected").GetInt32());
        Assert.All(bad.Lines.Take(300), line => Assert.Equal(422, line.GetProperty("status").GetInt32()));
        Assert.Equal(201, good.Status);
    }

    [Fact]
    public async Task Should_take_one_of_many_concurrent_rows_with_the_same_key()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 50)
            .Select(number => fixture.Node.PostAsync("contended", $$"""{"id":1,"v":{{number}}}""")));

        Assert.Equal(1, answers.Count(answer => answer.Status == 201));
        Assert.Equal(49, answers.Count(answer => answer.Status == 409));
    }

    [Fact]
    public async Task Should_refuse_what_the_policy_of_row_level_security_forbids()
    {
        var role = $"role_{Guid.NewGuid():N}";
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(
            $"""
            CREATE ROLE {role} LOGIN PASSWORD 'secret';
            GRANT CREATE ON DATABASE {new NpgsqlConnectionStringBuilder(database.ConnectionString).Database}
                TO {role};
            CREATE TABLE mine(id int PRIMARY KEY, owner text);
            ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON mine FOR INSERT WITH CHECK (owner = current_user);
            GRANT INSERT, SELECT ON mine TO {role};
            """);
        try
        {
            await using var node = await TestNode.StartAsync(
                new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role, Password = "secret" }
                    .ConnectionString);

            var answer = await node.PostAsync(
                "mine", $$"""[{"id":1,"owner":"{{role}}"},{"id":2,"owner":"other"},{"id":3,"owner":"{{role}}"}]""");

            Assert.Equal([201, 403, 201], answer.Json.EnumerateArray()
                .Where(line => line.TryGetProperty("status", out _))
                .Select(line => line.GetProperty("status").GetInt32()));
            Assert.Equal("1,3", await database.ScalarAsync<string>(
                "SELECT string_agg(id::text, ',' ORDER BY id) FROM mine"));
        }
        finally
        {
            await database.ExecuteAsync($"DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        }
    }

    private static void AssertVerdict(JsonElement verdict)
    {
        var line = verdict.GetProperty("line").GetInt32();
        var status = verdict.GetProperty("status").GetInt32();
        if (!Bad.TryGetValue(line, out var bad))
        {
            Assert.True(status == 201, $"{verdict}");
            return;
        }

        Assert.True(status == bad.Status, $"{verdict}");
        var error = verdict.GetProperty("error");
        if (bad.Constraint is not null) Assert.Equal(bad.Constraint, error.GetProperty("constraint").GetString());
        if (bad.Column is not null)
            Assert.True(error.GetProperty("errors").TryGetProperty(bad.Column, out _), $"{error}");
    }

    public sealed class Fixture() : NodeFixture(
        """
        CREATE TABLE customers(id int PRIMARY KEY);
        INSERT INTO customers VALUES (1);
        CREATE TABLE orders(
            id int PRIMARY KEY, code text NOT NULL UNIQUE, amount int CHECK (amount > 0),
            customer int REFERENCES customers);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.code = 'forbidden' THEN RAISE 'This code is not to be used.'; END IF; RETURN NULL; END $$;
        CREATE TRIGGER refuse AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE TABLE checked(id int PRIMARY KEY, v int CHECK (v > 0));
        CREATE TABLE contended(id int PRIMARY KEY, v int);
        """);
}
