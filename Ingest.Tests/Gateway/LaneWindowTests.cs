using Ingest.Messages;
using Ingest.Node.Gateway;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Messages.VerdictKind;
using static Ingest.Tests.Gateway.Submissions;

namespace Ingest.Tests.Gateway;

public sealed class LaneWindowTests
{
    private static readonly LaneId Lane = new("clicks", 0);

    private static readonly GatewayId Gateway = new(new Guid("00000000-0000-7000-8000-000000000001"));

    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    private readonly LaneWindow window = new(Lane, Gateway);

    private readonly List<Submission> completed = [];

    [Fact]
    public void Should_put_the_tuples_of_one_shape_into_one_run()
    {
        Append(New(2));
        Append(New(1, bytes: 3, shape: new Shape([.. Url.Columns])));
        Append(New(2, bytes: 5, shape: UrlAndUser));
        Append(New(1));

        var envelope = Seal();

        Assert.Equal([(Url, 3, 23), (UrlAndUser, 2, 10), (Url, 1, 10)],
            envelope.Runs.Select(run => (run.Shape, run.Count, run.Tuples.Length)));
        Assert.Equal([10, 20, 23], envelope.Runs[0].Ends.AsEnumerable());
        Assert.Equal(1, envelope.Runs[0].Slice(1, 1).Span[0]);
        Assert.Equal(1, envelope.Runs[1].Slice(1, 1).Span[0]);
    }

    [Fact]
    public void Should_keep_its_bytes_when_the_submission_is_used_again()
    {
        var submission = New(1);
        Append(submission);
        var envelope = Seal();

        submission.Rows.Clear();
        submission.Rows.Writer.Append(10).Fill(0xff);

        Assert.Equal(0, envelope.Runs[0].Tuples.Span[0]);
    }

    [Fact]
    public void Should_complete_a_submission_that_spans_envelopes_with_its_last_row()
    {
        var submission = New(3);
        Append(submission, first: 0, count: 2);
        Seal();
        Append(submission, first: 2, count: 1);
        Seal();

        Settle(3, 3, Committed);
        Assert.Empty(completed);
        Settle(1, 2, Committed);

        Assert.Same(submission, Assert.Single(completed));
        Assert.True(window.IsEmpty);
    }

    [Fact]
    public void Should_settle_a_row_once_whatever_it_hears_again()
    {
        Append(New(4));
        Seal();

        Assert.Equal(new SettledCounts(2, 0, 0), Settle(2, 3, Committed));
        Assert.Equal(new SettledCounts(0, 0, 2), Settle(1, 4, NotWritten));
        Assert.Equal(default, Settle(1, 4, Committed));

        Assert.Equal([NotWritten, Committed, Committed, NotWritten], Kinds(Assert.Single(completed)));
    }

    [Fact]
    public void Should_say_what_is_lowest_and_next()
    {
        Append(New(2));
        Seal();
        Append(New(3));
        Seal();
        Append(New(1));

        Assert.Equal(new Probe(Lane, Gateway, 1, 6), window.Probe(Start.AddSeconds(1), TimeSpan.FromSeconds(1)));
        Settle(1, 3, Committed);
        Assert.Equal(new Probe(Lane, Gateway, 3, 6), window.Probe(Start.AddSeconds(2), TimeSpan.FromSeconds(1)));
        Assert.Equal(3, window.Rows);
    }

    [Fact]
    public void Should_answer_those_whose_time_is_up_and_no_others()
    {
        var (early, late) = (New(2), New(2));
        Append(early, answerBy: Start + TimeSpan.FromSeconds(1));
        Seal();
        Append(late, answerBy: Start + TimeSpan.FromSeconds(9));
        Seal();
        Settle(1, 1, Committed);

        window.GiveUp(Start + TimeSpan.FromSeconds(1), completed);
        window.GiveUp(Start + TimeSpan.FromSeconds(2), completed);

        Assert.Equal([Committed, Unknown], Kinds(Assert.Single(completed)));
        Assert.Same(early, completed[0]);
        Assert.False(window.IsEmpty);
        Assert.Equal(new SettledCounts(1, 0, 0), Settle(2, 2, Committed));
    }

    [Fact]
    public void Should_answer_all_when_it_is_abandoned_also_what_was_never_sent()
    {
        Append(New(1));
        Seal();
        Append(New(2));

        window.Abandon(completed);

        Assert.Equal(2, completed.Count);
        Assert.Equal([Unknown, NotWritten, NotWritten], completed.SelectMany(Kinds));
        Assert.True(window.IsEmpty);
    }

    [Fact]
    public void Should_tell_not_written_for_certain_where_the_only_copy_was_sent_late()
    {
        window.IsHeld = true;
        Append(New(1));
        Seal();

        Assert.Single(window.Resend(1, Start, TimeSpan.FromSeconds(1)));
        Settle(1, 1, NotWritten);

        Assert.Equal([NotWritten], Kinds(Assert.Single(completed)));
    }

    [Fact]
    public void Should_count_a_row_whose_verdict_was_lost_by_its_own_when_those_behind_it_are_told_first()
    {
        window.Open(Start.AddMinutes(1), Acknowledge.Accepted);
        Append(New(3));
        Seal();
        Assert.Equal(new SettledCounts(1, 0, 0), Settle(2, 2, Committed));

        // Of rows that are accepted only how many are not settled is kept: it must not take the third for the first.
        Assert.Equal(default, Settle(1, 3, Accepted));
        Assert.Equal(new SettledCounts(1, 0, 0), Settle(1, 1, Committed));
        Assert.Equal(new SettledCounts(0, 0, 0) { Accepted = 1 }, Settle(1, 3, Accepted));

        Assert.Equal([Accepted, Accepted, Accepted], Kinds(Assert.Single(completed)));
        Assert.Equal(new SettledCounts(1, 0, 0) { Accepted = -1 }, Settle(1, 3, Committed));
        Assert.True(window.IsEmpty);
    }

    private void Append(Submission submission, int first = 0, int? count = null, DateTimeOffset? answerBy = null)
    {
        var rows = count ?? submission.Rows.Count;
        if (!window.IsFilling) window.Open(answerBy ?? Start.AddMinutes(1));
        Assert.Equal(rows, window.Append(submission, first, rows, Options));
    }

    private Envelope Seal() => window.Seal(Start, TimeSpan.FromSeconds(2));

    private SettledCounts Settle(long first, long last, VerdictKind outcome) =>
        window.Settle(new Settled(Lane, Gateway, first, last, outcome, []) { IsRecorded = true }, completed, []);
}
