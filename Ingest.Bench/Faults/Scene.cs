using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>What a scenario acts on, and what it leaves for the judgement.</summary>
internal sealed class Scene(
    FaultOptions options,
    NodeCluster cluster,
    RunPostgres postgres,
    FaultLoad load,
    TimeProvider time,
    Action<string> say)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private long recoveryFrom;
    private HashSet<string>? struck;

    public FaultOptions Options => options;

    public NodeCluster Cluster => cluster;

    public RunPostgres Postgres => postgres;

    public FaultLoad Load => load;

    public TimeProvider Time => time;

    /// <summary>From the end of the cause to the first row of the last table that came back; null: it did
    /// not.</summary>
    public TimeSpan? Resumed { get; private set; }

    /// <summary>Longest time without a row on a lane that the fault did not strike; null where it struck all.</summary>
    public TimeSpan? OtherStall { get; private set; }

    /// <summary>What was seen beside the numbers.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>What should not have been, beside what the oracle finds.</summary>
    public List<string> Failures { get; } = [];

    public void Say(string what) => say(what);

    /// <summary>The node of each table's lane, found by catching each in a flush.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FindHostsAsync()
    {
        var hosts = new Dictionary<string, string>();
        foreach (var log in load.Logs)
        {
            await using var trap = await FlushTrap.SetAsync(postgres, log.Table, time);
            hosts[log.Table] = trap.Node;
        }

        Say($"lanes: {string.Join(", ", hosts.GroupBy(host => host.Value).OrderBy(group => group.Key)
            .Select(group => $"{group.Count()} on {group.Key}"))}");
        return hosts;
    }

    /// <summary>The fault begins now.</summary>
    /// <param name="tables">The tables whose lanes it strikes; null: all.</param>
    public void MarkFault(IEnumerable<string>? tables)
    {
        struck = tables?.ToHashSet();
        recoveryFrom = time.GetTimestamp();
        foreach (var pulse in load.Pulses) pulse.MarkFault(recoveryFrom);
    }

    /// <summary>The fault's cause has ended; from here on, the service's resuming is measured.</summary>
    public void MarkRecovery()
    {
        recoveryFrom = time.GetTimestamp();
        foreach (var pulse in load.Pulses) pulse.MarkRecovery(recoveryFrom);
    }

    /// <summary>Waits until every table is served again through every node that is there.</summary>
    public async Task WaitUntilResumedAsync()
    {
        var since = time.GetTimestamp();
        while (Waiting() is { } waiting)
        {
            if (time.GetElapsedTime(since) > options.Patience)
            {
                Failures.Add($"{waiting.Table} was not served by {waiting.Node.Name} "
                    + $"{options.Patience.TotalSeconds:N0} s after the fault");
                Resumed = null;
                return;
            }

            await Task.Delay(Interval, time);
        }

        var last = load.Pulses.Where(pulse => pulse.Node.IsServing).Max(pulse => pulse.ResumedAt);
        Resumed = time.GetElapsedTime(recoveryFrom, last);
        Say($"service resumed after {Resumed.Value.TotalSeconds:N1} s");
    }

    /// <summary>Looks how long the lanes that were not struck have been still.</summary>
    public void MeasureOthers()
    {
        if (struck is null) return;
        var now = time.GetTimestamp();
        var others = load.Pulses.Where(pulse => pulse.Node.IsServing && !struck.Contains(pulse.Table)).ToList();
        if (others.Count > 0) OtherStall = time.GetElapsedTime(0, others.Max(pulse => pulse.LongestGap(now)));
    }

    private Pulse? Waiting() => load.Pulses.FirstOrDefault(pulse => pulse.Node.IsServing && pulse.ResumedAt == 0);
}
