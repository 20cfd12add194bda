using Ingest.Messages;
using Ingest.Node.Gateway;
using Ingest.Tests.Http;

namespace Ingest.Tests.Gateway;

/// <summary>Submissions of rows whose tuples nobody looks into.</summary>
internal static class Submissions
{
    public static readonly GatewayOptions Options = new()
    {
        RequestTimeout = TimeSpan.FromSeconds(30),
        AnswerMargin = TimeSpan.FromSeconds(2),
        InFlightRows = 10_000,
        InFlightBytes = 1 << 20,
        EnvelopeRows = 100,
        EnvelopeBytes = 1 << 20,
        ProbeAfter = TimeSpan.FromSeconds(1),
    };

    public static readonly Shape Url = new([new ShapeColumn("url", "text")]);

    public static readonly Shape UrlAndUser = new([new ShapeColumn("url", "text"), new ShapeColumn("user_id", "int8")]);

    /// <summary>A submission that has begun and belongs to nobody.</summary>
    public static Submission New(int rows, int bytes = 10, Shape? shape = null)
    {
        var submission = new Submission { Table = TestTables.Clicks() };
        Fill(submission, rows, bytes, shape);
        // Nobody awaits it: what it comes to is read from it.
        submission.Begin(now: 0).Preserve();
        return submission;
    }

    /// <summary>Adds rows; the first byte of each tuple is the row's index.</summary>
    public static void Fill(Submission submission, int rows, int bytes = 10, Shape? shape = null)
    {
        for (var row = 0; row < rows; row++)
        {
            var tuple = submission.Rows.Writer.Append(bytes);
            tuple.Clear();
            tuple[0] = (byte)submission.Rows.Count;
            submission.Rows.Commit(shape ?? Url);
        }
    }

    public static IEnumerable<VerdictKind> Kinds(Submission submission) =>
        Enumerable.Range(0, submission.Rows.Count).Select(row => submission[row].Kind);
}
