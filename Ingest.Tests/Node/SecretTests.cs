using System.Text;
using Ingest.Node;
using Ingest.Tests.Postgres;
using Npgsql;

namespace Ingest.Tests.Node;

/// <summary>What nobody may read, looked for in all that a node prints and answers.</summary>
public sealed class SecretTests
{
    private readonly string role = $"secret_{Guid.NewGuid():N}";
    private readonly string password = $"pass;word'{Guid.NewGuid():N}";

    [Fact]
    public async Task Should_tell_no_secret_in_logs_answers_and_figures_whatever_goes_wrong()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync($"""
            CREATE ROLE {role} LOGIN PASSWORD '{password.Replace("'", "''")}';
            CREATE SCHEMA ingest AUTHORIZATION {role};
            CREATE TABLE clicks(id uuid PRIMARY KEY, url text CHECK (url <> 'refused'));
            GRANT INSERT ON clicks TO {role};
            """);
        try
        {
            await RunAsync(database);
        }
        finally
        {
            await database.ExecuteAsync($"DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        }
    }

    private async Task RunAsync(TestDatabase database)
    {
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Username = role, Password = password,
        }.ConnectionString;
        using var issuer = new TokenIssuer();
        await using var node = await NodeProcess.StartAsync(
            ("INGEST_POSTGRES", connection),
            ("INGEST_JOURNAL", connection),
            ("INGEST_API_KEYS", "on"),
            ("INGEST_API_KEYS_REFRESH", "1s"),
            ("INGEST_JWT_ISSUER", TokenIssuer.Name),
            ("INGEST_JWT_AUDIENCE", TokenIssuer.Audience),
            ("INGEST_JWT_KEYS", issuer.File));
        var key = await AddKeyAsync(database);
        var (token, refused) = (issuer.Sign("administer:*"), issuer.Sign("administer:*", audience: "other"));
        var told = new StringBuilder();

        foreach (var credential in new[] { key, key[..^1] + "x", token, refused })
        {
            foreach (var path in new[]
            {
                "/", "/v1/tables", "/v1/tables/clicks", "/v1/accounting", "/v1/cluster", "/v1/settings", "/metrics",
                "/openapi/v1.json", "/v1/dead-letters?table=clicks", "/v1/nothing",
                $"/v1/tables/{key[..20]}", "/healthz/ready",
            })
            {
                told.AppendLine(await AskAsync(node, HttpMethod.Get, path, credential));
            }

            foreach (var row in new[] { """{"url":"u"}""", """{"url":"refused"}""" })
                told.AppendLine(await AskAsync(node, HttpMethod.Post, "/v1/tables/clicks/rows", credential, row));
        }

        // The database turns the node away, and its connections are cut: that is logged.
        await database.ExecuteAsync($"""
            ALTER ROLE {role} PASSWORD 'other';
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'
            """);
        told.AppendLine(await AskAsync(node, HttpMethod.Get, "/healthz/ready", key));
        await Eventually.TrueAsync(() => node.Output.Any(
            line => line.Contains("API keys cannot be read", StringComparison.Ordinal)));
        node.Terminate();
        await node.ExitAsync(TimeSpan.FromSeconds(60));
        foreach (var line in node.Output) told.AppendLine(line);

        var all = told.ToString();
        Assert.Contains("/problems/row-rejected", all, StringComparison.Ordinal);
        foreach (var secret in new[] { password, password[5..], key[24..], token, token.Split('.')[2], refused })
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }

    private static async Task<string> AddKeyAsync(TestDatabase database)
    {
        using var output = new StringWriter();
        var command = new ApiKeyCommand(database.DataSource, TimeProvider.System, output);
        await command.InvokeAsync("add", "one", "administer:*");
        return output.ToString().Trim();
    }

    private static async Task<string> AskAsync(
        NodeProcess node, HttpMethod method, string path, string credential, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {credential}");
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await node.Client.Http.SendAsync(request);
        return $"{response.Headers} {await response.Content.ReadAsStringAsync()}";
    }
}
