using Ingest.Bench.Load;

namespace Ingest.Bench.Faults;

/// <summary>What each row of one table was answered, by the number that the load gave it: 0, 1, 2, ...</summary>
internal sealed class RowLog(string table)
{
    /// <summary>Behind the last outcome: the row has none yet.</summary>
    private const byte Pending = byte.MaxValue;

    private readonly Lock @lock = new();
    private readonly List<byte> outcomes = [];

    public string Table => table;

    public int Sent
    {
        get
        {
            lock (@lock) return outcomes.Count;
        }
    }

    /// <summary>Numbers a row that is about to be sent.</summary>
    public int Begin()
    {
        lock (@lock)
        {
            outcomes.Add(Pending);
            return outcomes.Count - 1;
        }
    }

    public void Settle(int row, RowOutcome outcome)
    {
        lock (@lock)
        {
            if (outcomes[row] != Pending)
                throw new InvalidOperationException($"Row {row} of {table} was answered twice.");
            outcomes[row] = (byte)outcome;
        }
    }

    /// <summary>The outcome of each row. One that was never answered is as one whose connection ended.</summary>
    public RowOutcome[] Outcomes()
    {
        lock (@lock)
            return [.. outcomes.Select(code => code == Pending ? RowOutcome.NoAnswer : (RowOutcome)code)];
    }
}
