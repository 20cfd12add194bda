using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ingest.Bench.Load;

/// <summary>
/// What came of a load; <c>--json</c> writes it with these names in snake case. Once the load has ended,
/// <c>sent = committed + accepted + rejected + not_written + unknown + no_answer</c>.
/// </summary>
public sealed record LoadReport
{
    /// <summary><c>http</c> or <c>ndjson</c>.</summary>
    public required string Via { get; init; }

    public required string Table { get; init; }

    public required int Connections { get; init; }

    /// <summary>Rows in flight on one connection, at most; 1 for <c>http</c>.</summary>
    public required int Window { get; init; }

    /// <summary>The rate of an open loop in rows per second; null for a closed loop.</summary>
    public required double? TargetRate { get; init; }

    /// <summary>The rows that were to be committed.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows that were sent at least once.</summary>
    public required long Sent { get; init; }

    public required long Committed { get; init; }

    /// <summary>Rows answered with 202: journaled, to be in the table later.</summary>
    public required long Accepted { get; init; }

    public required long Rejected { get; init; }

    /// <summary>Times that a row was sent again after 429 or 503.</summary>
    public required long Retried { get; init; }

    /// <summary>Rows that were refused (429, 503) until they were given up: they are not in the table.</summary>
    public required long NotWritten { get; init; }

    /// <summary>Rows answered with 504 or another 5xx: they may be in the table or not.</summary>
    public required long Unknown { get; init; }

    /// <summary>Rows whose connection ended without an answer: they may be in the table or not.</summary>
    public required long NoAnswer { get; init; }

    public required double ElapsedSeconds { get; init; }

    /// <summary>Committed and accepted rows per second.</summary>
    public required double RowsPerSecond { get; init; }

    /// <summary>Microseconds from the (intended) sending of a row to its verdict, retries included.</summary>
    public required LatencyPercentiles LatencyMicroseconds { get; init; }

    /// <summary>CPU time of this process during the load, user and system.</summary>
    public required double GeneratorCpuSeconds { get; init; }

    public required RowCountCheck Count { get; init; }

    /// <summary>Why the load ended before its time or cannot be trusted; null where nothing is wrong.</summary>
    public required string? Failure { get; init; }

    /// <summary>The first answer that did not commit a row; null where there was none.</summary>
    public required string? FirstProblem { get; init; }

    /// <summary>Every row was committed (or accepted), and the database has exactly as many more rows.</summary>
    public bool Succeeded =>
        Failure is null && Committed + Accepted == Rows && Sent == Rows
            && Count.Verdict is CountVerdict.Matches or CountVerdict.Waived;

    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.LoadReport) + "\n";
}

/// <summary>What the comparison with the database came to.</summary>
public enum CountVerdict
{
    /// <summary>The rows that were added are those with a good verdict, plus at most those without any.</summary>
    Matches,

    /// <summary>Rows are missing, or there are too many.</summary>
    Differs,

    /// <summary>It could not be made; <see cref="RowCountCheck.Reason"/> says why.</summary>
    NotChecked,

    /// <summary>It was not wanted.</summary>
    Waived,
}

/// <summary>The table's rows before and after a load, and what the load's verdicts allow as their difference.</summary>
public sealed record RowCountCheck(
    CountVerdict Verdict, long? Before, long? After, long LeastAdded, long MostAdded, string? Reason)
{
    public long? Added => After - Before;

    /// <summary>Compares: committed and accepted rows must be there, rows of unknown outcome may be, others must
    /// not.</summary>
    public static RowCountCheck Compare(long before, long after, Tally tally)
    {
        var least = tally.Committed + tally.Accepted;
        var most = least + tally.Unknown + tally.NoAnswer;
        var verdict = after - before >= least && after - before <= most ? CountVerdict.Matches : CountVerdict.Differs;
        return new RowCountCheck(verdict, before, after, least, most, null);
    }

    public static RowCountCheck NotChecked(string reason) => new(CountVerdict.NotChecked, null, null, 0, 0, reason);
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    Converters = [typeof(CountVerdictConverter)])]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>Writes <c>matches</c>, <c>differs</c>, <c>not_checked</c> or <c>waived</c>.</summary>
internal sealed class CountVerdictConverter() : JsonStringEnumConverter<CountVerdict>(JsonNamingPolicy.SnakeCaseLower);
