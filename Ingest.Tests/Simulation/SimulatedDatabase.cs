using System.Buffers.Binary;
using System.Collections.Immutable;
using Ingest.Messages;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Tests.Simulation;

/// <summary>
/// A model of what PostgreSQL keeps: the table, the ledger with its row locks, the rejections, and the transactions
/// that are open. It follows READ COMMITTED: a transaction sees what was committed when its statement runs, an UPDATE
/// waits for whoever has updated the row and then looks at it again, and an INSERT waits for whoever has inserted the
/// key.
/// </summary>
internal sealed class SimulatedDatabase(Oracle oracle, EventLog log, Sabotage sabotage)
{
    private readonly Dictionary<(LaneId Lane, GatewayId Gateway), long> ledger = [];
    private readonly Dictionary<(LaneId Lane, GatewayId Gateway, long First), (long Last, Rejection? Rejection)>
        records = [];
    private readonly Dictionary<LaneId, long> marks = [];
    private readonly List<Transaction> open = [];
    private int lastTransaction;

    /// <summary>No connection can be opened.</summary>
    public bool IsDown { get; private set; }

    /// <summary>Transactions whose client is gone: the server has yet to notice, or to carry out a COMMIT that was
    /// sent.</summary>
    public IEnumerable<Transaction> Orphans => open.Where(transaction => transaction.IsOrphan);

    /// <param name="client">The process that it belongs to.</param>
    /// <param name="sent">The batch that it is to write, where all is sent at once.</param>
    public Transaction Begin(object client, Batch? sent = null)
    {
        var transaction = new Transaction(++lastTransaction, client) { Sent = sent, IsCommitting = sent is not null };
        open.Add(transaction);
        return transaction;
    }

    /// <summary>False while another transaction holds what this move needs.</summary>
    public bool CanMove(Transaction transaction, LaneId lane, LedgerMove move)
    {
        var key = (lane, move.Gateway);
        var isHeld = open.Any(other => other != transaction && other.Moves.ContainsKey(key));
        if (!isHeld || sabotage.HasFlag(Sabotage.NoFence)) return !isHeld;
        // A row that is there is no reason for an INSERT to wait, nor one that is not there for an UPDATE.
        return ledger.ContainsKey(key) != move.From > 0;
    }

    /// <returns>False where the position is not where the move believes it.</returns>
    public bool Move(Transaction transaction, LaneId lane, LedgerMove move)
    {
        var key = (lane, move.Gateway);
        if (!sabotage.HasFlag(Sabotage.NoFence) && ledger.GetValueOrDefault(key) != move.From) return false;
        transaction.Moves[key] = move.To;
        return true;
    }

    /// <summary>Adds the batch's rows to the transaction, but for the bad ones.</summary>
    public ImmutableArray<RejectedRow> Copy(Transaction transaction, Batch batch)
    {
        var rejections = ImmutableArray.CreateBuilder<RejectedRow>();
        foreach (var part in batch.Parts)
        {
            if (part.Skipped)
            {
                transaction.Records.Add((batch.Lane, part.Range, null));
                continue;
            }

            foreach (var (position, row) in RowsOf(part))
            {
                if (!oracle.IsBad(row)) transaction.Rows.Add(row);
                else rejections.Add(new RejectedRow(part.Envelope.Gateway, position, new Rejection("23514", "Bad.")));
            }
        }

        foreach (var (gateway, position, rejection) in rejections)
            transaction.Records.Add((batch.Lane, new PositionRange(gateway, position, position), rejection));
        return rejections.DrainToImmutable();
    }

    /// <summary>False while another transaction holds what a batch needs that was sent at once.</summary>
    public bool CanCarryOut(Transaction transaction, Batch batch) =>
        batch.Moves.All(move => CanMove(transaction, batch.Lane, move));

    /// <returns>False where the transaction is rolled back: it has ended before, or what was sent at once cannot be
    /// carried out.</returns>
    public bool Commit(Transaction transaction)
    {
        if (!IsOpen(transaction)) return false;
        if (transaction.Sent is { } sent && !CarryOut(transaction, sent))
        {
            RollBack(transaction);
            return false;
        }

        open.Remove(transaction);
        log.Add($"       transaction {transaction.Number} is committed with {transaction.Rows.Count} rows");
        if (sabotage.HasFlag(Sabotage.LostCommit)) return true;
        foreach (var (key, position) in transaction.Moves) ledger[key] = position;
        foreach (var row in transaction.Rows) oracle.Committed(row);
        if (sabotage.HasFlag(Sabotage.NoRecord)) return true;
        foreach (var (lane, range, rejection) in transaction.Records)
        {
            var isNew = records.TryAdd((lane, range.Gateway, range.First), (range.Last, rejection));
            if (!isNew && !sabotage.HasFlag(Sabotage.NoFence))
                oracle.Fail($"position {range.First} is recorded twice");
        }

        return true;
    }

    public void RollBack(Transaction transaction)
    {
        if (open.Remove(transaction)) log.Add($"       transaction {transaction.Number} is rolled back");
    }

    /// <summary>A client is gone, and has ended none of its transactions.</summary>
    public void Abandon(object client)
    {
        foreach (var transaction in open.Where(transaction => transaction.Client == client))
            transaction.IsOrphan = true;
    }

    public LedgerRead ReadLedger(LaneId lane) =>
        new([.. ledger.Where(entry => entry.Key.Lane == lane)
            .Select(entry => new LedgerPosition(entry.Key.Gateway, entry.Value))])
        {
            Journal = new JournalMark(marks.GetValueOrDefault(lane), 0),
        };

    public void MarkJournal(MarkJournal mark) =>
        marks[mark.Lane] = Math.Max(marks.GetValueOrDefault(mark.Lane), mark.Settled);

    public long PositionOf(LaneId lane, GatewayId gateway) => ledger.GetValueOrDefault((lane, gateway));

    public VerdictsRead ReadVerdicts(LaneId lane, PositionRange range)
    {
        var found = records
            .Where(record => record.Key.Lane == lane && record.Key.Gateway == range.Gateway)
            .Where(record => record.Key.First <= range.Last && record.Value.Last >= range.First)
            .OrderBy(record => record.Key.First).ToList();
        return new VerdictsRead(
            range,
            [.. found.Where(record => record.Value.Rejection is not null)
                .Select(record => new RejectedRow(range.Gateway, record.Key.First, record.Value.Rejection!))],
            [.. found.Where(record => record.Value.Rejection is null).Select(record => range with
            {
                First = Math.Max(record.Key.First, range.First),
                Last = Math.Min(record.Value.Last, range.Last),
            })]);
    }

    /// <summary>The server stops: what is open is rolled back, but for commits that it had carried out by
    /// then.</summary>
    public void Stop(Random random)
    {
        IsDown = true;
        foreach (var transaction in open.ToArray())
        {
            if (transaction.IsCommitting && random.Next(2) == 0) Commit(transaction);
            else RollBack(transaction);
        }
    }

    public void Start() => IsDown = false;

    public bool IsOpen(Transaction transaction) => open.Contains(transaction);

    // A bad row or a move that fails aborts what was sent with it; a lock is waited for no longer than its time-out.
    private bool CarryOut(Transaction transaction, Batch batch) =>
        CanCarryOut(transaction, batch)
        // The gateways' own order is random.
        && batch.Moves.OrderBy(move => log.NumberOf(move.Gateway)).All(move => Move(transaction, batch.Lane, move))
        && Copy(transaction, batch).IsEmpty;

    private static IEnumerable<(long Position, int Row)> RowsOf(BatchPart part)
    {
        var rows = part.Envelope.Runs
            .SelectMany(run => Enumerable.Range(0, run.Count).Select(index => run.Slice(index, 1)))
            .Skip(part.Offset).Take(part.Count);
        var position = part.First;
        foreach (var tuple in rows) yield return (position++, BinaryPrimitives.ReadInt32BigEndian(tuple.Span));
        if (position != part.Last + 1) throw new InvalidOperationException("A part has not as many rows as positions.");
    }
}

/// <summary>What one transaction will do when it is committed.</summary>
internal sealed class Transaction(int number, object client)
{
    public int Number => number;

    public object Client => client;

    /// <summary>The positions that it has moved, and so locked.</summary>
    public Dictionary<(LaneId Lane, GatewayId Gateway), long> Moves { get; } = [];

    public List<int> Rows { get; } = [];

    public List<(LaneId Lane, PositionRange Range, Rejection? Rejection)> Records { get; } = [];

    /// <summary>A batch that was sent at once, with its COMMIT: it takes no lock before it is carried out.</summary>
    public Batch? Sent { get; init; }

    /// <summary>COMMIT was sent: from here on it may be committed at any time, whatever its client hears.</summary>
    public bool IsCommitting { get; set; }

    /// <summary>Its client is gone.</summary>
    public bool IsOrphan { get; set; }
}
