using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ingest.Bench.Faults;

/// <summary>What came of one scenario; one element of the file that <c>--json</c> writes.</summary>
internal sealed record FaultResult
{
    /// <summary>A lane that a fault does not strike may pause as long as a busy machine makes it.</summary>
    private static readonly TimeSpan Undisturbed = TimeSpan.FromSeconds(3);

    public required string Scenario { get; init; }

    public required string Title { get; init; }

    /// <summary>Why it was not run; null where it was.</summary>
    public string? Skipped { get; init; }

    public double Seconds { get; init; }

    public Judgement Rows { get; init; }

    /// <summary>Answers of the server's with a status of 500 or more, 503 and 504 included.</summary>
    public long ServerErrors { get; init; }

    /// <summary>Seconds until service resumed; null where it did not.</summary>
    public double? ResumedAfterSeconds { get; init; }

    /// <summary>Longest stall of a lane that was not struck, in seconds; null where all were struck.</summary>
    public double? OtherStallSeconds { get; init; }

    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>Which promises were broken; empty where none was.</summary>
    public ImmutableArray<string> Failures { get; init; } = [];

    public bool Passed => Failures.IsEmpty;

    /// <summary>The same with what was found.</summary>
    public FaultResult Of(Scenario scenario, Scene scene, Judgement rows, TimeSpan took)
    {
        var errors = scene.Load.Answers.Where(answer => answer.Key >= 500).Sum(answer => answer.Value);
        var failures = scene.Failures.ToImmutableArray().ToBuilder();
        Demand(rows.Acknowledged > 0, "no row was acknowledged");
        Demand(rows.Lost == 0, $"{rows.Lost} rows lost");
        Demand(rows.Doubled == 0, $"{rows.Doubled} rows doubled");
        Demand(rows.UntrueNotWritten == 0, $"{rows.UntrueNotWritten} rows written that were answered 503 or 429");
        Demand(rows.UntrueRejected == 0, $"{rows.UntrueRejected} rows written that were rejected");
        Demand(rows.Strangers == 0, $"{rows.Strangers} rows in the tables that nobody sent");
        var within = scenario.ResumeWithin;
        Demand(scene.Resumed <= within, $"service was to resume within {within.TotalSeconds} s");
        var isCalm = scene.OtherStall is null || scene.OtherStall <= Undisturbed;
        Demand(isCalm, "lanes were disturbed that were not struck");
        Demand(!scenario.WithoutServerErrors || errors == 0, $"{errors} answers were server errors");
        return this with
        {
            Seconds = Math.Round(took.TotalSeconds, 1),
            Rows = rows,
            ServerErrors = errors,
            ResumedAfterSeconds = scene.Resumed?.TotalSeconds,
            OtherStallSeconds = scene.OtherStall?.TotalSeconds,
            Notes = [.. scene.Notes],
            Failures = failures.ToImmutable(),
        };

        void Demand(bool holds, string failure)
        {
            if (!holds) failures.Add(failure);
        }
    }

    public static string ToJson(IReadOnlyList<FaultResult> results) =>
        JsonSerializer.Serialize(results, FaultJson.Default.IReadOnlyListFaultResult) + "\n";
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<FaultResult>))]
internal sealed partial class FaultJson : JsonSerializerContext;
