using Grpc.Core;
using Ingest.Messages;
using Ingest.Messages.Api.V1;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Streaming;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>The verdicts of a gRPC stream: rows with consecutive numbers that were written share one.</summary>
internal sealed class StreamVerdicts(IServerStreamWriter<CreateStreamResponse> responses) : IVerdictSink
{
    // What a message holds, about: a uuid is 16 bytes, an error some hundreds.
    private const int RowsInMessage = 4096;
    private const int ErrorCountsAs = 16;

    private readonly CreateStreamResponse response = new();
    private readonly RowIds ids = new();
    private Verdicts? open;
    private IdKind? openKind;
    private int weight;
    private bool isGone;

    public bool IsFull => weight >= RowsInMessage;

    public void Write(Chunk chunk)
    {
        foreach (var (number, row, count, problem) in chunk.Runs)
            for (var line = 0; line < count; line++)
                Answer((ulong)(number + line), chunk, row + line, problem ?? chunk.Refused);
    }

    public void Close(Problem? ending)
    {
        // The status of the call says how the stream ended.
    }

    public async ValueTask SendAsync()
    {
        CloseRange();
        if (response.Verdicts.Count == 0) return;
        try
        {
            // It waits while the caller does not read, and then the stream is not read either.
            if (!isGone) await responses.WriteAsync(response);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The last one is what a write says to a call that has been cancelled.
            isGone = true;
        }

        response.Verdicts.Clear();
        weight = 0;
    }

    private static Outcome OutcomeOf(VerdictKind kind) => kind switch
    {
        VerdictKind.Committed => Outcome.Committed,
        VerdictKind.Accepted => Outcome.Accepted,
        VerdictKind.Rejected => Outcome.Rejected,
        VerdictKind.NotWritten or VerdictKind.Overloaded => Outcome.NotWritten,
        _ => Outcome.Unknown,
    };

    private static Outcome OutcomeOf(Problem early) => early.MayRetry ? Outcome.NotWritten : Outcome.Rejected;

    private void Answer(ulong number, Chunk chunk, int row, Problem? early)
    {
        if (early is not null) AddError(number, OutcomeOf(early), early);
        else if (Problems.Of(chunk.Submission![row]) is { } problem)
            AddError(number, OutcomeOf(chunk.Submission[row].Kind), problem);
        else AddWritten(number, chunk, row);
    }

    private void AddWritten(ulong number, Chunk chunk, int row)
    {
        IdKind? kind = chunk.OmitsIds ? null : RowIds.KindOf(chunk.Submission!, row);
        var outcome = OutcomeOf(chunk.Submission![row].Kind);
        if (open is null || open.Outcome != outcome || open.First + open.Count != number || openKind != kind)
        {
            CloseRange();
            open = new Verdicts { First = number, Outcome = outcome };
            openKind = kind;
        }

        open.Count++;
        weight++;
        if (kind is { } known) ids.Add(known, chunk.Submission, row);
        if (outcome == Outcome.Accepted) open.Receipts.Add(chunk.Submission.ReceiptOf(row).ToString());
    }

    private void AddError(ulong number, Outcome outcome, Problem problem)
    {
        CloseRange();
        weight += ErrorCountsAs;
        response.Verdicts.Add(new Verdicts
        {
            First = number,
            Count = 1,
            Outcome = outcome,
            Error = GrpcProblems.ToError(problem),
        });
    }

    private void CloseRange()
    {
        if (open is null) return;
        if (openKind is not null) open.Ids = ids.Take();
        response.Verdicts.Add(open);
        open = null;
    }
}
