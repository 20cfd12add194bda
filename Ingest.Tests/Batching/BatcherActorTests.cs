using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Batching.Journal;
using Ingest.Node.Observability;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.WriterProtocol;
using static Ingest.Node.Batching.Journal.JournalMessages;
using static Ingest.Tests.Rows;

namespace Ingest.Tests.Batching;

/// <summary>A lane between a gateway and a writer that are both played by the test, in virtual time.</summary>
public sealed class BatcherActorTests : TestKit
{
    private static readonly BatchingOptions Options =
        LaneBufferTests.Options with { BufferBytes = 1 << 20 };

    private readonly TableMetrics metrics = new NodeMetrics(TimeProvider.System).Of(Lane.Table);
    private readonly TestProbe writer;
    private readonly TestProbe gateway;
    private readonly TestProbe opened;
    private readonly IActorRef lane;

    public BatcherActorTests()
        : base(ConfigurationFactory.ParseString(
            """akka.scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit" """))
    {
        writer = CreateTestProbe("writer");
        gateway = CreateTestProbe("gateway");
        opened = CreateTestProbe("opened");
        lane = Start(Options);
    }

    private TestScheduler Clock => (TestScheduler)Sys.Scheduler;

    [Fact]
    public void Should_read_the_ledger_before_it_accepts_anything()
    {
        lane.Tell(Envelope(1, 100), gateway);

        writer.ExpectMsg<ReadLedger>();
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        Answer(new LedgerRead([new LedgerPosition(GatewayA, 40)]));
        writer.ExpectMsg<ReadVerdicts>(read => Assert.Equal(new PositionRange(GatewayA, 1, 40), read.Range));
        Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Enumerable.Range(41, 60).Select(row => (long)row), Positions(ExpectWrite()));
    }

    [Fact]
    public void Should_flush_a_full_batch_at_once_and_hold_the_rest_until_its_age()
    {
        Recover();

        lane.Tell(Envelope(1, 130), gateway);

        var full = ExpectWrite();
        Assert.Equal((100, FlushCause.Count), (full.Count, full.Cause));
        Answer(new Written(full.Id, []));
        ExpectCommitted(1, 100);
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));

        Clock.Advance(TimeSpan.FromSeconds(9.9));
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Clock.Advance(TimeSpan.FromSeconds(0.1));
        var rest = ExpectWrite();
        Assert.Equal((30, FlushCause.Age), (rest.Count, rest.Cause));
    }

    [Fact]
    public void Should_fill_the_next_batch_while_one_is_written()
    {
        Recover();
        lane.Tell(Envelope(1, 100), gateway);
        var first = ExpectWrite();

        lane.Tell(Envelope(101, 150), gateway);
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Answer(new Written(first.Id, []));

        Assert.Equal(100, ExpectWrite().Count);
    }

    [Fact]
    public void Should_write_a_lone_row_at_once_when_the_interval_is_zero()
    {
        var eager = Start(Options with { FlushInterval = TimeSpan.Zero });
        writer.ExpectMsg<ReadLedger>();
        writer.ExpectMsg<ReadLedger>();
        eager.Tell(new LedgerRead([]), writer);
        opened.ExpectMsg<Opened>();

        eager.Tell(Envelope(1, 1), gateway);

        Assert.Equal(1, ExpectWrite().Count);
    }

    [Fact]
    public void Should_answer_each_gateway_with_a_range_and_its_own_rejections()
    {
        var other = CreateTestProbe();
        Recover();
        lane.Tell(Envelope(1, 30), gateway);
        lane.Tell(Envelope(1, 40, GatewayB), other);
        lane.Tell(Envelope(31, 30), gateway);
        var batch = ExpectWrite();
        var rejection = new Rejection("23505", "There already.");

        Answer(new Written(batch.Id, [new RejectedRow(GatewayB, 7, rejection)]));

        ExpectCommitted(1, 60);
        other.ExpectMsg<Settled>(settled =>
        {
            Assert.Equal((1L, 40L), (settled.First, settled.Last));
            Assert.Equal([new RowRejection(7, rejection)], settled.Rejections.ToArray());
        });
    }

    [Fact]
    public void Should_try_a_failed_batch_again_after_a_pause_that_grows()
    {
        Recover();
        lane.Tell(Envelope(1, 100), gateway);
        Answer(new Failed(ExpectWrite().Id, WriteFailure.Transient, "test"));
        Digest();

        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Clock.Advance(TimeSpan.FromMilliseconds(100));
        Answer(new Failed(ExpectWrite().Id, WriteFailure.Transient, "test"));
        Digest();
        Clock.Advance(TimeSpan.FromMilliseconds(99));
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Clock.Advance(TimeSpan.FromMilliseconds(101));
        var again = ExpectWrite();

        Answer(new Written(again.Id, []));
        ExpectCommitted(1, 100);
    }

    [Fact]
    public void Should_tell_not_written_when_rows_give_up_while_the_database_is_away()
    {
        Recover();
        lane.Tell(Envelope(1, 100, deadline: Clock.Now.AddSeconds(5)), gateway);
        Answer(new Failed(ExpectWrite().Id, WriteFailure.Transient, "test"));
        Digest();

        Clock.Advance(TimeSpan.FromSeconds(5));

        gateway.ExpectMsg<Settled>(settled =>
            Assert.Equal((1L, 100L, VerdictKind.NotWritten), (settled.First, settled.Last, settled.Outcome)));
        var move = ExpectWrite();
        Assert.Equal((0, 100L), (move.Count, move.Moves[0].To));
    }

    [Fact]
    public void Should_neither_retry_nor_give_up_a_batch_in_doubt_before_it_is_resolved()
    {
        Recover();
        lane.Tell(Envelope(1, 100, deadline: Clock.Now.AddSeconds(5)), gateway);
        var batch = ExpectWrite();
        Answer(new Failed(batch.Id, WriteFailure.InDoubt, "test"));
        Digest();

        Clock.Advance(TimeSpan.FromSeconds(6));

        writer.ExpectMsg<Resolve>(resolve => Assert.Equal(batch.Id, resolve.Batch.Id));
        gateway.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        Answer(new Written(batch.Id, []));
        ExpectCommitted(1, 100);
    }

    [Fact]
    public void Should_start_afresh_from_the_ledger_when_another_incarnation_has_written()
    {
        Recover();
        lane.Tell(Envelope(1, 100), gateway);
        Answer(new Failed(ExpectWrite().Id, WriteFailure.Fenced, "test"));

        writer.ExpectMsg<ReadLedger>();
        Answer(new LedgerRead([new LedgerPosition(GatewayA, 70)]));

        gateway.ExpectMsg<Expected>(expected => Assert.Equal(71, expected.Next));
    }

    [Fact]
    public void Should_ask_for_what_is_missing()
    {
        Recover();
        lane.Tell(Envelope(1, 5), gateway);

        lane.Tell(Envelope(8, 5), gateway);

        gateway.ExpectMsg<Expected>(expected => Assert.Equal((6L, false), (expected.Next, expected.Full)));
    }

    [Fact]
    public void Should_answer_what_it_has_written_before_from_the_ledger()
    {
        Recover();
        lane.Tell(Envelope(1, 100), gateway);
        Answer(new Written(ExpectWrite().Id, []));
        ExpectCommitted(1, 100);

        lane.Tell(Envelope(1, 100), gateway);

        var range = writer.ExpectMsg<ReadVerdicts>().Range;
        Answer(new VerdictsRead(range, [], [new PositionRange(GatewayA, 41, 50)]));
        ExpectCommitted(1, 40);
        gateway.ExpectMsg<Settled>(settled =>
            Assert.Equal((41L, 50L, VerdictKind.NotWritten), (settled.First, settled.Last, settled.Outcome)));
        ExpectCommitted(51, 100);
        writer.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void Should_ignore_a_verdict_about_a_batch_that_is_not_its_own()
    {
        Recover();
        lane.Tell(Envelope(1, 100), gateway);
        var batch = ExpectWrite();

        Answer(new Written(batch.Id + 1, []));

        gateway.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void Should_tell_a_probe_how_far_it_has_come()
    {
        Recover();
        lane.Tell(Envelope(1, 5), gateway);

        lane.Tell(new Probe(Lane, GatewayA, 1, 9), gateway);

        gateway.ExpectMsg<Expected>(expected => Assert.Equal(6, expected.Next));
    }

    [Fact]
    public void Should_flush_and_answer_before_it_stops()
    {
        Recover();
        Watch(lane);
        lane.Tell(Envelope(1, 5), gateway);

        lane.Tell(LaneStop.Instance);

        var last = ExpectWrite();
        Assert.Equal((5, FlushCause.Drain), (last.Count, last.Cause));
        Answer(new Written(last.Id, []));
        ExpectCommitted(1, 5);
        ExpectTerminated(lane);
    }

    [Fact]
    public void Should_stop_when_its_time_is_up_even_if_the_database_is_away()
    {
        Recover();
        Watch(lane);
        lane.Tell(Envelope(1, 5), gateway);
        lane.Tell(LaneStop.Instance);
        ExpectWrite();

        Clock.Advance(Options.StopTimeout);

        ExpectTerminated(lane);
    }

    private IActorRef Start(BatchingOptions options) => Sys.ActorOf(Props.Create(() =>
        new BatcherActor(
            Lane,
            options,
            Props.Create(() => new Forwarder(writer)),
            Props.Create(() => new OpenJournal(opened)),
            new Random(1),
            metrics,
            new LaneAlarms(),
            JournalTimes.Default)));

    private void Recover()
    {
        writer.ExpectMsg<ReadLedger>();
        Answer(new LedgerRead([]));
    }

    private void Answer(object answer)
    {
        lane.Tell(answer, writer);
        if (answer is LedgerRead) opened.ExpectMsg<Opened>();
    }

    /// <summary>Waits until the lane has taken in what it was told: only then may time go on.</summary>
    private void Digest()
    {
        var probe = CreateTestProbe();
        lane.Tell(new Probe(Lane, GatewayC, 1, 1), probe);
        probe.ExpectMsg<Expected>();
    }

    private Batch ExpectWrite() => writer.ExpectMsg<Write>().Batch;

    private void ExpectCommitted(long first, long last) => gateway.ExpectMsg<Settled>(settled =>
        Assert.Equal((first, last, VerdictKind.Committed), (settled.First, settled.Last, settled.Outcome)));

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target)
        {
            Receive<MarkJournal>(mark => Sender.Tell(new JournalMarked(mark.Settled)));
            ReceiveAny(message => target.Forward(message));
        }
    }
}
