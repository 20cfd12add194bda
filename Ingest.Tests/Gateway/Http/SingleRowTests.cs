using System.Net;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Gateway;

namespace Ingest.Tests.Http;

public sealed class SingleRowTests : HttpTest
{
    private const string Row = """{"url":"/a","user_id":1}""";

    [Fact]
    public async Task Should_answer_201_with_the_key_when_the_row_is_committed()
    {
        using var response = await Server.PostAsync("""{"id":"018f0000-0000-7000-8000-000000000001","url":"/a"}""");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(
            """{"id":"018f0000-0000-7000-8000-000000000001"}""", await response.Content.ReadAsStringAsync());
        Assert.Equal(0, Gateway.Outstanding);
    }

    [Theory]
    [InlineData("23505", 409)]
    [InlineData("23P01", 409)]
    [InlineData("23503", 422)]
    [InlineData("44000", 422)]
    [InlineData("P0001", 422)]
    [InlineData("XX000", 422)]
    [InlineData("22003", 400)]
    [InlineData("42501", 403)]
    [InlineData("42P01", 422)]
    public async Task Should_answer_a_rejected_row_by_its_sqlstate(string sqlState, int status)
    {
        Gateway.Script = _ => Verdict.Rejected(new Rejection(sqlState, "Because.", "clicks_pkey", "id"));

        using var response = await Server.PostAsync(Row);

        var problem = await AssertProblemAsync(response, status, "/problems/row-rejected");
        Assert.Equal(sqlState, problem.GetProperty("sqlstate").GetString());
        Assert.Equal("clicks_pkey", problem.GetProperty("constraint").GetString());
        Assert.Equal("id", problem.GetProperty("column").GetString());
        Assert.Equal("Because.", problem.GetProperty("errors").GetProperty("id")[0].GetString());
    }

    [Fact]
    public async Task Should_answer_404_when_the_table_went_away()
    {
        Gateway.Script = _ => Verdict.Rejected(Rejection.TableGone with { });

        using var response = await Server.PostAsync(Row);

        var problem = await AssertProblemAsync(response, 404, "/problems/row-rejected");
        Assert.Equal("42P01", problem.GetProperty("sqlstate").GetString());
    }

    [Fact]
    public async Task Should_answer_503_and_when_to_retry_when_the_row_was_not_written()
    {
        Gateway.Script = _ => Verdict.NotWritten;

        using var response = await Server.PostAsync(Row);

        await AssertProblemAsync(response, 503, "/problems/row-not-written");
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);
    }

    [Fact]
    public async Task Should_answer_504_when_the_outcome_is_unknown()
    {
        Gateway.Script = _ => Verdict.Unknown;

        using var response = await Server.PostAsync(Row);

        var problem = await AssertProblemAsync(response, 504, "/problems/outcome-unknown");
        Assert.Contains("idempotency key", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Null(response.Headers.RetryAfter);
    }

    [Theory]
    [InlineData(Admission.Full, 429, "/problems/overloaded")]
    [InlineData(Admission.Closing, 503, "/problems/node-closing")]
    public async Task Should_turn_a_row_away_when_it_is_not_admitted(Admission admission, int status, string type)
    {
        Gateway.Admission = admission;

        using var response = await Server.PostAsync(Row);

        await AssertProblemAsync(response, status, type);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Equal(admission == Admission.Closing, response.Headers.ConnectionClose == true);
        Assert.Equal(0, Gateway.SubmittedRows);
        Assert.Equal(0, Gateway.Outstanding);
    }

    [Fact]
    public async Task Should_take_a_row_that_arrives_in_many_pieces()
    {
        using var connection = await RawConnection.OpenAsync(Server.Address);
        await connection.BeginAsync("application/json");
        foreach (var letter in Row) await connection.ChunkAsync(letter.ToString());
        await connection.EndAsync();

        Assert.StartsWith("HTTP/1.1 201", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(1, Gateway.SubmittedRows);
    }

    [Fact]
    public async Task Should_return_the_submission_after_its_verdict_when_the_client_has_hung_up()
    {
        Gateway.Holds = true;
        using (var connection = await RawConnection.OpenAsync(Server.Address))
        {
            await connection.BeginAsync("application/json");
            await connection.ChunkAsync(Row);
            await connection.EndAsync();
            var held = await Gateway.TakeHeldAsync();
            connection.Dispose();
            held.Release();
        }

        await Eventually.TrueAsync(() => Gateway.Outstanding == 0);
        Assert.Equal(1, Gateway.SubmittedRows);
    }

    private static async Task<JsonElement> AssertProblemAsync(HttpResponseMessage response, int status, string type)
    {
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        var problem = await TestHttpServer.ReadAsync(response);
        Assert.Equal(type, problem.GetProperty("type").GetString());
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        return problem;
    }
}
