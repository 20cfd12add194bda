using Ingest.Messages;
using Ingest.Node.Batching;
using static Ingest.Tests.Rows;

namespace Ingest.Tests.Batching;

public sealed class LaneBufferTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static readonly BatchingOptions Options = new()
    {
        FlushEvery = 100,
        FlushInterval = TimeSpan.FromSeconds(10),
        FlushBytes = 1L << 20,
        Lanes = 1,
        Acknowledge = Acknowledge.Committed,
        JournalBacklogBytes = 1 << 20,
        BufferBytes = 4000,
        RetryMin = TimeSpan.FromMilliseconds(100),
        RetryMax = TimeSpan.FromSeconds(2),
        StopTimeout = TimeSpan.FromSeconds(8),
    };

    private readonly LaneBuffer buffer = new(Lane, Options);

    [Fact]
    public void Should_be_due_when_the_count_is_reached_and_not_one_row_before()
    {
        buffer.Offer(Envelope(1, 99), Start);
        Assert.Null(buffer.Due(Start, draining: false));

        buffer.Offer(Envelope(100, 1), Start);
        Assert.Equal(FlushCause.Count, buffer.Due(Start, draining: false));
    }

    [Fact]
    public void Should_be_due_when_the_oldest_row_is_old_enough_and_not_before()
    {
        buffer.Offer(Envelope(1, 1), Start);
        buffer.Offer(Envelope(2, 1), Start.AddSeconds(9));

        Assert.Null(buffer.Due(Start.AddSeconds(9.999), draining: false));
        Assert.Equal(TimeSpan.FromMilliseconds(1), buffer.DueIn(Start.AddSeconds(9.999)));
        Assert.Equal(FlushCause.Age, buffer.Due(Start.AddSeconds(10), draining: false));
    }

    [Fact]
    public void Should_be_due_when_the_bytes_are_reached()
    {
        var small = new LaneBuffer(Lane, Options with { FlushBytes = 50 });
        small.Offer(Envelope(1, 4), Start);
        Assert.Null(small.Due(Start, draining: false));

        small.Offer(Envelope(5, 1), Start);
        Assert.Equal(FlushCause.Bytes, small.Due(Start, draining: false));
    }

    [Fact]
    public void Should_be_due_at_once_when_draining()
    {
        buffer.Offer(Envelope(1, 1), Start);

        Assert.Equal(FlushCause.Drain, buffer.Due(Start, draining: true));
    }

    [Fact]
    public void Should_never_take_more_than_flush_every_rows_even_from_the_midst_of_an_envelope()
    {
        buffer.Offer(Envelope(1, 60), Start);
        buffer.Offer(Envelope(61, 190), Start);

        var taken = new List<Batch>();
        while (!buffer.IsEmpty)
        {
            taken.Add(buffer.Take(FlushCause.Count));
            buffer.Commit(taken[^1]);
        }

        Assert.Equal([100, 100, 50], taken.Select(batch => batch.Count));
        Assert.Equal(Enumerable.Range(1, 250).Select(position => (long)position), taken.SelectMany(Positions));
        Assert.Equal(
            [(0L, 100L), (100L, 200L), (200L, 250L)], taken.Select(batch => (batch.Moves[0].From, batch.Moves[0].To)));
    }

    [Fact]
    public void Should_never_take_more_bytes_than_flush_bytes_but_for_a_single_row_that_is_larger()
    {
        var small = new LaneBuffer(Lane, Options with { FlushBytes = 25 });
        small.Offer(Envelope(1, 5), Start);
        Assert.Equal([1L, 2L], Positions(small.Take(FlushCause.Bytes)));

        var tiny = new LaneBuffer(Lane, Options with { FlushBytes = 5 });
        tiny.Offer(Envelope(1, 2), Start);
        Assert.Equal([1L], Positions(tiny.Take(FlushCause.Bytes)));
    }

    [Fact]
    public void Should_tell_a_gap_and_take_nothing()
    {
        buffer.Offer(Envelope(1, 5), Start);

        Assert.Equal(Offer.Gap, buffer.Offer(Envelope(7, 5), Start));
        Assert.Equal(6, buffer.Next(GatewayA));
        Assert.Equal(5, buffer.Rows);
    }

    [Fact]
    public void Should_not_wait_for_what_the_gateway_has_settled()
    {
        Assert.Equal(Offer.Accepted, buffer.Offer(Envelope(41, 2, lowest: 41), Start));

        var batch = buffer.Take(FlushCause.Age);
        Assert.Equal((0, 42), (batch.Moves[0].From, batch.Moves[0].To));
    }

    [Fact]
    public void Should_take_a_repeated_envelope_only_once()
    {
        buffer.Offer(Envelope(1, 5), Start);

        Assert.Equal(Offer.Seen, buffer.Offer(Envelope(1, 5), Start));
        Assert.Equal(5, buffer.Rows);
    }

    [Fact]
    public void Should_take_only_the_new_rows_of_an_envelope_that_was_partly_written_by_a_former_incarnation()
    {
        buffer.Recover(GatewayA, 3);

        Assert.Equal(Offer.Accepted, buffer.Offer(Envelope(1, 5), Start));
        Assert.Equal([4L, 5L], Positions(buffer.Take(FlushCause.Age)));
    }

    [Fact]
    public void Should_refuse_what_is_above_its_limit_and_count_the_batch_that_is_out()
    {
        Assert.Equal(Offer.Accepted, buffer.Offer(Envelope(1, 400), Start));
        Assert.Equal(Offer.Full, buffer.Offer(Envelope(401, 1), Start));
        var batch = buffer.Take(FlushCause.Count);
        Assert.Equal(Offer.Full, buffer.Offer(Envelope(401, 1), Start));

        buffer.Commit(batch);

        Assert.Equal(Offer.Accepted, buffer.Offer(Envelope(401, 1), Start));
    }

    [Fact]
    public void Should_put_a_failed_batch_back_to_the_front_in_its_order_and_due_at_once()
    {
        buffer.Offer(Envelope(1, 60), Start);
        buffer.Offer(Envelope(1, 60, GatewayB), Start);
        var failed = buffer.Take(FlushCause.Count);

        buffer.PutBack(failed);

        Assert.Equal(FlushCause.Count, buffer.Due(Start, draining: false));
        var again = buffer.Take(FlushCause.Count);
        Assert.Equal(failed.Parts.ToArray(), again.Parts.ToArray());
        Assert.Equal(failed.Moves.ToArray(), again.Moves.ToArray());
        Assert.NotEqual(failed.Id, again.Id);
    }

    [Fact]
    public void Should_give_up_on_rows_past_their_deadline_and_still_move_the_ledger_over_them()
    {
        buffer.Offer(Envelope(1, 2, deadline: Start.AddSeconds(1)), Start);
        buffer.Offer(Envelope(3, 2), Start);

        Assert.Equal([new PositionRange(GatewayA, 1, 2)], buffer.Expire(Start.AddSeconds(1)).ToArray());
        Assert.Empty(buffer.Expire(Start.AddSeconds(2)));

        var batch = buffer.Take(FlushCause.Age);
        Assert.Equal([3L, 4L], Positions(batch));
        Assert.Equal([true, false], batch.Parts.Select(part => part.Skipped));
        Assert.Equal(new LedgerMove(GatewayA, 0, 4), Assert.Single(batch.Moves));
    }

    [Fact]
    public void Should_keep_neighbours_that_were_given_up_on_as_one_part_whatever_lies_between()
    {
        for (var row = 1; row <= 50; row++)
        {
            buffer.Offer(Envelope(row, 1, deadline: Start.AddSeconds(1)), Start);
            buffer.Offer(Envelope(row, 1, GatewayB), Start);
        }

        buffer.Expire(Start.AddSeconds(1));
        buffer.Offer(Skip(51, 5), Start);

        var batch = buffer.Take(FlushCause.Age);
        Assert.Equal([new PositionRange(GatewayA, 1, 50), new PositionRange(GatewayA, 51, 55)],
            batch.Parts.Where(part => part.Skipped).Select(part => part.Range));
        Assert.Equal(50, batch.Count);
    }

    [Fact]
    public void Should_skip_what_the_gateway_has_given_up_on()
    {
        buffer.Offer(Skip(1, 3), Start);
        buffer.Offer(Envelope(4, 1), Start);

        Assert.Equal([4L], Positions(buffer.Take(FlushCause.Age)));
    }

    [Fact]
    public void Should_skip_each_gap_before_journaled_rows_whose_deadline_is_past_also_one_before_a_skip()
    {
        var past = Start.AddSeconds(1);
        buffer.TakeBack(Envelope(7, 1, deadline: past), Start);
        // Another incarnation has skipped these, when it knew what lies before them, and had not journaled all of that.
        buffer.TakeBack(Skip(5, 2), Start);
        buffer.TakeBack(Envelope(2, 1, deadline: past), Start);
        Assert.Empty(buffer.SkipLastingGaps(Start));

        foreach (var gap in new[] { new PositionRange(GatewayA, 1, 1), new PositionRange(GatewayA, 3, 4) })
        {
            var skip = Assert.Single(buffer.SkipLastingGaps(past));
            Assert.Equal(gap, new PositionRange(skip.Gateway, skip.First, skip.Last));
            // Nothing is in the ledger, whatever is known.
            Assert.Equal(1, skip.Base);
            Assert.Empty(buffer.SkipLastingGaps(past));
            buffer.TakeBack(skip, Start);
        }

        Assert.Equal([2L, 7L], Positions(buffer.Take(FlushCause.Age)));
    }

    [Fact]
    public void Should_keep_the_rest_of_journaled_rows_of_which_another_incarnation_has_written_the_first()
    {
        buffer.TakeBack(Envelope(4, 6), Start);

        Assert.Equal(Offer.Accepted, buffer.Offer(Envelope(10, 1) with { Base = 6 }, Start));

        Assert.Equal([6L, 7L, 8L, 9L, 10L], Positions(buffer.Take(FlushCause.Age)));
    }

    [Fact]
    public void Should_move_the_positions_of_gateways_in_one_order()
    {
        buffer.Offer(Envelope(1, 1, GatewayB), Start);
        buffer.Offer(Envelope(1, 1, GatewayA), Start);

        Assert.Equal([GatewayA, GatewayB], buffer.Take(FlushCause.Age).Moves.Select(move => move.Gateway));
    }
}
