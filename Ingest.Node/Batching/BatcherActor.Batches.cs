using Akka.Actor;
using Ingest.Messages;
using Ingest.Node.Observability;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Batching;

/// <summary>What a lane does with a batch: takes it when it is due, has it written, and answers or tries
/// again.</summary>
internal sealed partial class BatcherActor
{
    private void FlushIfDue()
    {
        if (writing is not null || pausing) return;
        ReadBackIfRoom();
        if (buffer.IsEmpty)
        {
            draining = stopping;
            StopIfDone();
            return;
        }

        var now = Now;
        if (buffer.Due(now, draining) is not { } cause)
        {
            if (!Timers.IsTimerActive(nameof(FlushDue)))
                Timers.StartSingleTimer(nameof(FlushDue), FlushDue.Instance, buffer.DueIn(now));
            return;
        }

        Timers.Cancel(nameof(FlushDue));
        HandleExpire();
        writing = buffer.Take(cause);
        metrics.RecordBatch(writing);
        writer.Tell(new Write(writing));
    }

    private void HandleWritten(Written written)
    {
        if (writing is not { } batch || written.BatchId != batch.Id) return; // An answer to an earlier incarnation.
        writing = null;
        buffer.Commit(batch);
        backlog.Settle(buffer.Settled);
        NoteSuccess();
        foreach (var settled in BatchAnswers.For(batch, written))
            if (gateways.TryGetValue(settled.Gateway, out var actor)) actor.Tell(settled);
        FlushIfDue();
    }

    private void HandleFailed(Failed failed)
    {
        if (failed.BatchId == 0)
        {
            asking.Clear(); // The ledger could not be asked; the gateways ask again.
            progress.Fail();
        }

        if (writing is not { } batch || failed.BatchId != batch.Id) return;
        switch (failed.Failure)
        {
            case WriteFailure.Transient:
                metrics.LaneEvents.Note(LaneEvent.Retry);
                writing = null;
                buffer.PutBack(batch);
                PauseAfter(failed);
                break;
            case WriteFailure.InDoubt:
                metrics.LaneEvents.Note(LaneEvent.InDoubt);
                // The batch stays out: none of its rows may be given up on, or tried again, before its outcome is
                // known.
                PauseAfter(failed);
                break;
            case WriteFailure.Fenced:
                metrics.LaneEvents.Note(LaneEvent.Fence);
                metrics.Log.Fenced(lane, failed.Reason);
                StartAfresh();
                break;
            default:
                throw new InvalidOperationException($"Unknown failure {failed.Failure}.");
        }
    }

    private void HandleRetry()
    {
        pausing = false;
        if (writing is { } inDoubt) writer.Tell(new Resolve(inDoubt));
        else FlushIfDue();
    }

    private void PauseAfter(Failed failed)
    {
        pausing = true;
        Timers.StartSingleTimer(nameof(Retry), Retry.Instance, retries.Next());
        // One line when trouble begins; a database that is down for an hour must not fill the disk.
        if (retries.Failures == 1) metrics.Log.CannotWrite(lane, failed.Reason);
        StopIfDone();
    }

    private void NoteSuccess()
    {
        pausing = false;
        Timers.Cancel(nameof(Retry));
        if (retries.Failures > 0) metrics.Log.WritesAgain(lane, retries.Failures);
        retries.Reset();
    }

    /// <summary>Stops once nothing is left that only this incarnation knows. Journaled rows are written too, as long as
    /// that goes well.</summary>
    private void StopIfDone()
    {
        var isSafe = writing is null && buffer.Mortal == 0 && unconfirmed.Count == 0;
        if (stopping && isSafe && (buffer.IsEmpty || retries.Failures > 0)) Context.Stop(Self);
    }
}
