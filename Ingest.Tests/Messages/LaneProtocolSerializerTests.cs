using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.Serialization;
using CsCheck;
using Ingest.Messages;
using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

public sealed class LaneProtocolSerializerTests
{
    private readonly LaneProtocolSerializer serializer = LaneMessages.Serializer();

    [Fact]
    public void Should_read_what_it_wrote_for_each_kind_of_message()
    {
        foreach (var message in LaneMessages.Examples)
            Assert.Equal(LaneMessages.Describe(message), LaneMessages.Describe(RoundTrip(message)));
    }

    [Fact]
    public void Should_read_what_it_wrote_for_any_message() =>
        LaneMessages.Random.Sample(
            message => LaneMessages.Describe(message) == LaneMessages.Describe(RoundTrip(message)),
            print: LaneMessages.Describe);

    [Fact]
    public void Should_give_the_kind_of_message_that_went_in()
    {
        foreach (var message in LaneMessages.Examples) Assert.IsType(message.GetType(), RoundTrip(message));
    }

    [Fact]
    public void Should_carry_the_requests_that_are_traced()
    {
        RowTrace[] traces =
        [
            new(0, 1, Request("11111111111111111111111111111111", "2222222222222222")),
            new(2, 2, Request("33333333333333333333333333333333", "4444444444444444")),
        ];

        var read = (LaneProtocol.Envelope)RoundTrip(LaneMessages.Envelope with { Traces = [.. traces] });

        Assert.Equal(traces.Select(TextOf), read.Traces.Select(TextOf));

        static ActivityContext Request(string trace, string span) => new(
            ActivityTraceId.CreateFromString(trace),
            ActivitySpanId.CreateFromString(span),
            ActivityTraceFlags.Recorded);

        static string TextOf(RowTrace trace) =>
            $"{trace.Row} {trace.Count} {trace.Request.TraceId} {trace.Request.SpanId} {trace.Request.TraceFlags}";
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(4, 1)]
    [InlineData(0, 0)]
    [InlineData(-1, 1)]
    public void Should_refuse_a_trace_outside_of_its_envelope(int row, int count) =>
        Assert.Throws<SerializationException>(() => RoundTrip(
            LaneMessages.Envelope with { Traces = [new RowTrace(row, count, default)] }));

    [Fact]
    public void Should_write_each_shape_once_however_many_runs_use_it()
    {
        var one = LaneMessages.Run(LaneMessages.Clicks, [1]);
        var alone = Sent([one]).Length;
        var twice = Sent([one, LaneMessages.Run(new Shape(LaneMessages.Clicks.Columns), [2])]).Length;

        Assert.InRange(twice - alone, 1, 12);
    }

    [Fact]
    public void Should_give_equal_shapes_of_two_envelopes_the_same_instance()
    {
        var first = (LaneProtocol.Envelope)RoundTrip(LaneMessages.Envelope);
        var second = (LaneProtocol.Envelope)RoundTrip(LaneMessages.Envelope);

        Assert.Same(first.Runs[0].Shape, second.Runs[0].Shape);
        Assert.Same(first.Runs[0].Shape, first.Runs[2].Shape);
        Assert.NotSame(LaneMessages.Clicks, first.Runs[0].Shape);
        Assert.NotEqual(first.Runs[0].Shape, first.Runs[1].Shape);
    }

    [Fact]
    public void Should_read_a_deadline_of_another_time_zone_as_the_same_moment()
    {
        var local = LaneMessages.Envelope.Deadline.ToOffset(TimeSpan.FromHours(5.5));

        var read = (LaneProtocol.Envelope)RoundTrip(LaneMessages.Envelope with { Deadline = local });

        Assert.Equal(LaneMessages.Envelope.Deadline, read.Deadline);
        Assert.Equal(TimeSpan.Zero, read.Deadline.Offset);
    }

    [Fact]
    public void Should_read_left_out_rejections_as_an_empty_list()
    {
        var read = (LaneProtocol.Settled)RoundTrip(LaneMessages.Settled with { Rejections = default });

        Assert.False(read.Rejections.IsDefault);
        Assert.Empty(read.Rejections);
    }

    [Fact]
    public void Should_send_the_bytes_of_a_slice_and_not_its_neighbours()
    {
        byte[] shared = [9, 9, 1, 2, 3, 9, 9];
        var run = new RowRun(LaneMessages.Short, shared.AsMemory(2, 3), [1, 3]);

        var read = (LaneProtocol.Envelope)RoundTrip(LaneMessages.Envelope with { Count = 2, Runs = [run] });

        Assert.Equal([1, 2, 3], read.Runs[0].Tuples.ToArray());
        Assert.Equal([2, 3], read.Runs[0].Slice(1, 1).ToArray());
    }

    [Fact]
    public void Should_refuse_what_is_no_message_of_the_protocol()
    {
        Assert.Throws<SerializationException>(() => serializer.Manifest("text"));
        Assert.Throws<SerializationException>(() => serializer.ToBinary("text"));
    }

    [Fact]
    public void Should_deliver_a_verdict_whose_words_have_no_UTF8_form()
    {
        var rejection = new Rejection("23505", "half a pair \ud83d");
        var settled = LaneMessages.Settled with { Rejections = [new(991, rejection)] };

        var read = (LaneProtocol.Settled)RoundTrip(settled);

        Assert.Equal("half a pair \ufffd", read.Rejections[0].Rejection.Message);
    }

    public static TheoryData<object> BrokenMessages() =>
    [
        LaneMessages.FlushNow with { Lane = new LaneId("", 1) },
        LaneMessages.FlushNow with { Lane = new LaneId("clicks", -1) },
        LaneMessages.Envelope with { Count = 3 },
        LaneMessages.Envelope with { Count = 5 },
        LaneMessages.Envelope with { First = 0 },
        LaneMessages.Envelope with { Base = 0 },
        LaneMessages.Envelope with { First = long.MaxValue },
        LaneMessages.Envelope with { Runs = default },
        LaneMessages.Skip with { Count = 0 },
        LaneMessages.Envelope with { Count = 1, Runs = [new RowRun(LaneMessages.Short, new byte[2], [1])] },
        LaneMessages.Envelope with { Count = 2, Runs = [new RowRun(LaneMessages.Short, new byte[2], [0, 2])] },
        LaneMessages.Envelope with { Count = 2, Runs = [new RowRun(LaneMessages.Short, new byte[2], [2, 1])] },
        LaneMessages.Envelope with { Runs = [.. LaneMessages.Envelope.Runs, new(LaneMessages.Short, default, [])] },
        LaneMessages.Probe with { Base = 0 },
        LaneMessages.Probe with { Next = LaneMessages.Probe.Base - 1 },
        LaneMessages.Expected with { Next = 0 },
        LaneMessages.Settled with { First = 0 },
        LaneMessages.SettledAlike with { Last = LaneMessages.Settled.First - 1 },
        LaneMessages.SettledAlike with { Outcome = VerdictKind.Pending },
        LaneMessages.SettledAlike with { Outcome = VerdictKind.Rejected },
        LaneMessages.Settled with { First = 992 },
        LaneMessages.Settled with { Last = 1_002 },
        LaneMessages.Settled with { Rejections = [.. LaneMessages.Settled.Rejections.Reverse()] },
    ];

    [Theory]
    [MemberData(nameof(BrokenMessages), DisableDiscoveryEnumeration = true)]
    public void Should_refuse_to_write_a_message_that_breaks_a_rule(object message) =>
        Assert.Throws<SerializationException>(() => serializer.ToBinary(message));

    private byte[] Sent(ImmutableArray<RowRun> runs) =>
        serializer.ToBinary(LaneMessages.Envelope with { Count = runs.Sum(run => run.Count), Runs = runs });

    private object RoundTrip(object message) =>
        serializer.FromBinary(serializer.ToBinary(message), serializer.Manifest(message));
}
