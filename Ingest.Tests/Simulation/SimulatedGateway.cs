using Akka.Actor;
using Akka.TestKit;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Observability;
using Ingest.Tests.Http;

namespace Ingest.Tests.Simulation;

/// <summary>One node's way in, with its callers.</summary>
internal sealed class SimulatedGateway(
    int number, SimulationPlan plan, Oracle oracle, EventLog log, TestScheduler clock, Random random)
{
    /// <summary>The bytes of a row, which are its number.</summary>
    public const int TupleBytes = sizeof(int);

    /// <summary>How late an answer may be: the gateway looks at its clock that often, and so does the driver.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(250);

    private static readonly Shape Shape = new([new ShapeColumn("number", "int4")]);

    private readonly TableDescriptor table = TestTables.Clicks();
    private readonly List<Caller> callers = [];
    private readonly List<Caller> answered = [];

    public RowGateway Owner { get; } = new(
        plan.Gateway,
        _ => new LaneSettings(plan.Lanes, plan.Batching.FlushEvery),
        new NodeMetrics(TimeProvider.System));

    public int Number => number;

    public IActorRef Actor { get; private set; } = ActorRefs.Nobody;

    public void Attach(IActorRef actor)
    {
        Actor = actor;
        Owner.Attach(actor);
    }

    /// <summary>Callers hand in rows at the same time: the gateway may send them in one envelope.</summary>
    /// <param name="submissions">For each caller, whether each of its rows is bad.</param>
    /// <returns>The numbers of the rows.</returns>
    /// <param name="level">What the callers ask for; null for what the plan says.</param>
    public List<int> Submit(IEnumerable<bool[]> submissions, Acknowledge? level = null)
    {
        var numbers = new List<int>();
        var actor = (IInternalActorRef)Actor;
        actor.Suspend();
        foreach (var rows in submissions) numbers.AddRange(Submit(rows, level ?? DrawLevel()));
        actor.Resume();
        return numbers;
    }

    /// <summary>The gateway's actor fails and starts anew, with another id.</summary>
    public void Crash()
    {
        log.Add($"gateway {number} crashes");
        Stage.Crash(Actor);
    }

    /// <summary>Tells the oracle what callers were told.</summary>
    public void Watch()
    {
        for (var index = callers.Count - 1; index >= 0; index--)
        {
            var caller = callers[index];
            caller.Report(oracle, log);
            if (caller.IsAnswered)
            {
                callers.RemoveAt(index);
                answered.Add(caller);
            }
            else if (clock.Now > caller.AnswerBy + Tolerance)
            {
                oracle.Fail($"a caller of gateway {number} with row {caller.FirstRow} has no answer at its deadline");
            }
        }
    }

    /// <summary>True when each row has an end, for its caller and for the accounting.</summary>
    public bool IsDrained => callers.Count == 0 && Pending == 0 && Owner.InFlightRows == 0;

    /// <summary>What is wrong with the gateway's books at the end; null where they balance.</summary>
    public string? Audit()
    {
        if (!answered.TrueForAll(caller => caller.Done.Wait(TimeSpan.FromSeconds(10))))
            return "a caller was not resumed";
        if (!IsDrained) return $"gateway {number} is not drained: {callers.Count} callers, {Pending} rows";
        var account = Owner.Snapshot().SingleOrDefault();
        // Nobody will ever tell the accounting what became of rows that a crash has lost sight of.
        if (account is null or { Unknown: > 0 }) return null;
        var written = oracle.Written(number);
        // A row whose caller heard Unknown may be in the table though a lane had given up on its own copy of it.
        var doubtful = oracle.Answers(number, VerdictKind.Unknown);
        return account.Committed <= written && written <= account.Committed + doubtful
            ? null
            : $"gateway {number} counts {account.Committed} rows as committed; {written} are in the table";
    }

    private long Pending => Owner.Snapshot().Sum(account => account.Pending);

    private Acknowledge DrawLevel() =>
        plan.AcceptedRows > 0 && random.NextDouble() < plan.AcceptedRows ? Acknowledge.Accepted : Acknowledge.Committed;

    private List<int> Submit(bool[] rows, Acknowledge level)
    {
        var submission = Owner.Rent(table);
        submission.Acknowledge = level;
        var numbers = rows.Select(isBad => oracle.Add(number, isBad)).ToList();
        foreach (var row in numbers)
        {
            submission.Rows.Writer.WriteInt32(row);
            submission.Rows.Commit(Shape);
        }

        if (Owner.TryAdmit(submission) != Admission.Admitted)
        {
            log.Add($"gateway {number} refuses rows {numbers[0]}..{numbers[^1]}");
            foreach (var row in numbers) oracle.Refused(row);
            Owner.Return(submission);
            return numbers;
        }

        log.Add($"gateway {number} takes rows {numbers[0]}..{numbers[^1]}");
        var done = Owner.SubmitAsync(submission).AsTask();
        callers.Add(new Caller(submission, numbers, done, clock.Now + plan.Gateway.RequestTimeout));
        return numbers;
    }

    private sealed class Caller(Submission submission, List<int> rows, Task done, DateTimeOffset answerBy)
    {
        private readonly bool[] reported = new bool[rows.Count];

        public DateTimeOffset AnswerBy => answerBy;

        public int FirstRow => rows[0];

        /// <summary>Completes when the caller resumes, off the driver's thread.</summary>
        public Task Done => done;

        public bool IsAnswered { get; private set; }

        public void Report(Oracle oracle, EventLog log)
        {
            IsAnswered = true;
            for (var row = 0; row < rows.Count; row++)
            {
                if (reported[row]) continue;
                var verdict = submission[row];
                if (verdict.Kind == VerdictKind.Pending)
                {
                    IsAnswered = false;
                    continue;
                }

                reported[row] = true;
                log.Add($"row {rows[row]} is answered {verdict.Kind}");
                oracle.Answered(rows[row], verdict.Kind);
            }
        }
    }
}
