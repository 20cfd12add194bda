using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>The tables of a scenario, and the judgement over them: each answer is held against the table.</summary>
internal static class FaultTables
{
    /// <summary>Makes tables without any key: a row that was written twice must show, not be refused.</summary>
    public static async Task<IReadOnlyList<string>> CreateAsync(RunPostgres postgres, string prefix, int count)
    {
        var tables = Enumerable.Range(0, count).Select(number => $"{prefix}_{number}").ToList();
        foreach (var table in tables)
        {
            await postgres.ExecuteAsync(
                $"CREATE TABLE {table} (n bigint NOT NULL, worth integer CHECK (worth >= 0), note text)");
        }

        return tables;
    }

    /// <summary>Compares what was answered with what is there.</summary>
    public static async Task<Judgement> JudgeAsync(RunPostgres postgres, IEnumerable<RowLog> logs)
    {
        var total = new Judgement();
        foreach (var log in logs)
        {
            var there = await CountAsync(postgres, log);
            total += Judge(log.Outcomes(), there);
        }

        return total;
    }

    /// <summary>Compares the outcomes of rows with how often each is in the table.</summary>
    /// <param name="there">For each row how often it is there, and the rows there that were never sent.</param>
    internal static Judgement Judge(ReadOnlySpan<RowOutcome> outcomes, (int[] Counts, int Strangers) there)
    {
        var judged = new Judgement { Sent = outcomes.Length, Strangers = there.Strangers };
        for (var row = 0; row < outcomes.Length; row++)
        {
            var count = there.Counts[row];
            judged.InTable += count;
            if (count > 1) judged.Doubled++;
            switch (outcomes[row])
            {
                case RowOutcome.Committed:
                    judged.Acknowledged++;
                    if (count == 0) judged.Lost++;
                    break;
                case RowOutcome.Accepted:
                    judged.JudgeAccepted(FaultLoad.IsBad(row), count);
                    break;
                case RowOutcome.Refused:
                    judged.NotWritten++;
                    if (count > 0) judged.UntrueNotWritten++;
                    break;
                case RowOutcome.Rejected:
                    judged.Rejected++;
                    if (count > 0) judged.UntrueRejected++;
                    break;
                default:
                    judged.Unknown++;
                    break;
            }
        }

        return judged;
    }

    private static async Task<(int[] Counts, int Strangers)> CountAsync(RunPostgres postgres, RowLog log)
    {
        var counts = new int[log.Sent];
        var strangers = 0;
        await using var command = postgres.Source.CreateCommand($"SELECT n FROM {log.Table}");
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (reader.GetInt64(0) is var number && number >= 0 && number < counts.Length) counts[number]++;
            else strangers++;
        }

        return (counts, strangers);
    }
}

/// <summary>What the oracle found, in rows.</summary>
internal record struct Judgement
{
    public long Sent { get; set; }

    /// <summary>Answered with 201 or 202.</summary>
    public long Acknowledged { get; set; }

    /// <summary>Those of them that were answered with 202.</summary>
    public long Accepted { get; set; }

    public long Rejected { get; set; }

    /// <summary>Answered with 503 or 429: not in the table, says the answer.</summary>
    public long NotWritten { get; set; }

    /// <summary>Answered with 504, or not at all: the row may be there or not.</summary>
    public long Unknown { get; set; }

    public long InTable { get; set; }

    /// <summary>Acknowledged, and not there.</summary>
    public long Lost { get; set; }

    /// <summary>Those of them that were answered with 202: until nodes have had their time, these are under
    /// way.</summary>
    public long LostAccepted { get; set; }

    /// <summary>There more than once, whatever the answer.</summary>
    public long Doubled { get; set; }

    /// <summary>There, though the answer was that it would not be.</summary>
    public long UntrueNotWritten { get; set; }

    /// <summary>There, though the answer was that it was rejected.</summary>
    public long UntrueRejected { get; set; }

    /// <summary>There, and never sent.</summary>
    public long Strangers { get; set; }

    /// <summary>A row that was accepted is there once, but for one that its table's constraint refuses.</summary>
    internal void JudgeAccepted(bool isBad, int count)
    {
        Acknowledged++;
        Accepted++;
        if (isBad && count > 0) UntrueRejected++;
        if (isBad || count > 0) return;
        Lost++;
        LostAccepted++;
    }

    public static Judgement operator +(Judgement left, Judgement right) => new()
    {
        Sent = left.Sent + right.Sent,
        Acknowledged = left.Acknowledged + right.Acknowledged,
        Accepted = left.Accepted + right.Accepted,
        Rejected = left.Rejected + right.Rejected,
        NotWritten = left.NotWritten + right.NotWritten,
        Unknown = left.Unknown + right.Unknown,
        InTable = left.InTable + right.InTable,
        Lost = left.Lost + right.Lost,
        LostAccepted = left.LostAccepted + right.LostAccepted,
        Doubled = left.Doubled + right.Doubled,
        UntrueNotWritten = left.UntrueNotWritten + right.UntrueNotWritten,
        UntrueRejected = left.UntrueRejected + right.UntrueRejected,
        Strangers = left.Strangers + right.Strangers,
    };
}
