using System.Diagnostics;
using Ingest.Messages;

namespace Ingest.Node.Observability;

/// <summary>
/// The source <c>Ingest</c>: a span for each batch with rows of traced requests, linked to those. A batch has rows of
/// many requests, so it is nobody's child; Npgsql's spans are its children.
/// </summary>
internal static class BatchTracing
{
    public const string SourceName = "Ingest";

    /// <summary>Links of one span at most, OpenTelemetry's own limit.</summary>
    private const int MaxLinks = 128;

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Begins the span of an attempt to write a batch.</summary>
    /// <returns>null where nobody listens, or none of its rows is of a traced request.</returns>
    public static Activity? Start(Batch batch)
    {
        if (!Source.HasListeners() || LinksOf(batch) is not { } links) return null;
        // What runs on this thread otherwise has nothing to do with it.
        Activity.Current = null;
        return Source.StartActivity(
            "ingest.batch.write",
            ActivityKind.Internal,
            parentContext: default,
            tags:
            [
                new(Instruments.Table, batch.Lane.Table),
                new("ingest.lane", batch.Lane.Number),
                new(Instruments.Cause, LaneCounters.NameOf(batch.Cause)),
                new("ingest.batch.rows", batch.Count),
            ],
            links);
    }

    /// <summary>Says how the attempt ended; its caller disposes of the span.</summary>
    public static void Close(Activity? span, string result)
    {
        if (span is null) return;
        span.SetTag(Instruments.Result, result);
        if (result != WriteOutcomes.Written) span.SetStatus(ActivityStatusCode.Error, result);
    }

    private static HashSet<ActivityLink>? LinksOf(Batch batch)
    {
        HashSet<ActivityLink>? links = null;
        foreach (var part in batch.Parts)
        {
            if (part.Skipped) continue;
            foreach (var trace in part.Envelope.Traces)
            {
                if (trace.Row + trace.Count <= part.Offset || trace.Row >= part.Offset + part.Count) continue;
                links ??= [];
                links.Add(new ActivityLink(trace.Request));
                if (links.Count == MaxLinks) return links;
            }
        }

        return links;
    }
}
