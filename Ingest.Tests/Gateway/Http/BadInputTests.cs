using System.Net;
using System.Text;
using System.Text.Json;

namespace Ingest.Tests.Http;

/// <summary>Whatever is sent, the answer is a problem that says what is wrong, and nothing is submitted.</summary>
public sealed class BadInputTests : HttpTest
{
    [Theory]
    [InlineData("""{"url":"/a" """)]
    [InlineData("""{"url":"/a"} trailing""")]
    [InlineData("""{"url":tru}""")]
    [InlineData("42")]
    [InlineData("\"text\"")]
    [InlineData("null")]
    [InlineData("\u0001")]
    public async Task Should_refuse_what_is_not_one_json_object(string body)
    {
        var problem = await RefusedAsync(400, "/problems/row-invalid", Server.PostAsync(body));

        Assert.False(problem.TryGetProperty("errors", out _));
        Assert.Equal(1, Gateway.InvalidRows);
    }

    [Fact]
    public async Task Should_refuse_deep_nesting()
    {
        var body = "{\"url\":" + new string('[', 4_000) + new string(']', 4_000) + "}";

        await RefusedAsync(400, "/problems/row-invalid", Server.PostAsync(body));
    }

    [Theory]
    [InlineData("""{"url":"/a","user_id":"x"}""", "user_id")]
    [InlineData("""{"url":"/a","nobody":1}""", "nobody")]
    [InlineData("""{"url":"/a","url":"/b"}""", "url")]
    [InlineData("""{"user_id":1}""", "url")]
    public async Task Should_name_the_column_that_is_at_fault(string body, string column)
    {
        var problem = await RefusedAsync(400, "/problems/row-invalid", Server.PostAsync(body));

        Assert.NotEmpty(problem.GetProperty("errors").GetProperty(column)[0].GetString()!);
    }

    [Fact]
    public async Task Should_name_every_bad_column_at_once()
    {
        var body = """{"user_id":"x","amount":[]}""";

        var problem = await RefusedAsync(400, "/problems/row-invalid", Server.PostAsync(body));

        var columns = problem.GetProperty("errors").EnumerateObject().Select(error => error.Name);
        Assert.Equal(["amount", "url", "user_id"], columns.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", "application/json")]
    [InlineData(" \n\t ", "application/json")]
    [InlineData("", "text/csv")]
    public async Task Should_refuse_an_empty_body(string body, string mediaType) =>
        await RefusedAsync(400, "/problems/body-empty", Server.PostAsync(body, mediaType));

    [Fact]
    public async Task Should_refuse_a_row_over_the_limit()
    {
        var body = $$"""{"url":"{{new string('x', (int)TestHttpServer.MaxRowBytes)}}"}""";

        await RefusedAsync(413, "/problems/row-too-large", Server.PostAsync(body));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    public async Task Should_refuse_other_media_types(string mediaType)
    {
        using var response = await Server.PostAsync("{}", mediaType);

        await RefusedAsync(415, "/problems/media-type-unsupported", Task.FromResult(response));
        Assert.Contains("text/csv", response.Headers.GetValues("Accept").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deflate")]
    [InlineData("gzip, snappy")]
    [InlineData("gzip, gzip, gzip, gzip, gzip")]
    public async Task Should_refuse_other_content_codings(string coding)
    {
        using var response = await Server.PostAsync(
            [1, 2, 3], "application/json", "/v1/tables/clicks/rows", coding);

        await RefusedAsync(415, "/problems/content-coding-unsupported", Task.FromResult(response));
        Assert.Equal("gzip, br, zstd", string.Join(", ", response.Headers.GetValues("Accept-Encoding")));
    }

    [Fact]
    public async Task Should_suggest_close_names_when_the_table_is_unknown()
    {
        var post = Server.PostAsync("{}", "application/json", "/v1/tables/click/rows");

        var problem = await RefusedAsync(404, "/problems/table-unknown", post);

        Assert.Contains("clicks", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("GET /v1/tables", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v1/tables/clicks/rows", "POST")]
    [InlineData("PUT", "/v1/tables/clicks/rows", "POST")]
    [InlineData("POST", "/v1/tables", "GET, HEAD")]
    [InlineData("DELETE", "/v1/tables/clicks", "GET, HEAD")]
    [InlineData("POST", "/v1/accounting", "GET, HEAD")]
    public async Task Should_say_which_methods_are_allowed(string method, string path, string allowed)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await Server.Client.SendAsync(request);

        await RefusedAsync(405, "/problems/method-not-allowed", Task.FromResult(response));
        Assert.Equal(allowed, string.Join(", ", response.Content.Headers.Allow));
    }

    [Fact]
    public async Task Should_answer_an_unknown_path_with_a_problem()
    {
        await RefusedAsync(
            404, "/problems/not-found", Server.Client.GetAsync(new Uri("/v1/nothing", UriKind.Relative)));
    }

    [Fact]
    public async Task Should_refuse_an_unknown_verdict_filter() => await RefusedAsync(
        400,
        "/problems/request-invalid",
        Server.PostAsync("", "application/x-ndjson", "/v1/tables/clicks/rows?verdicts=some"));

    [Fact]
    public async Task Should_refuse_a_csv_header_that_does_not_fit()
    {
        var problem = await RefusedAsync(
            400, "/problems/header-invalid", Server.PostAsync("url,nobody\n/a,1\n", "text/csv"));

        Assert.True(problem.GetProperty("errors").TryGetProperty("nobody", out _));
    }

    [Fact]
    public async Task Should_answer_malformed_chunks_with_a_problem()
    {
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync("application/json");
        await connection.SendAsync("this is no chunk\r\n");

        var head = await connection.ReadHeadAsync();

        Assert.StartsWith("HTTP/1.1 400", head, StringComparison.Ordinal);
        Assert.Contains("application/problem+json", head, StringComparison.Ordinal);
    }

    private async Task<JsonElement> RefusedAsync(int status, string type, Task<HttpResponseMessage> sending)
    {
        using var response = await sending;
        var text = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync());
        Assert.True((HttpStatusCode)status == response.StatusCode, $"{(int)response.StatusCode}: {text}");
        var problem = TestHttpServer.Parse(text);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(type, problem.GetProperty("type").GetString());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        Assert.Equal(0, Gateway.SubmittedRows);
        Assert.Equal(0, Gateway.Outstanding);
        return problem;
    }
}
