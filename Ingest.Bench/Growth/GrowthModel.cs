namespace Ingest.Bench.Growth;

/// <summary>What a row and a batch cost, in microseconds of one core.</summary>
/// <param name="Node">A node's work for one row, from its request to its answer.</param>
/// <param name="Batch">PostgreSQL's work for a batch, whatever its size.</param>
/// <param name="Row">PostgreSQL's work for each row of a batch.</param>
/// <param name="Commit">How long a commit waits for the disk; no core works meanwhile.</param>
internal sealed record GrowthCosts(double Node, double Batch, double Row, double Commit);

/// <summary>A cluster, and who calls it.</summary>
/// <param name="DatabaseCores">0: everything shares the cores of the one node, as in a bench on one machine.</param>
/// <param name="Callers">Rows under way, in all: each caller sends its next row when it has its answer.</param>
internal sealed record GrowthPlan(int Nodes, int NodeCores, int DatabaseCores, int Callers, int Lanes, int FlushEvery);

/// <param name="BatchRows">The mean size of a batch.</param>
/// <param name="NodeUse">The share of time in which the nodes' cores work.</param>
internal sealed record GrowthResult(double RowsPerSecond, double BatchRows, double NodeUse, double DatabaseUse);

/// <summary>
/// A closed queueing network of a cluster: rows go through their node's cores, wait in a lane while its batch before
/// them is written, take one core of the database together, wait for the commit, and come back. Deterministic; times
/// are constants. What it leaves out (locks, WAL, the network, caches) makes the real thing slower.
/// </summary>
internal sealed class GrowthModel(GrowthPlan plan, GrowthCosts costs)
{
    private const double Warmup = 500_000;
    private const double End = 2_500_000;

    private readonly PriorityQueue<Event, double> events = new();
    private readonly Lane[] lanes = [.. Enumerable.Range(0, plan.Lanes).Select(_ => new Lane())];
    private long rows;
    private long batches;

    public static GrowthResult Run(GrowthPlan plan, GrowthCosts costs) => new GrowthModel(plan, costs).Run();

    private GrowthResult Run()
    {
        var nodes = Enumerable.Range(0, plan.Nodes).Select(_ => new Cores(plan.NodeCores)).ToArray();
        var database = plan.DatabaseCores == 0 ? nodes[0] : new Cores(plan.DatabaseCores);
        for (var caller = 0; caller < plan.Callers; caller++) Send(nodes, caller, 0);
        while (events.TryDequeue(out var next, out var now) && now < End)
        {
            if (next.Lane is { } written)
            {
                if (now > Warmup) (rows, batches) = (rows + written.Writing.Count, batches + 1);
                foreach (var caller in written.Writing) Send(nodes, caller, now);
                written.Writing.Clear();
                Flush(written, database, now);
            }
            else
            {
                var lane = Choose();
                lane.Waiting.Enqueue(next.Caller);
                if (lane.Writing.Count == 0) Flush(lane, database, now);
            }
        }

        var use = nodes.Average(node => node.Busy) / (plan.NodeCores * End);
        return new GrowthResult(
            rows * 1e6 / (End - Warmup),
            batches == 0 ? 0 : (double)rows / batches,
            use,
            plan.DatabaseCores == 0 ? use : database.Busy / (plan.DatabaseCores * End));
    }

    private void Send(Cores[] nodes, int caller, double now) =>
        events.Enqueue(new Event(caller, null), nodes[caller % nodes.Length].Work(now, costs.Node));

    /// <summary>As a gateway chooses: the first lane that has less than a full batch.</summary>
    private Lane Choose() =>
        lanes.FirstOrDefault(lane => lane.Count < plan.FlushEvery) ?? lanes.MinBy(lane => lane.Count)!;

    private void Flush(Lane lane, Cores database, double now)
    {
        while (lane.Writing.Count < plan.FlushEvery && lane.Waiting.TryDequeue(out var caller))
            lane.Writing.Add(caller);
        if (lane.Writing.Count == 0) return;
        var copied = database.Work(now, costs.Batch + costs.Row * lane.Writing.Count);
        events.Enqueue(new Event(0, lane), copied + costs.Commit);
    }

    /// <param name="Lane">The lane whose batch is committed; null where a row comes to the lanes.</param>
    private readonly record struct Event(int Caller, Lane? Lane);

    private sealed class Lane
    {
        public Queue<int> Waiting { get; } = [];

        public List<int> Writing { get; } = [];

        public int Count => Waiting.Count + Writing.Count;
    }

    /// <summary>Cores that take work in the order in which it comes.</summary>
    private sealed class Cores
    {
        private readonly PriorityQueue<int, double> free = new();

        public Cores(int count)
        {
            for (var core = 0; core < count; core++) free.Enqueue(core, 0);
        }

        public double Busy { get; private set; }

        /// <returns>When the work is done.</returns>
        public double Work(double now, double cost)
        {
            free.TryDequeue(out var core, out var since);
            var start = Math.Max(now, since);
            free.Enqueue(core, start + cost);
            Busy += Math.Max(0, Math.Min(start + cost, End) - start);
            return start + cost;
        }
    }
}
