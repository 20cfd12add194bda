using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Ingest.Messages.Api.V1;
using Ingest.Node;
using Ingest.Node.Cluster;
using Ingest.Tests.Postgres;
using Microsoft.IdentityModel.Tokens;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Tests.Node;

/// <summary>A node that asks its callers who they are, by keys and by tokens.</summary>
public sealed class AccessTests(AccessTests.Fixture fixture) : IClassFixture<AccessTests.Fixture>
{
    [Theory]
    [InlineData("POST", "/v1/tables/clicks/rows")]
    [InlineData("GET", "/v1/tables")]
    [InlineData("GET", "/v1/tables/clicks")]
    [InlineData("GET", "/v1/accounting")]
    [InlineData("GET", "/v1/cluster")]
    [InlineData("GET", "/v1/dead-letters")]
    [InlineData("DELETE", "/v1/dead-letters?all=true")]
    [InlineData("POST", "/v1/dead-letters/1/replay")]
    public async Task Should_ask_who_calls(string method, string path)
    {
        using var response = await fixture.SendAsync(method, path, key: null);

        Assert.Equal(401, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Bearer realm=\"ingest\"", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal("/problems/unauthenticated", await TypeOf(response));
    }

    [Theory]
    [InlineData("/healthz/live", 200)]
    [InlineData("/healthz/ready", 200)]
    [InlineData("/v1/nothing", 404)]
    public async Task Should_answer_anybody_whether_it_is_well(string path, int status)
    {
        using var response = await fixture.SendAsync("GET", path, key: null);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Should_show_a_key_the_dead_letters_of_its_tables_and_change_none()
    {
        await fixture.Database.ExecuteAsync("""
            INSERT INTO ingest.dead_letters (id, table_name, payload, sqlstate, message) VALUES
                (7, 'clicks', '{}', '23505', 'a'), (8, 'orders', '{}', '23505', 'b')
            """);
        var key = await fixture.AddKeyAsync("support", "read-dead-letters:clicks");

        using var list = await fixture.SendAsync("GET", "/v1/dead-letters", key);
        var ids = JsonSerializer.Deserialize<JsonElement>(await list.Content.ReadAsStringAsync())
            .GetProperty("deadLetters").EnumerateArray().Select(letter => letter.GetProperty("id").GetInt32());

        Assert.Equal([7], ids);
        Assert.Equal(200, await StatusAsync("GET", "/v1/dead-letters/7"));
        Assert.Equal(403, await StatusAsync("GET", "/v1/dead-letters/8"));
        Assert.Equal(403, await StatusAsync("GET", "/v1/dead-letters?table=orders"));
        Assert.Equal(403, await StatusAsync("POST", "/v1/dead-letters/7/replay"));
        Assert.Equal(403, await StatusAsync("DELETE", "/v1/dead-letters/7"));
        Assert.Equal(403, await StatusAsync("DELETE", "/v1/dead-letters?all=true"));

        async Task<int> StatusAsync(string method, string path)
        {
            using var response = await fixture.SendAsync(method, path, key);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Should_let_a_key_do_what_it_was_granted_and_nothing_else()
    {
        var key = await fixture.AddKeyAsync("shop", "write:clicks");

        Assert.Equal(201, await fixture.PostAsync("clicks", key));
        Assert.Equal(201, await fixture.PostAsync("clicks", key, "Bearer"));
        Assert.Equal(201, await fixture.PostAsync("public.clicks", key));
        Assert.Equal(403, await fixture.PostAsync("orders", key));
        Assert.Equal(403, await fixture.PostAsync("no_such_table", key));
        using var cluster = await fixture.SendAsync("GET", "/v1/cluster", key);
        Assert.Equal(403, (int)cluster.StatusCode);
        Assert.Contains("insufficient_scope", cluster.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        using var orders = await fixture.SendAsync("GET", "/v1/tables/orders", key);
        Assert.Equal(403, (int)orders.StatusCode);
        Assert.Equal("/problems/forbidden", await TypeOf(orders));
    }

    [Fact]
    public async Task Should_show_a_caller_only_the_tables_that_it_may_do_something_with()
    {
        var writer = await fixture.AddKeyAsync("writer", "write:orders");
        Assert.Equal(201, await fixture.PostAsync("orders", writer));

        using var tables = await fixture.SendAsync("GET", "/v1/tables", writer);
        using var accounting = await fixture.SendAsync("GET", "/v1/accounting", writer);

        var listed = JsonSerializer.Deserialize<JsonElement>(await tables.Content.ReadAsStringAsync());
        Assert.Equal(
            ["orders"],
            listed.GetProperty("tables").EnumerateArray().Select(table => table.GetProperty("name").GetString()));
        var accounts = JsonSerializer.Deserialize<JsonElement>(await accounting.Content.ReadAsStringAsync());
        Assert.Equal(
            ["orders"],
            accounts.GetProperty("tables").EnumerateArray().Select(table => table.GetProperty("table").GetString()));
    }

    [Fact]
    public async Task Should_rotate_keys_without_a_restart()
    {
        var old = await fixture.AddKeyAsync("rotating", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", old));
        var renewed = await fixture.AddKeyAsync("rotating", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", renewed));

        await fixture.RemoveKeyAsync(old);

        await Eventually.TrueAsync(async () => await fixture.PostAsync("clicks", old) == 401);
        Assert.Equal(201, await fixture.PostAsync("clicks", renewed));
    }

    [Fact]
    public async Task Should_know_a_new_key_at_once_however_many_show_it()
    {
        using var output = new StringWriter();
        var command = new ApiKeyCommand(fixture.Database.DataSource, TimeProvider.System, output);
        await command.InvokeAsync("add", "crowd", "write:*");
        var key = output.ToString().Trim();

        var told = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => fixture.PostAsync("clicks", key)));

        Assert.All(told, status => Assert.Equal(201, status));
    }

    [Fact]
    public async Task Should_refuse_a_key_whose_secret_is_wrong_or_whose_time_is_up()
    {
        var key = await fixture.AddKeyAsync("tried", "write:*");
        Assert.Equal(201, await fixture.PostAsync("clicks", key));
        var last = key[^1] == '0' ? '1' : '0';

        Assert.Equal(401, await fixture.PostAsync("clicks", key[..^1] + last));
        Assert.Equal(401, await fixture.PostAsync("clicks", key + "0"));
        Assert.Equal(401, await fixture.PostAsync("clicks", "ingest_"));
        await fixture.Database.ExecuteAsync("UPDATE ingest.api_keys SET expires_at = now() WHERE name = 'tried'");
        await Eventually.TrueAsync(async () => await fixture.PostAsync("clicks", key) == 401);
    }

    [Fact]
    public async Task Should_store_of_a_key_what_does_not_give_it_away()
    {
        var key = await fixture.AddKeyAsync("kept", "write:*");

        var stored = await fixture.Database.ScalarAsync<string>(
            "SELECT string_agg(k::text, ' ') FROM ingest.api_keys k WHERE name = 'kept'");
        var hash = await fixture.Database.ScalarAsync<byte[]>("SELECT sha256 FROM ingest.api_keys WHERE name = 'kept'");

        Assert.DoesNotContain(key[24..], stored, StringComparison.Ordinal);
        Assert.Equal(SHA256.HashData(Encoding.ASCII.GetBytes(key)), hash);
    }

    [Fact]
    public async Task Should_take_a_token_of_its_issuer_for_what_it_grants()
    {
        var token = fixture.Issuer.Sign("openid write:clicks profile");

        Assert.Equal(201, await fixture.PostAsync("clicks", token, "Bearer"));
        Assert.Equal(201, await fixture.PostAsync("clicks", token, "Bearer"));
        Assert.Equal(403, await fixture.PostAsync("orders", token, "Bearer"));
    }

    [Fact]
    public async Task Should_refuse_a_token_that_is_not_for_it_or_was_not_signed_by_its_issuer()
    {
        const string Grant = "write:*";
        var issuer = fixture.Issuer;
        using var other = RSA.Create(2048);
        var foreign = new SigningCredentials(new RsaSecurityKey(other) { KeyId = "1" }, SecurityAlgorithms.RsaSha256);
        // A key that both sides would have to share: here, what everybody can read of the issuer's.
        var shared = new SigningCredentials(
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(File.ReadAllText(issuer.File))),
            SecurityAlgorithms.HmacSha256);
        var good = issuer.Sign(Grant);
        var unsigned = $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{good.Split('.')[1]}.";

        foreach (var token in new[]
        {
            issuer.Sign(Grant, issuer: "https://other.example"),
            issuer.Sign(Grant, audience: "other"),
            issuer.Sign(Grant, validFor: TimeSpan.FromMinutes(-1)),
            issuer.Sign(Grant, by: foreign),
            issuer.Sign(Grant, by: shared),
            unsigned,
            good[..^4] + "AAAA",
            "nonsense",
        })
        {
            Assert.Equal(401, await fixture.PostAsync("clicks", token, "Bearer"));
        }

        Assert.Equal(201, await fixture.PostAsync("clicks", good, "Bearer"));
    }

    [Fact]
    public async Task Should_take_a_new_key_of_the_issuer_without_a_restart()
    {
        Assert.Equal(201, await fixture.PostAsync("clicks", fixture.Issuer.Sign("write:*"), "Bearer"));

        fixture.Issuer.Rotate();
        var token = fixture.Issuer.Sign("write:*");

        await Eventually.TrueAsync(
            async () => await fixture.PostAsync("clicks", token, "Bearer") == 201, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Should_hold_a_caller_to_the_rows_a_second_that_its_keys_have_together()
    {
        var first = await fixture.AddKeyAsync("slow", "write:*", "--rows-per-second", "2");
        var second = await fixture.AddKeyAsync("slow", "write:*", "--rows-per-second", "2");
        var other = await fixture.AddKeyAsync("unlimited", "write:*");

        var told = new List<int>();
        for (var row = 0; row < 8; row++) told.Add(await fixture.PostAsync("clicks", row % 2 == 0 ? first : second));

        Assert.Contains(201, told);
        Assert.Contains(429, told);
        Assert.Equal(201, await fixture.PostAsync("clicks", other));
        using var refused = await fixture.PostUntilAsync("clicks", first, 429);
        Assert.Equal("/problems/caller-limit", await TypeOf(refused));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(201, await fixture.PostAsync("clicks", first));
    }

    [Fact]
    public async Task Should_slow_a_stream_down_to_its_callers_rows_a_second()
    {
        var key = await fixture.AddKeyAsync("stream", "write:*", "--rows-per-second", "1000");
        var body = string.Concat(Enumerable.Repeat("{\"url\":\"u\"}\n", 3_500));
        var started = TimeProvider.System.GetTimestamp();

        using var response = await fixture.SendAsync(
            "POST", "/v1/tables/clicks/rows?verdicts=none", key, null, "application/x-ndjson", body);

        // A second's rows at once, and the rest at the rate; the last pieces need not be paid for any more.
        Assert.Contains("\"committed\":3500", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 0.9, 30);
    }

    [Theory]
    [InlineData(null, "16")]
    [InlineData("write:nothing", "7")]
    public async Task Should_answer_who_speaks_grpc_by_its_codes(string? grant, string code)
    {
        var key = grant is null ? null : await fixture.AddKeyAsync("grpc", grant);

        using var response = await fixture.SendAsync("POST", "/v1/cluster", key, contentType: "application/grpc");

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(code, response.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Should_ask_callers_of_grpc_by_the_same_headers()
    {
        var key = await fixture.AddKeyAsync("grpc caller", "write:clicks");

        Assert.Equal(StatusCode.Unauthenticated, await fixture.CreateAsync("clicks", "x-api-key", "ingest_no"));
        Assert.Equal(StatusCode.PermissionDenied, await fixture.CreateAsync("orders", "x-api-key", key));
        Assert.Equal(StatusCode.OK, await fixture.CreateAsync("clicks", "x-api-key", key));
        Assert.Equal(StatusCode.OK, await fixture.CreateAsync("clicks", "authorization", $"Bearer {key}"));
    }

    private static async Task<string?> TypeOf(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync())
            .GetProperty("type").GetString();

    public sealed class Fixture : IAsyncLifetime
    {
        private TestNode node = null!;

        public TestDatabase Database { get; private set; } = null!;

        internal TokenIssuer Issuer { get; } = new();

        public async Task InitializeAsync()
        {
            Database = await TestDatabase.CreateAsync();
            await Database.ExecuteAsync("""
                CREATE TABLE clicks(id uuid PRIMARY KEY, url text);
                CREATE TABLE orders(id uuid PRIMARY KEY, url text);
                """);
            node = await TestNode.StartAsync(
                Database.ConnectionString,
                ("INGEST_API_KEYS", "on"),
                ("INGEST_API_KEYS_REFRESH", "1s"),
                ("INGEST_JWT_ISSUER", TokenIssuer.Name),
                ("INGEST_JWT_AUDIENCE", TokenIssuer.Audience),
                ("INGEST_JWT_KEYS", Issuer.File));
        }

        public async Task DisposeAsync()
        {
            await node.DisposeAsync();
            await Database.DisposeAsync();
            Issuer.Dispose();
        }

        /// <summary>Makes a key as a person does, and waits until the node must know of it.</summary>
        internal async Task<string> AddKeyAsync(string name, string grant, params string[] options)
        {
            using var output = new StringWriter();
            var command = new ApiKeyCommand(Database.DataSource, TimeProvider.System, output);
            Assert.Equal(0, await command.InvokeAsync(["add", name, grant, .. options]));
            var key = output.ToString().Trim();
            await Eventually.TrueAsync(async () =>
            {
                using var response = await SendAsync("GET", "/v1/tables", key);
                return (int)response.StatusCode == 200;
            });
            return key;
        }

        internal async Task RemoveKeyAsync(string key)
        {
            var command = new ApiKeyCommand(Database.DataSource, TimeProvider.System, TextWriter.Null);
            Assert.Equal(0, await command.InvokeAsync("remove", key[7..23]));
            await Assert.ThrowsAsync<SettingsException>(() => command.InvokeAsync("remove", key[7..23]));
        }

        internal async Task<int> PostAsync(string table, string credential, string? scheme = null)
        {
            using var response = await SendAsync(
                "POST", $"/v1/tables/{table}/rows", credential, scheme, "application/json", """{"url":"u"}""");
            return (int)response.StatusCode;
        }

        internal async Task<StatusCode> CreateAsync(string table, string header, string credential)
        {
            using var channel = GrpcChannel.ForAddress(node.Host.GrpcAddress);
            try
            {
                await new ApiClient(channel).CreateAsync(
                    new CreateRequest { Table = table, Json = ByteString.CopyFromUtf8("""{"url":"u"}""") },
                    new Metadata { { header, credential } });
                return StatusCode.OK;
            }
            catch (RpcException error)
            {
                return error.StatusCode;
            }
        }

        /// <summary>Posts rows until one is answered with a status.</summary>
        internal async Task<HttpResponseMessage> PostUntilAsync(string table, string key, int status)
        {
            while (true)
            {
                var response = await SendAsync(
                    "POST", $"/v1/tables/{table}/rows", key, null, "application/json", """{"url":"u"}""");
                if ((int)response.StatusCode == status) return response;
                response.Dispose();
            }
        }

        internal async Task<HttpResponseMessage> SendAsync(
            string method,
            string path,
            string? key,
            string? scheme = null,
            string? contentType = null,
            string body = "")
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            if (contentType is not null)
            {
                request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
            }

            if (scheme is not null) request.Headers.Authorization = new AuthenticationHeaderValue(scheme, key);
            else if (key is not null) request.Headers.Add("X-Api-Key", key);
            return await node.Http.SendAsync(request);
        }
    }
}
