using System.Text;
using Ingest.Messages;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Tests.Catalog;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Gateway;

/// <summary>
/// What a row costs in allocated bytes on its way, counted by the runtime and so the same at each run: no figure here
/// depends on how fast or how busy a machine is.
/// </summary>
public sealed class RowAllocationTests : CatalogTest
{
    private const int Rows = 64;

    private const string Click =
        """{"url":"https://www.example.com/products/1","user_id":42,"amount":1.5,"at":"2025-01-01T00:00:00Z"}""";

    [Fact]
    public async Task Should_encode_a_row_without_allocating()
    {
        var table = await ClicksAsync();
        var (encoder, block, errors) = (new RowEncoder(table), new RowBlock(), new RowErrors());
        var row = Encoding.UTF8.GetBytes(Click);

        var bytes = AllocatedBy(() =>
        {
            block.Clear();
            for (var i = 0; i < Rows; i++) encoder.EncodeJson(row, block, errors);
        });

        Assert.Equal((Rows, 0), (block.Count, bytes));
    }

    [Fact]
    public async Task Should_take_a_row_from_its_caller_to_its_batch_and_back_within_its_budget()
    {
        var table = await ClicksAsync();
        var (encoder, errors) = (new RowEncoder(table), new RowErrors());
        var row = Encoding.UTF8.GetBytes(Click);
        var submissions = Enumerable.Range(0, Rows).Select(_ => new Submission { Table = table }).ToList();
        var lane = new LaneId("clicks", 0);
        var window = new LaneWindow(lane, new GatewayId(Guid.CreateVersion7()));
        var buffer = new LaneBuffer(lane, BatcherOptions);
        var (completed, rejected) = (new List<Submission>(), new List<Rejection>());
        var now = DateTimeOffset.UnixEpoch;
        var done = 0;

        var bytes = AllocatedBy(() =>
        {
            window.Open(now.AddSeconds(30));
            foreach (var submission in submissions)
            {
                submission.Rows.Clear();
                encoder.EncodeJson(row, submission.Rows, errors);
                // CA2012: nobody awaits it, and to keep it otherwise would allocate what no caller does.
#pragma warning disable CA2012
                _ = submission.Begin(now: 0);
#pragma warning restore CA2012
                window.Append(submission, 0, 1, Submissions.Options);
            }

            var envelope = window.Seal(now, TimeSpan.FromSeconds(2));
            buffer.Offer(envelope, now);
            var batch = buffer.Take(FlushCause.Age);
            buffer.Commit(batch);
            foreach (var settled in BatchAnswers.For(batch, new Written(batch.Id, [])))
                window.Settle(settled, completed, rejected);
            done = completed.Count;
            completed.Clear();
        });

        Assert.Equal(Rows, done);

        // The copy of the tuple is some hundred bytes of it; the rest is shared by the rows of the batch.
        Assert.InRange(bytes / Rows, 0, 190);
    }

    private static BatchingOptions BatcherOptions => new()
    {
        FlushEvery = 10_000,
        FlushInterval = TimeSpan.Zero,
        FlushBytes = 1 << 20,
        Lanes = 1,
        Acknowledge = Acknowledge.Committed,
        JournalBacklogBytes = 1 << 20,
        BufferBytes = 1 << 20,
        RetryMin = TimeSpan.FromMilliseconds(100),
        RetryMax = TimeSpan.FromSeconds(2),
        StopTimeout = TimeSpan.FromSeconds(8),
    };

    private Task<TableDescriptor> ClicksAsync() => DescribeAsync(
        """
        CREATE TABLE t (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), url text NOT NULL, user_id bigint,
            amount double precision, at timestamptz NOT NULL DEFAULT now())
        """);

    /// <summary>Bytes that this thread allocates in one pass, once storage has grown and code is compiled.</summary>
    private static long AllocatedBy(Action pass)
    {
        for (var i = 0; i < 3; i++) pass();
        var before = GC.GetAllocatedBytesForCurrentThread();
        pass();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
