using Akka.Actor;
using BenchmarkDotNet.Attributes;
using Ingest.Bench.Load;
using Ingest.Messages;
using Ingest.Messages.Wire;
using Ingest.Node.Batching;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using static Ingest.Messages.WriterProtocol;
using Envelope = Ingest.Messages.LaneProtocol.Envelope;

namespace Ingest.Bench.Micro;

/// <summary>
/// Rows of single callers through a gateway's window into an envelope, over the wire, and through a lane's buffer into
/// a batch and back to the callers. Figures are for the whole of <see cref="Rows"/> rows.
/// </summary>
[MemoryDiagnoser]
public class EnvelopeBenchmark
{
    private static readonly LaneId Lane = new("clicks", 0);
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private readonly List<Submission> submissions = [];
    private readonly List<Submission> completed = [];
    private readonly List<Rejection> rejected = [];
    private readonly GatewayOptions options = new()
    {
        RequestTimeout = TimeSpan.FromSeconds(30),
        AnswerMargin = TimeSpan.FromSeconds(2),
        InFlightRows = 500_000,
        InFlightBytes = 1 << 28,
        EnvelopeRows = 4_096,
        EnvelopeBytes = 512 * 1024,
        ProbeAfter = TimeSpan.FromSeconds(1),
    };

    private LaneWindow window = null!;
    private LaneBuffer buffer = null!;
    private LaneProtocolSerializer serializer = null!;
    private ActorSystem system = null!;
    private Envelope envelope = null!;
    private byte[] wire = null!;
    private string manifest = null!;

    /// <summary>Rows in an envelope: what 128 callers send while one batch is written, and what a stream
    /// does.</summary>
    [Params(64, 4_096)]
    public int Rows { get; set; }

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var table = await MicroTable.ReadAsync();
        var (encoder, errors, source) = (new RowEncoder(table), new RowErrors(), new RowSource());
        for (var row = 0; row < Rows; row++)
        {
            var submission = new Submission { Table = table };
            encoder.EncodeJson(source[row].Span, submission.Rows, errors);
            submissions.Add(submission);
        }

        var batching = new BatchingOptions
        {
            FlushEvery = 10_000,
            FlushInterval = TimeSpan.Zero,
            FlushBytes = 8 << 20,
            Lanes = 1,
            Acknowledge = Acknowledge.Committed,
            JournalBacklogBytes = 1 << 20,
            BufferBytes = 64 << 20,
            RetryMin = TimeSpan.FromMilliseconds(50),
            RetryMax = TimeSpan.FromSeconds(2),
            StopTimeout = TimeSpan.FromSeconds(8),
        };
        window = new LaneWindow(Lane, new GatewayId(Guid.CreateVersion7()));
        buffer = new LaneBuffer(Lane, batching);
        system = ActorSystem.Create("micro");
        serializer = (LaneProtocolSerializer)LaneProtocolSerialization.Create((ExtendedActorSystem)system);
        envelope = Seal();
        wire = serializer.ToBinary(envelope);
        manifest = serializer.Manifest(envelope);
        Settle(envelope);
    }

    [GlobalCleanup]
    public Task CleanUpAsync() => system.Terminate();

    /// <summary>From the callers to an envelope, to a batch, and back.</summary>
    [Benchmark]
    public int WindowAndBatch() => Settle(Seal());

    [Benchmark]
    public byte[] ToWire() => serializer.ToBinary(envelope);

    [Benchmark]
    public object FromWire() => serializer.FromBinary(wire, manifest);

    private Envelope Seal()
    {
        window.Open(Now.AddSeconds(30));
        foreach (var submission in submissions)
        {
            // CA2012: nobody awaits it.
#pragma warning disable CA2012
            _ = submission.Begin(now: 0);
#pragma warning restore CA2012
            window.Append(submission, 0, 1, options);
        }

        return window.Seal(Now, TimeSpan.FromSeconds(2));
    }

    private int Settle(Envelope sealedNow)
    {
        buffer.Offer(sealedNow, Now);
        var batch = buffer.Take(FlushCause.Age);
        buffer.Commit(batch);
        foreach (var settled in BatchAnswers.For(batch, new Written(batch.Id, [])))
            window.Settle(settled, completed, rejected);
        var count = completed.Count;
        completed.Clear();
        return count;
    }
}
