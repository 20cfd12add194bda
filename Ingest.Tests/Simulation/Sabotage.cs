namespace Ingest.Tests.Simulation;

/// <summary>What keeps rows exactly once, taken away: each shows that the simulator would notice its loss.</summary>
[Flags]
internal enum Sabotage
{
    None = 0,

    /// <summary>The ledger's move is unconditional: whoever comes moves it.</summary>
    NoFence = 1,

    /// <summary>No <c>Expected</c> arrives, so a gateway never sends anything again.</summary>
    NoResend = 2,

    /// <summary>A new incarnation of a lane reads an empty ledger.</summary>
    NoLedgerRead = 4,

    /// <summary>A commit whose answer was lost is reported as one that did not take place.</summary>
    DoubtTakenForFailure = 8,

    /// <summary>Rejected and skipped positions are not recorded.</summary>
    NoRecord = 16,

    /// <summary>The server commits nothing, and says that it did.</summary>
    LostCommit = 32,

    /// <summary>A batch is taken for written as soon as the ledger stands at its end.</summary>
    EndTakenForBatch = 64,

    /// <summary>The journal says that it has written an event, and has not.</summary>
    JournalForgets = 256,

    /// <summary>Events of the journal are removed before their rows are settled.</summary>
    JournalTrimmedTooFar = 512,

    /// <summary>A new incarnation of a lane does not take a number of the journal: an older one can still write
    /// there.</summary>
    NoJournalFence = 1024,

    /// <summary>A batch that was sent at once is looked up without an end to what was sent, which comes
    /// later.</summary>
    NoEndOfTrip = 128,
}
