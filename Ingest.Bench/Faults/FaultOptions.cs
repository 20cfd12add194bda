namespace Ingest.Bench.Faults;

/// <summary>The measures of a fault run.</summary>
internal sealed record FaultOptions
{
    /// <summary>Three, so that two are a majority of what is left of them.</summary>
    public const int Nodes = 3;

    /// <summary>Faults last a few seconds, and nodes are given up on early: what a CI run has time for.</summary>
    public bool Short { get; init; }

    /// <summary>The logs of nodes and server outlive the run.</summary>
    public bool KeepLogs { get; init; }

    /// <summary>Tables, with one lane each: enough that every node has some.</summary>
    public int Tables { get; init; } = 6;

    /// <summary>How long the load runs before the fault, once every table has answered through every node.</summary>
    public TimeSpan WarmUp => Pick(3, 1);

    /// <summary>How long the load goes on once service has resumed.</summary>
    public TimeSpan CoolDown => Pick(5, 1);

    /// <summary>How long the database is away.</summary>
    public TimeSpan Outage => Pick(60, 10);

    /// <summary>How long a zombie is suspended, and a partition lasts, at least.</summary>
    public TimeSpan Absence => Pick(30, 8);

    /// <summary>Rows that are accepted while their tables are locked; null: as many as this form of the run has time
    /// for.</summary>
    public int? Backlog { get; init; }

    /// <inheritdoc cref="Backlog"/>
    public int BacklogRows => Backlog ?? (Short ? 60_000 : 300_000);

    /// <summary>How long service may take to resume before the run gives it up.</summary>
    public TimeSpan Patience => Pick(150, 60);

    /// <summary>How long three nodes may take to start on a busy machine.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>What is answered late is not lost: longer than a caller is kept waiting by a node.</summary>
    public TimeSpan AnswerLimit { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Rows per second of each stream, of which each node has one.</summary>
    public int StreamRate { get; init; } = 400;

    /// <summary>The pause between two rows of one connection: the machine is shared with what is measured.</summary>
    public TimeSpan RowPause { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Settings of the nodes by the names of their variables; all others are the defaults.</summary>
    public IReadOnlyDictionary<string, string> NodeSettings => Short
        ? new Dictionary<string, string>
        {
            ["INGEST_LANES"] = "1",
            ["INGEST_NODE_LOST_AFTER"] = "2s",
            ["INGEST_ATTEMPT_TIMEOUT"] = "5s",
        }
        : new Dictionary<string, string> { ["INGEST_LANES"] = "1" };

    private TimeSpan Pick(double full, double @short) => TimeSpan.FromSeconds(Short ? @short : full);
}
