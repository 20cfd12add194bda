using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Ingest.Tests.Http;

public sealed class ArrayTests : HttpTest
{
    [Fact]
    public async Task Should_answer_an_array_with_a_verdict_for_each_element()
    {
        var verdicts = await PostAsync("""  [ {"url":"a,]}\\\""}, {"user_id":1} ,{"url":tru}, 7, {"url":"z"} ] """);

        Assert.Equal([201, 400, 400, 400, 201], verdicts.Select(verdict => verdict.GetProperty("status").GetInt32()));
        Assert.Equal([1, 2, 3, 4, 5], verdicts.Select(verdict => verdict.GetProperty("line").GetInt32()));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData(" [ \n ] ")]
    public async Task Should_answer_an_empty_array_with_an_empty_array(string body) =>
        Assert.Empty(await PostAsync(body));

    [Fact]
    public async Task Should_close_an_array_with_the_summary_when_verdicts_are_chosen()
    {
        var verdicts = await PostAsync("""[{"url":"a"},{}]""", "?verdicts=errors");

        Assert.Equal(2, verdicts.Length);
        Assert.Equal("""{"committed":1,"accepted":0,"rejected":1}""", verdicts[1].GetRawText());
    }

    [Theory]
    [InlineData("""[{"url":"a"},{"url":"b"}""", 1)]
    [InlineData("""[{"url":"a"},""", 1)]
    [InlineData("""[{"url":"a"}] x""", 1)]
    [InlineData("[", 0)]
    public async Task Should_settle_complete_elements_and_say_so_when_the_array_is_broken(string body, int committed)
    {
        var verdicts = await PostAsync(body);

        Assert.Equal(committed + 1, verdicts.Length);
        Assert.Equal(committed, verdicts[^1].GetProperty("committed").GetInt32());
        Assert.Equal("/problems/stream-broken", verdicts[^1].GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(committed, Gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_skip_an_element_over_the_limit_and_go_on()
    {
        var verdicts = await PostAsync($$"""[{"url":"a"},{"url":"{{new string('x', 200_000)}}"},{"url":"c"}]""");

        Assert.Equal([201, 413, 201], verdicts.Select(verdict => verdict.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task Should_answer_an_array_with_lines_when_they_are_accepted()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/tables/clicks/rows");
        request.Content = new StringContent("""[{"url":"a"}]""", MediaTypeHeaderValue.Parse("application/json"));
        request.Headers.Accept.ParseAdd("application/x-ndjson, application/json;q=0.5");
        using var response = await Server.Client.SendAsync(request);

        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(2, (await TestHttpServer.ReadLinesAsync(response)).Length);
    }

    private async Task<JsonElement[]> PostAsync(string body, string query = "")
    {
        using var response = await Server.PostAsync(body, "application/json", "/v1/tables/clicks/rows" + query);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        return (await TestHttpServer.ReadAsync(response)).EnumerateArray().ToArray();
    }
}
