using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Ingest.Messages;
using Ingest.Node.Gateway;
using Ingest.Node.Observability;
using Ingest.Tests.Http;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.VerdictKind;
using static Ingest.Tests.Gateway.Submissions;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Tests.Gateway;

/// <summary>A gateway whose lanes are played by the test, in virtual time.</summary>
public sealed class GatewayActorTests : TestKit
{
    private static readonly LaneId Lane = new("clicks", 0);

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(150);

    private readonly TestProbe lanes;
    private readonly ManualResetEventSlim mayStart = new(initialState: true);
    private RowGateway gateway = null!;
    private IActorRef actor = null!;

    public GatewayActorTests()
        : base(ConfigurationFactory.ParseString(
            """akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit" """))
    {
        lanes = CreateTestProbe("lanes");
        Start(Options);
    }

    private TestScheduler Clock => (TestScheduler)Sys.Scheduler;

    [Fact]
    public async Task Should_group_what_is_there_into_one_envelope()
    {
        // The gateway asks for the table's lanes at its first row; what comes in meanwhile waits in its mailbox.
        HoldActor();
        var callers = new[] { Submit(1), Submit(2), Submit(3) };
        mayStart.Set();

        var envelope = lanes.ExpectMsg<Envelope>();

        Assert.Equal((1, 6), (envelope.First, envelope.Count));
        lanes.ExpectNoMsg(Soon);
        Settle(envelope, Committed);
        foreach (var caller in callers) Assert.All(await KindsAsync(caller), kind => Assert.Equal(Committed, kind));
    }

    [Fact]
    public void Should_number_rows_without_gaps_and_say_which_is_the_lowest_that_is_open()
    {
        var first = SubmitAndExpect(3);
        var second = SubmitAndExpect(2);
        Settle(first, Committed);
        var third = SubmitAndExpect(1);

        Assert.Equal((1, 3, 1), (first.First, first.Count, first.Base));
        Assert.Equal((4, 2, 1), (second.First, second.Count, second.Base));
        Assert.Equal((6, 1, 4), (third.First, third.Count, third.Base));
        Assert.Equal(first.Gateway, third.Gateway);
        Assert.Equal(Clock.Now + Options.RequestTimeout - Options.AnswerMargin, third.Deadline);
    }

    [Fact]
    public void Should_split_at_the_rows_of_an_envelope()
    {
        Submit(250);

        Assert.Equal([(1, 100), (101, 100), (201, 50)], ExpectEnvelopes(3));
    }

    [Fact]
    public void Should_split_at_the_bytes_of_an_envelope_but_send_a_larger_row_alone()
    {
        Start(Options with { EnvelopeBytes = 1024 });

        Submit(7, bytes: 300);
        Assert.Equal([(1, 3), (4, 3), (7, 1)], ExpectEnvelopes(3));

        Submit(2, bytes: 5_000);
        Assert.Equal([(8, 1), (9, 1)], ExpectEnvelopes(2));
    }

    [Fact]
    public async Task Should_answer_each_caller_with_the_verdicts_of_its_own_rows()
    {
        HoldActor();
        var (first, second) = (Submit(2), Submit(3));
        mayStart.Set();
        var envelope = lanes.ExpectMsg<Envelope>();
        var rejection = new Rejection("23505", "A row with this key is already there.");

        actor.Tell(new Settled(Lane, envelope.Gateway, 1, 5, Committed, [new RowRejection(4, rejection)]));

        Assert.Equal([Committed, Committed], await KindsAsync(first));
        Assert.Equal([Committed, Rejected, Committed], await KindsAsync(second));
        Assert.Same(rejection, second.Submission[1].Rejection);
        AssertBooks(received: 5, committed: 4, rejected: 1, notWritten: 0);
        Assert.Equal(0, gateway.InFlightRows);
    }

    [Fact]
    public void Should_send_again_from_the_position_that_the_lane_expects()
    {
        var first = SubmitAndExpect(3);
        SubmitAndExpect(3);
        SubmitAndExpect(3);
        Clock.Advance(TimeSpan.FromMilliseconds(200));

        actor.Tell(new Expected(Lane, first.Gateway, 5, Full: false));

        Assert.Equal([(4, 3), (7, 3)], ExpectEnvelopes(2));
        lanes.ExpectNoMsg(Soon);
    }

    [Fact]
    public void Should_not_send_again_what_was_sent_a_moment_ago()
    {
        var envelope = SubmitAndExpect(3);

        actor.Tell(new Expected(Lane, envelope.Gateway, 1, Full: false));

        lanes.ExpectNoMsg(Soon);
    }

    [Fact]
    public async Task Should_hold_back_from_a_full_lane_ask_it_and_go_on_where_it_stands()
    {
        var first = SubmitAndExpect(3);
        actor.Tell(new Expected(Lane, first.Gateway, 4, Full: true));
        var held = Submit(2);
        lanes.ExpectNoMsg(Soon);

        Clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal((1, 6), lanes.ExpectMsg<Probe>() is var probe ? (probe.Base, probe.Next) : default);
        var late = Submit(1);
        lanes.ExpectNoMsg(Soon);
        actor.Tell(new Expected(Lane, first.Gateway, 4, Full: false));

        // Also what came in the moment before, since it has never been sent.
        Assert.Equal([(4, 2), (6, 1)], ExpectEnvelopes(2));
        actor.Tell(new Settled(Lane, first.Gateway, 4, 6, NotWritten, []));
        Assert.Equal([NotWritten, NotWritten], await KindsAsync(held));
        Assert.Equal([NotWritten], await KindsAsync(late));
    }

    [Fact]
    public void Should_ask_a_lane_that_is_silent_how_far_it_has_come()
    {
        var envelope = SubmitAndExpect(3);

        Clock.Advance(TimeSpan.FromMilliseconds(900));
        lanes.ExpectNoMsg(Soon);
        Clock.Advance(TimeSpan.FromMilliseconds(200));

        Assert.Equal(new Probe(Lane, envelope.Gateway, 1, 4), lanes.ExpectMsg<Probe>());
    }

    [Fact]
    public async Task Should_tell_that_nobody_knows_at_the_deadline_and_still_count_what_the_lane_says_later()
    {
        var caller = Submit(3);
        var envelope = lanes.ExpectMsg<Envelope>();

        Clock.Advance(Options.RequestTimeout);
        Assert.All(await KindsAsync(caller), kind => Assert.Equal(Unknown, kind));
        AssertBooks(received: 3, committed: 0, rejected: 0, notWritten: 0);
        Settle(envelope, Committed);

        AwaitAssert(() => AssertBooks(received: 3, committed: 3, rejected: 0, notWritten: 0));
    }

    [Fact]
    public async Task Should_send_positions_to_skip_in_place_of_rows_whose_callers_were_answered()
    {
        var caller = Submit(3);
        var envelope = lanes.ExpectMsg<Envelope>();
        Clock.Advance(Options.RequestTimeout);
        await KindsAsync(caller);
        lanes.ExpectMsg<Probe>();

        actor.Tell(new Expected(Lane, envelope.Gateway, 1, Full: false));

        var skip = lanes.FishForMessage<Envelope>(_ => true);
        Assert.True(skip.IsSkip);
        Assert.Equal((1, 3), (skip.First, skip.Count));
    }

    [Fact]
    public async Task Should_tell_not_written_only_where_no_other_copy_is_on_its_way()
    {
        var once = Submit(1);
        Settle(lanes.ExpectMsg<Envelope>(), NotWritten);
        Assert.Equal([NotWritten], await KindsAsync(once));

        var twice = Submit(1);
        var envelope = lanes.ExpectMsg<Envelope>();
        Clock.Advance(TimeSpan.FromMilliseconds(200));
        actor.Tell(new Expected(Lane, envelope.Gateway, envelope.First, Full: false));
        Settle(lanes.ExpectMsg<Envelope>(), NotWritten);

        Assert.Equal([Unknown], await KindsAsync(twice));
        AssertBooks(received: 2, committed: 0, rejected: 0, notWritten: 2);
    }

    [Fact]
    public async Task Should_ignore_what_is_meant_for_another_gateway_or_lane()
    {
        var caller = Submit(1);
        var envelope = lanes.ExpectMsg<Envelope>();
        var other = new GatewayId(Guid.NewGuid());

        actor.Tell(new Settled(Lane, other, 1, 1, NotWritten, []));
        actor.Tell(new Settled(Lane with { Number = 77 }, envelope.Gateway, 1, 1, NotWritten, []));
        actor.Tell(new Settled(Lane with { Table = "unknown" }, envelope.Gateway, 1, 1, NotWritten, []));
        Settle(envelope, Committed);
        Settle(envelope, NotWritten);

        Assert.Equal([Committed], await KindsAsync(caller));
        AwaitAssert(() => AssertBooks(received: 1, committed: 1, rejected: 0, notWritten: 0));
    }

    [Fact]
    public void Should_use_a_second_lane_only_when_the_first_has_a_full_batch_under_way()
    {
        Start(Options, lanesOfTable: 2, flushEvery: 10);

        Assert.Equal(0, SubmitAndExpect(9).Lane.Number);
        Assert.Equal(0, SubmitAndExpect(1).Lane.Number);
        Assert.Equal(1, SubmitAndExpect(1).Lane.Number);
    }

    [Fact]
    public void Should_have_lanes_write_at_once_when_the_node_drains()
    {
        SubmitAndExpect(1);

        gateway.Drain();

        Assert.Equal(Lane, lanes.ExpectMsg<FlushNow>().Lane);
        var late = gateway.Rent(TestTables.Clicks());
        Fill(late, 1);
        Assert.Equal(Admission.Closing, gateway.TryAdmit(late));
    }

    [Fact]
    public async Task Should_answer_every_caller_when_it_stops()
    {
        var caller = Submit(3);
        lanes.ExpectMsg<Envelope>();

        Sys.Stop(actor);

        Assert.All(await KindsAsync(caller), kind => Assert.Equal(Unknown, kind));
        Assert.Equal(0, gateway.InFlightRows);
    }

    [Fact]
    public async Task Should_count_rows_that_a_failure_lost_sight_of_as_unknown_and_those_never_sent_as_not_written()
    {
        var caller = Submit(3);
        var envelope = lanes.ExpectMsg<Envelope>();
        actor.Tell(new Settled(Lane, envelope.Gateway, 1, 1, Committed, []));
        actor.Tell(new Expected(Lane, envelope.Gateway, 2, Full: true));
        var held = Submit(2);

        EventFilter.Exception<ActorKilledException>().ExpectOne(() => actor.Tell(Kill.Instance));

        Assert.Equal([Committed, Unknown, Unknown], await KindsAsync(caller));
        Assert.Equal([NotWritten, NotWritten], await KindsAsync(held));
        var account = Assert.Single(gateway.Snapshot());
        Assert.Equal(
            (5, 1, 2, 2, 0),
            (account.Received, account.Committed, account.NotWritten, account.Unknown, account.Pending));
    }

    private void Start(GatewayOptions options, int lanesOfTable = 1, int flushEvery = 10_000)
    {
        if (actor is not null) Sys.Stop(actor);
        var started = gateway = new RowGateway(options, SettingsOf, new NodeMetrics(TimeProvider.System));
        var region = lanes.Ref;
        actor = Sys.ActorOf(Props.Create(() => new GatewayActor(options, started, region)));
        gateway.Attach(actor);

        LaneSettings SettingsOf(string table)
        {
            mayStart.Wait(TimeSpan.FromSeconds(10));
            return new LaneSettings(lanesOfTable, flushEvery);
        }
    }

    /// <summary>Has the actor wait at its first row. A rented submission asks for the table's settings too,
    /// once.</summary>
    private void HoldActor()
    {
        gateway.Return(gateway.Rent(TestTables.Clicks()));
        mayStart.Reset();
    }

    private (Submission Submission, Task Done) Submit(int rows, int bytes = 10)
    {
        var submission = gateway.Rent(TestTables.Clicks());
        Fill(submission, rows, bytes);
        Assert.Equal(Admission.Admitted, gateway.TryAdmit(submission));
        return (submission, gateway.SubmitAsync(submission).AsTask());
    }

    private Envelope SubmitAndExpect(int rows)
    {
        Submit(rows);
        return lanes.ExpectMsg<Envelope>();
    }

    private IEnumerable<(long First, int Count)> ExpectEnvelopes(int count) => [.. Enumerable.Range(0, count)
        .Select(_ => lanes.ExpectMsg<Envelope>()).Select(envelope => (envelope.First, envelope.Count))];

    private void Settle(Envelope envelope, VerdictKind outcome) =>
        actor.Tell(new Settled(envelope.Lane, envelope.Gateway, envelope.First, envelope.Last, outcome, []));

    private static async Task<IEnumerable<VerdictKind>> KindsAsync((Submission Submission, Task Done) caller)
    {
        await caller.Done.WaitAsync(TimeSpan.FromSeconds(10));
        return Kinds(caller.Submission);
    }

    private void AssertBooks(long received, long committed, long rejected, long notWritten)
    {
        var account = Assert.Single(gateway.Snapshot());
        Assert.Equal(
            (received, committed, rejected, notWritten),
            (account.Received, account.Committed, account.Rejected, account.NotWritten));
    }
}
