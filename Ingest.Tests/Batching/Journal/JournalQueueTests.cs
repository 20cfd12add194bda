using Ingest.Messages;
using Ingest.Node.Batching.Journal;
using static Ingest.Tests.Rows;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Tests.Batching.Journal;

public sealed class JournalQueueTests
{
    private readonly JournalQueue queue = new();

    public JournalQueueTests() => queue.Begin(7);

    [Fact]
    public void Should_number_what_is_sent_behind_the_last_event_and_confirm_it_in_order()
    {
        Add(3);

        Assert.Equal([8, 9, 10], queue.TakeNext().Select(next => next.Sequence));

        Assert.Equal([(8, 1), (9, 2), (10, 3)], Confirm(3));
        Assert.Equal(10, queue.Last);
        Assert.False(queue.IsUnderWay);
    }

    [Fact]
    public void Should_send_one_write_at_a_time_and_no_more_than_it_may_have()
    {
        Add(70);

        Assert.Equal(64, queue.TakeNext().Count);

        Assert.False(queue.IsReady);
        Confirm(63);
        Assert.False(queue.IsReady);
        Confirm(1);
        Assert.True(queue.IsReady);
        Assert.Equal([72, 73, 74, 75, 76, 77], queue.TakeNext().Select(next => next.Sequence));
    }

    [Fact]
    public void Should_send_by_bytes_but_at_least_one_envelope()
    {
        var large = new RowRun(Rows.Shape, new byte[9 << 20], [9 << 20]);
        for (var position = 1; position <= 3; position++) queue.Add(Envelope(position, 1) with { Runs = [large] });

        Assert.Equal([8], queue.TakeNext().Select(next => next.Sequence));
    }

    [Fact]
    public void Should_find_its_own_events_after_a_failure_and_send_the_rest_again_before_the_others()
    {
        Add(3);
        queue.TakeNext();
        queue.Add(Envelope(4, 1));

        queue.BeginReading();
        queue.Read(8, Envelope(1, 1));
        queue.Read(9, Envelope(2, 1));

        Assert.False(queue.IsOvertaken);
        Assert.Equal(2, queue.Found);
        Assert.Equal([(8, 1), (9, 2)], Confirm(2));
        queue.PutBack();
        Assert.Equal([(10, 3), (11, 4)], queue.TakeNext().Select(next => (next.Sequence, next.Envelope.First)));
    }

    [Fact]
    public void Should_notice_the_event_of_another_incarnation_wherever_it_is()
    {
        Add(2);
        queue.TakeNext();

        Assert.True(IsOvertakenBy((8, Envelope(2, 1))), "other rows in the place of its own");
        Assert.True(IsOvertakenBy((8, null)), "an opening in the place of its own");
        Assert.True(IsOvertakenBy((9, Envelope(1, 1))), "its own at another number");
        Assert.True(IsOvertakenBy((8, Envelope(1, 1)), (9, Envelope(2, 1)), (10, null)), "more than it has sent");
        Assert.False(IsOvertakenBy((8, Envelope(1, 1)), (9, Envelope(2, 1))), "its own");
        Assert.False(IsOvertakenBy(), "nothing");
    }

    [Fact]
    public void Should_forget_all_that_it_has_but_not_where_the_journal_is()
    {
        Add(2);
        queue.TakeNext();
        Add(1);

        queue.Clear();

        Assert.False(queue.IsUnderWay);
        Assert.Empty(queue.TakeNext());
        Assert.Equal(8, queue.ConfirmOpening());
    }

    private bool IsOvertakenBy(params (long Sequence, Envelope? Envelope)[] events)
    {
        queue.BeginReading();
        foreach (var (sequence, envelope) in events) queue.Read(sequence, envelope);
        return queue.IsOvertaken;
    }

    private void Add(int count)
    {
        for (var position = 1; position <= count; position++) queue.Add(Envelope(position, 1));
    }

    private List<(long Sequence, long First)> Confirm(int count) => [.. Enumerable.Range(0, count)
        .Select(_ => queue.Confirm()).Select(confirmed => (confirmed.Sequence, confirmed.Envelope.First))];
}
