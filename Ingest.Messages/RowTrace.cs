using System.Diagnostics;

namespace Ingest.Messages;

/// <summary>Consecutive rows of one traced request.</summary>
/// <param name="Row">The first row's place in its envelope, counted from 0.</param>
/// <param name="Count">The number of rows.</param>
/// <param name="Request">The request's span (W3C Trace Context), to which the batch's span is linked.</param>
public readonly record struct RowTrace(int Row, int Count, ActivityContext Request)
{
    /// <summary>Traces in one envelope at most; the requests behind them are traced without the link.</summary>
    public const int MaxInEnvelope = 128;
}
