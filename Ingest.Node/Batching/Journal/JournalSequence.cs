using System.Runtime.Serialization;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Batching.Journal;

/// <summary>
/// Checks that events that are read follow one another without a gap, but for those whose loss the operator accepts.
/// Pure.
/// </summary>
internal sealed class JournalSequence(long next, JournalMark mark)
{
    /// <summary>The event that is to come next.</summary>
    public long Next { get; private set; } = next;

    /// <summary>An event was read.</summary>
    /// <returns>The first event that is missing before it; null where there is none, or none that matters.</returns>
    public long? Take(long sequence)
    {
        var missing = Next;
        Next = sequence + 1;
        return sequence > missing && sequence - 1 > mark.Forgiven ? Math.Max(missing, mark.Forgiven + 1) : null;
    }

    /// <summary>There are no more events.</summary>
    /// <param name="last">The last one that must be there.</param>
    /// <returns>The event that is missing; null where there is none, or none that matters.</returns>
    public long? End(long last)
    {
        if (Next > last) return null;
        var missing = Math.Max(Next, mark.Forgiven + 1);
        Next = last + 1;
        return missing <= last ? missing : null;
    }

    /// <summary>The next event cannot be read; goes on behind it.</summary>
    /// <returns>True where its loss is accepted.</returns>
    public bool TryForgive()
    {
        if (Next > mark.Forgiven) return false;
        Next++;
        return true;
    }

    /// <summary>True where the event itself is at fault, and not the journal's database.</summary>
    public static bool IsDamage(Exception? cause) => cause switch
    {
        null => false,
        SerializationException => true,
        AggregateException all => all.InnerExceptions.Any(IsDamage),
        _ => IsDamage(cause.InnerException),
    };
}
