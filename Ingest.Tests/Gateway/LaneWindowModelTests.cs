using System.Collections.Immutable;
using CsCheck;
using Ingest.Messages;
using Ingest.Node.Gateway;
using static Ingest.Messages.LaneProtocol;
using static Ingest.Tests.Gateway.Submissions;

namespace Ingest.Tests.Gateway;

/// <summary>A window under random appends, seals, answers, resends and deadlines, held against a list.</summary>
public sealed class LaneWindowModelTests
{
    private static readonly LaneId Lane = new("clicks", 0);

    private static readonly GatewayId Gateway = new(new Guid("00000000-0000-7000-8000-000000000001"));

    private static readonly Rejection Refused = new("23514", "The row violates a check constraint.");

    private enum Act
    {
        Append,
        Seal,
        Commit,
        Reject,
        NotWrite,
        Resend,
        GiveUp,
    }

    [Fact]
    public void Should_settle_each_row_once_with_the_first_thing_that_was_said_of_it() =>
        Gen.Select(Gen.Enum<Act>(), Gen.Int[0, 30], Gen.Int[1, 12]).Array[1, 60].Sample(
            acts =>
            {
                var run = new Run();
                foreach (var (act, from, length) in acts) run.Do(act, from, length);
                run.Finish();
            },
            iter: 1_000);

    /// <summary>One window and what must be true of it.</summary>
    private sealed class Run
    {
        private readonly LaneWindow window = new(Lane, Gateway);
        private readonly GatewayOptions options = Options with { EnvelopeRows = 5 };
        private readonly List<Row> rows = [];
        private readonly List<Submission> submissions = [];
        private readonly List<Submission> completed = [];
        private DateTimeOffset now = DateTimeOffset.UnixEpoch;
        private int sealedRows;
        private int counted;

        public void Do(Act act, int from, int length)
        {
            now += TimeSpan.FromSeconds(1);
            switch (act)
            {
                case Act.Append:
                    Append(length);
                    break;
                case Act.Seal when window.IsFilling:
                    Seal();
                    break;
                case Act.Commit:
                    Settle(from, length, VerdictKind.Committed, []);
                    break;
                case Act.Reject:
                    Settle(from, length, VerdictKind.Committed, [new RowRejection(from, Refused)]);
                    break;
                case Act.NotWrite:
                    Settle(from, length, VerdictKind.NotWritten, []);
                    break;
                case Act.Resend:
                    Resend(from);
                    break;
                case Act.GiveUp:
                    GiveUp();
                    break;
            }

            Assert.Equal(rows.Count(row => !row.IsSettled), window.Rows);
        }

        public void Finish()
        {
            if (window.IsFilling) Seal();
            Settle(1, rows.Count, VerdictKind.Committed, []);
            Assert.True(window.IsEmpty);
            Assert.Equal((0, rows.Count), (window.Rows, counted));
            // Each submission is completed once, and each row has what it was told first.
            Assert.Equal(submissions.Count, completed.Count);
            Assert.Equal(submissions.Count, completed.Distinct().Count());
            Assert.All(rows, row => Assert.Equal(row.Told, row.Submission[row.Index].Kind));
        }

        private void Append(int length)
        {
            var submission = New(length);
            submissions.Add(submission);
            for (var row = 0; row < length;)
            {
                if (!window.IsFilling) window.Open(now + TimeSpan.FromSeconds(5));
                var taken = window.Append(submission, row, length - row, options);
                for (var index = row; index < row + taken; index++) rows.Add(new Row(submission, index));
                row += taken;
                if (row < length) Seal();
            }
        }

        private void Seal()
        {
            var envelope = window.Seal(now, TimeSpan.Zero);
            Assert.Equal((sealedRows + 1, rows.Count), (envelope.First, envelope.Last));
            Assert.InRange(envelope.Count, 1, options.EnvelopeRows);
            foreach (var row in rows[sealedRows..])
                (row.Envelope, row.AnswerBy, row.Sends) = (envelope.First, envelope.Deadline, 1);
            sealedRows = rows.Count;
        }

        private void Settle(int from, int length, VerdictKind outcome, ImmutableArray<RowRejection> rejections)
        {
            // A lane speaks only of what it was sent.
            var (first, last) = (Math.Max(from, 1), Math.Min(from + length - 1, sealedRows));
            if (first > last) return;
            counted += window.Settle(new Settled(Lane, Gateway, first, last, outcome, rejections), completed, []).Total;
            for (var position = first; position <= last; position++)
            {
                var row = rows[position - 1];
                row.IsSettled = true;
                row.IsGivenUp |= outcome == VerdictKind.NotWritten;
                if (row.Told != VerdictKind.Pending) continue;
                if (rejections.Any(rejection => rejection.Position == position)) row.Told = VerdictKind.Rejected;
                else row.Told = outcome == VerdictKind.NotWritten && row.Sends > 1 ? VerdictKind.Unknown : outcome;
            }
        }

        private void Resend(int from)
        {
            foreach (var envelope in window.Resend(from, now, TimeSpan.Zero))
            {
                Assert.True(envelope.Last >= from);
                var sent = rows.Where(row => row.Envelope == envelope.First).ToList();
                // An envelope of which a lane has given up on a row is past its deadline: no other is to write the
                // rest.
                var isOver = sent.Exists(row => row.IsGivenUp)
                    || sent.TrueForAll(row => row.Told != VerdictKind.Pending);
                Assert.Equal(isOver, envelope.IsSkip);
                foreach (var row in sent) row.Sends++;
            }
        }

        private void GiveUp()
        {
            window.GiveUp(now, completed);
            foreach (var row in rows.Take(sealedRows))
                if (row.AnswerBy <= now && row.Told == VerdictKind.Pending) row.Told = VerdictKind.Unknown;
        }
    }

    private sealed class Row(Submission submission, int index)
    {
        public Submission Submission => submission;

        public int Index => index;

        public long Envelope { get; set; }

        public int Sends { get; set; }

        public DateTimeOffset AnswerBy { get; set; }

        public bool IsSettled { get; set; }

        /// <summary>A lane has said that it is not written.</summary>
        public bool IsGivenUp { get; set; }

        public VerdictKind Told { get; set; }
    }
}
