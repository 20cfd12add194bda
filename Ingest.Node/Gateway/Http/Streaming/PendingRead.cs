using System.IO.Pipelines;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>The read that a stream waits in, ended by others: a timer, or the node that stops.</summary>
internal static class PendingRead
{
    /// <summary>Makes the pending read return. Never throws for a connection that is gone.</summary>
    /// <remarks>Kestrel's reader of an aborted request throws here, as it does in the read itself, which so has ended.
    /// On a timer's thread that would end the process.</remarks>
    public static void Cancel(PipeReader body)
    {
        try
        {
            body.CancelPendingRead();
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Who waits in the read hears the same.
        }
    }
}
