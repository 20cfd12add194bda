using System.Collections.Immutable;
using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>What may befall the rows of a lane on their way, apart from being written.</summary>
internal enum LaneEvent : byte
{
    /// <summary>A gateway sent an envelope again, since the lane asked for it.</summary>
    Resend,

    /// <summary>A gateway asked a silent lane how far it has come.</summary>
    Probe,

    /// <summary>A lane was sent positions that it had seen.</summary>
    Duplicate,

    /// <summary>A lane missed positions, and asked for them.</summary>
    Gap,

    /// <summary>A lane's buffer was full; the gateway sends again later.</summary>
    Full,

    /// <summary>An attempt to write failed for a reason that passes, and is made again.</summary>
    Retry,

    /// <summary>The outcome of a commit was not known, and is looked up in the ledger.</summary>
    InDoubt,

    /// <summary>The ledger showed that another incarnation of the lane had written; this one starts afresh.</summary>
    Fence,
}

/// <summary>One table's flushes and events on this node since its start. Thread-safe.</summary>
internal sealed class LaneCounters
{
    private readonly long[] flushes = new long[Causes.Length];
    private readonly long[] events = new long[Events.Length];
    private long attempts;
    private long rowsTried;
    private long suspects;

    public static ImmutableArray<FlushCause> Causes { get; } = [.. Enum.GetValues<FlushCause>()];

    public static ImmutableArray<LaneEvent> Events { get; } = [.. Enum.GetValues<LaneEvent>()];

    /// <summary>Statements that tried rows.</summary>
    public long Attempts => Interlocked.Read(ref attempts);

    /// <summary>Rows in these statements.</summary>
    public long RowsTried => Interlocked.Read(ref rowsTried);

    /// <summary>Rows that were set apart and tried one by one.</summary>
    public long Suspects => Interlocked.Read(ref suspects);

    public void Flush(FlushCause cause) => Interlocked.Increment(ref flushes[(int)cause]);

    public void Note(LaneEvent happened) => Interlocked.Increment(ref events[(int)happened]);

    public void Add(WriteStats stats)
    {
        Interlocked.Add(ref attempts, stats.Attempts);
        Interlocked.Add(ref rowsTried, stats.RowsTried);
        Interlocked.Add(ref suspects, stats.Suspects);
    }

    public long Flushes(FlushCause cause) => Interlocked.Read(ref flushes[(int)cause]);

    public long Count(LaneEvent happened) => Interlocked.Read(ref events[(int)happened]);

    public IReadOnlyDictionary<string, long> FlushesByCause() => Causes.ToDictionary(NameOf, Flushes);

    public IReadOnlyDictionary<string, long> ByEvent() => Events.ToDictionary(NameOf, Count);

    /// <summary>The value of the attribute <c>ingest.cause</c>.</summary>
    public static string NameOf(FlushCause cause) => cause switch
    {
        FlushCause.Count => "count",
        FlushCause.Bytes => "bytes",
        FlushCause.Age => "age",
        _ => "drain",
    };

    /// <summary>The value of the attribute <c>ingest.event</c>.</summary>
    public static string NameOf(LaneEvent happened) => happened switch
    {
        LaneEvent.Resend => "resend",
        LaneEvent.Probe => "probe",
        LaneEvent.Duplicate => "duplicate",
        LaneEvent.Gap => "gap",
        LaneEvent.Full => "full",
        LaneEvent.Retry => "retry",
        LaneEvent.InDoubt => "in_doubt",
        _ => "fence",
    };
}
