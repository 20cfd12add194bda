using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway;

/// <summary>Whether rows may enter.</summary>
public enum Admission
{
    Admitted,

    /// <summary>A limit on rows or bytes in flight is reached: 429, try again later.</summary>
    Full,

    /// <summary>The caller has used up what it may have: 429, try again later.</summary>
    OverLimit,

    /// <summary>The node is stopping: 503, try another one.</summary>
    Closing,
}

/// <summary>
/// The way in for rows, as the HTTP and gRPC endpoints see it: rent a submission, encode rows into it, have it
/// admitted, submit it, read the verdicts, return it.
/// </summary>
public interface IRowGateway
{
    /// <summary>An empty submission for rows of <paramref name="table"/>; give it back with
    /// <see cref="Return"/>.</summary>
    Submission Rent(TableDescriptor table);

    /// <summary>Gives back a submission that was never submitted, or whose verdicts are all there.</summary>
    void Return(Submission submission);

    /// <summary>Counts the submission's rows and bytes against the limits, without waiting.</summary>
    Admission TryAdmit(Submission submission);

    /// <summary>As <see cref="TryAdmit"/>, but waits for room: a stream is slowed down, not refused.</summary>
    /// <returns><see cref="Admission.Admitted"/> or <see cref="Admission.Closing"/>.</returns>
    ValueTask<Admission> AdmitAsync(Submission submission, CancellationToken cancellation);

    /// <summary>
    /// Sends admitted rows on their way. Completes when each row has its verdict, at the latest at the deadline; it
    /// never throws and cannot be cancelled: a caller that has hung up has no say in whether its row is written.
    /// </summary>
    ValueTask SubmitAsync(Submission submission);

    /// <summary>Counts rows that were received and refused before they were submitted, for the accounting.</summary>
    void CountInvalid(TableDescriptor table, int rows);
}
