using System.Diagnostics;
using OpenTelemetry.Trace;

namespace Ingest.Node.Observability;

/// <summary>
/// Decides which spans are recorded: requests as their caller has decided, or by a share of them; batches with rows of
/// those; and what happens within either.
/// </summary>
internal sealed class RequestSampler(double ratio) : Sampler
{
    private readonly ParentBasedSampler requests = new(new TraceIdRatioBasedSampler(ratio));

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        // Only requests that are recorded are linked to.
        if (samplingParameters.Links?.Any() == true) return new SamplingResult(SamplingDecision.RecordAndSample);
        // The node's own questions to the database (its catalog, its health) would drown the rest.
        if (samplingParameters.ParentContext == default && samplingParameters.Kind == ActivityKind.Client)
            return new SamplingResult(SamplingDecision.Drop);
        return requests.ShouldSample(samplingParameters);
    }
}
