using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Ingest.Tests.Observability;
using Ingest.Tests.Postgres;

namespace Ingest.Tests.Node;

/// <summary>Requests over HTTP to a whole node, and the spans that come of them.</summary>
[Collection(nameof(Alone))]
public sealed class TracingTests : IAsyncLifetime, IDisposable
{
    private readonly ConcurrentBag<Activity> spans = [];
    private readonly ActivityListener listener;
    private OtlpCollector collector = null!;
    private TestDatabase database = null!;

    public TracingTests()
    {
        // It looks on, and decides nothing: what is recorded is recorded since the node says so.
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Ingest" or "Npgsql" or "Microsoft.AspNetCore",
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
    }

    public async Task InitializeAsync()
    {
        collector = await OtlpCollector.StartAsync();
        database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync("CREATE TABLE traced (id uuid PRIMARY KEY, number int)");
    }

    public async Task DisposeAsync()
    {
        await database.DisposeAsync();
        await collector.DisposeAsync();
    }

    public void Dispose() => listener.Dispose();

    [Fact]
    public async Task Should_link_the_batch_to_each_request_whose_row_it_wrote_and_tell_the_collector()
    {
        await using (var node = await TestNode.StartAsync(
            database.ConnectionString,
            ("INGEST_OTLP_ENDPOINT", collector.Address),
            ("INGEST_TRACE_RATIO", "0"),
            ("INGEST_FLUSH_INTERVAL", "300ms")))
        {
            var traces = Enumerable.Range(0, 3).Select(_ => ActivityTraceId.CreateRandom()).ToList();
            var unsampled = ActivityTraceId.CreateRandom();

            var answers = await Task.WhenAll(traces.Select(trace => PostAsync(node, trace, "01"))
                .Append(PostAsync(node, unsampled, "00")));

            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Created, answer.Status));
            Assert.Equal(
                traces.Select(trace => trace.ToHexString()).Append(""),
                answers.Select(answer => answer.Trace is [_, _, _, ..] text ? text[3..35] : ""));
            await Eventually.TrueAsync(() => LinksOf(spans).Count >= 3);
            await Eventually.TrueAsync(() => RequestsOf(spans, traces).Count == 3);
            Assert.Equal(
                RequestsOf(spans, traces).Select(span => (span.TraceId, span.SpanId)).ToHashSet(), LinksOf(spans));
            Assert.All(RequestsOf(spans, traces), request => Assert.Equal(
                ("POST /v1/tables/{table}/rows", "/v1/tables/traced/rows", 201),
                (
                    request.DisplayName,
                    request.GetTagItem("url.path"),
                    request.GetTagItem("http.response.status_code"))));
            var batch = spans.First(span => span.OperationName == "ingest.batch.write");
            Assert.Equal("traced", batch.GetTagItem("ingest.table"));
            Assert.Equal("written", batch.GetTagItem("ingest.result"));
            Assert.Contains(spans, span => span.Source.Name == "Npgsql" && span.ParentSpanId == batch.SpanId);
            Assert.DoesNotContain(spans, span => span is { Recorded: true, ParentId: null, Source.Name: "Npgsql" });
        }

        // What waits to be sent goes out when the node stops.
        Assert.True(collector.Has("/v1/traces", "ingest.batch.write"));
        Assert.True(collector.Has("/v1/traces", "/v1/tables/{table}/rows"));
        Assert.True(collector.Has("/v1/metrics", "ingest.rows.committed"));
    }

    [Fact]
    public async Task Should_trace_nothing_where_nobody_is_told()
    {
        await using var node = await TestNode.StartAsync(database.ConnectionString);

        // The listener of this test must be gone, lest it make the spans that it looks for.
        listener.Dispose();
        var answer = await PostAsync(node, ActivityTraceId.CreateRandom(), "01");

        Assert.Equal((HttpStatusCode.Created, ""), answer);
        Assert.DoesNotContain(spans, span => span.Source.Name == "Ingest");
    }

    private static async Task<(HttpStatusCode Status, string Trace)> PostAsync(
        TestNode node, ActivityTraceId trace, string flags)
    {
        // Without this, HttpClient would put a context of its own in place of ours.
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var client = new HttpClient(handler) { BaseAddress = node.Http.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/tables/traced/rows");
        request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-{flags}");
        request.Content = new StringContent("""{"number":1}""", null, "application/json");
        using var response = await client.SendAsync(request);
        return (response.StatusCode,
            response.Headers.TryGetValues("traceresponse", out var values) ? values.Single() : "");
    }

    private static HashSet<(ActivityTraceId, ActivitySpanId)> LinksOf(IEnumerable<Activity> spans) =>
        [.. spans.Where(span => span.OperationName == "ingest.batch.write").SelectMany(span => span.Links)
            .Select(link => (link.Context.TraceId, link.Context.SpanId))];

    private static List<Activity> RequestsOf(IEnumerable<Activity> spans, List<ActivityTraceId> traces) =>
        [.. spans.Where(span => span.Source.Name == "Microsoft.AspNetCore" && traces.Contains(span.TraceId))];
}
