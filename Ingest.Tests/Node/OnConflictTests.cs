using System.Text.Json;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>Rows that are there already, as callers meet them.</summary>
public sealed class OnConflictTests(OnConflictTests.Fixture fixture) : IClassFixture<OnConflictTests.Fixture>
{
    [Fact]
    public async Task Should_answer_200_with_the_row_that_is_there()
    {
        var first = await fixture.Node.PostAsync("users", """{"email":"a@b","name":"first"}""");
        var again = await fixture.Node.PostAsync("users", """{"email":"a@b","name":"again"}""");

        Assert.Equal((201, 200), (first.Status, again.Status));
        Assert.Equal(first.Body, again.Body);
        Assert.Equal("first", await fixture.Database.ScalarAsync<string>("SELECT name FROM users WHERE email = 'a@b'"));
        Assert.Equal("skip", await fixture.SettingOfAsync("users"));
    }

    [Fact]
    public async Task Should_describe_both_answers_with_200()
    {
        var json = await fixture.Node.Http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative));

        var content = JsonDocument.Parse(json).RootElement.GetProperty("paths").GetProperty("/v1/tables/users/rows")
            .GetProperty("post").GetProperty("responses").GetProperty("200").GetProperty("content");
        var schemas = content.GetProperty("application/json").GetProperty("schema").GetProperty("oneOf");

        Assert.Equal("uuid", schemas[0].GetProperty("properties").GetProperty("id").GetProperty("format").GetString());
        Assert.Equal("array", schemas[1].GetProperty("type").GetString());
        Assert.True(content.TryGetProperty("application/x-ndjson", out _));
        var read = Microsoft.OpenApi.OpenApiDocument.Parse(json, "json");
        Assert.Empty(read.Diagnostic!.Errors);
    }

    [Fact]
    public async Task Should_tell_line_by_line_which_rows_were_there()
    {
        await fixture.Node.PostAsync("users", """{"id":"00000000-0000-0000-0000-00000000000a","email":"c@d"}""");

        var answer = await fixture.Node.PostAsync(
            "users", "{\"email\":\"x@y\"}\n{\"email\":\"c@d\"}\n{\"email\":\"bad\"}\n", "application/x-ndjson");

        var lines = answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([201, 200, 422], lines.Take(3).Select(line => line.GetProperty("status").GetInt32()));
        Assert.Equal("00000000-0000-0000-0000-00000000000a", lines[1].GetProperty("id").GetString());
        Assert.Equal(2, lines[3].GetProperty("committed").GetInt32());
    }

    [Fact]
    public async Task Should_update_the_row_that_is_there()
    {
        await fixture.Node.PostAsync("devices", """{"id":1,"reading":1,"note":"kept"}""");

        var answer = await fixture.Node.PostAsync("devices", """{"id":1,"reading":2}""");

        Assert.Equal((201, """{"id":1}"""), (answer.Status, answer.Body));
        Assert.Equal(
            "2 kept", await fixture.Database.ScalarAsync<string>("SELECT reading || ' ' || note FROM devices"));
    }

    [Fact]
    public async Task Should_take_no_rows_while_the_setting_does_not_fit_and_serve_other_tables()
    {
        var refused = await fixture.Node.PostAsync("misfits", """{"id":1}""");
        var other = await fixture.Node.PostAsync("devices", """{"id":9,"reading":1}""");

        Assert.Equal((500, 201), (refused.Status, other.Status));
        Assert.Contains("/problems/table-misconfigured", refused.Body, StringComparison.Ordinal);
        Assert.Contains("no unique index is on just name", refused.Body, StringComparison.Ordinal);
        Assert.Equal(0L, await fixture.Database.ScalarAsync<long>("SELECT count(*) FROM misfits"));
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private readonly string config = Path.GetTempFileName();

        public TestDatabase Database { get; private set; } = null!;

        internal TestNode Node { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            await File.WriteAllTextAsync(config, """
                ingest.tables {
                  "users" { on-conflict { action = skip, columns = [email] } }
                  "devices" { on-conflict { action = update, update = [reading] } }
                  "misfits" { on-conflict { action = skip, columns = [name] } }
                }
                """);
            Database = await TestDatabase.CreateAsync();
            await Database.ExecuteAsync("""
                CREATE TABLE users (id uuid PRIMARY KEY, email text UNIQUE CHECK (email LIKE '%@%'), name text);
                CREATE TABLE devices (id int PRIMARY KEY, reading int, note text);
                CREATE TABLE misfits (id int PRIMARY KEY, name text);
                """);
            Node = await TestNode.StartAsync(Database.ConnectionString, ("INGEST_CONFIG", config));
        }

        public async Task<string?> SettingOfAsync(string table)
        {
            var json = await Node.Http.GetStringAsync(new Uri($"/v1/tables/{table}", UriKind.Relative));
            return JsonDocument.Parse(json).RootElement.GetProperty("onConflict").GetString();
        }

        public async Task DisposeAsync()
        {
            await Node.DisposeAsync();
            await Database.DisposeAsync();
            File.Delete(config);
        }
    }
}
