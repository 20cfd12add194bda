using System.Collections.Immutable;

namespace Ingest.Node.Observability;

/// <summary>What may become of a dead letter.</summary>
internal enum LetterEvent : byte
{
    /// <summary>A lane of this node has kept a refused row.</summary>
    Kept,

    /// <summary>A caller of this node has had it replayed: its row is in the table.</summary>
    Replayed,

    /// <summary>A caller of this node has discarded it.</summary>
    Discarded,
}

/// <summary>One table's dead letters on this node since its start. Thread-safe.</summary>
internal sealed class LetterCounters
{
    private readonly long[] events = new long[Events.Length];

    public static ImmutableArray<LetterEvent> Events { get; } = [.. Enum.GetValues<LetterEvent>()];

    public void Add(LetterEvent happened, long letters) => Interlocked.Add(ref events[(int)happened], letters);

    public long Count(LetterEvent happened) => Interlocked.Read(ref events[(int)happened]);

    /// <summary>The value of the attribute <c>ingest.event</c>.</summary>
    public static string NameOf(LetterEvent happened) => happened switch
    {
        LetterEvent.Kept => "kept",
        LetterEvent.Replayed => "replayed",
        _ => "discarded",
    };
}
