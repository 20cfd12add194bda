using System.Collections.Concurrent;
using System.Text;
using Ingest.Bench.Load;
using Ingest.Bench.Processes;

namespace Ingest.Bench.Faults;

/// <summary>
/// The load of one scenario: single rows for each table through each node, and a stream through each node. Every row
/// has a number of its own and is sent once, whatever the answer, so that each answer can be held against the table.
/// </summary>
internal sealed class FaultLoad : IDisposable
{
    /// <summary>Asks that rows are answered when they are in the journal (202).</summary>
    public const string AskToAccept = "Prefer: respond-async";

    private static readonly string Padding = new('x', 60);

    private readonly FaultOptions options;
    private readonly CancellationTokenSource aborting = new();
    private readonly List<Task> workers = [];
    private readonly ConcurrentDictionary<int, int> answers = new();
    private readonly ConcurrentDictionary<int, string> firstAnswers = new();
    private volatile bool stopping;

    public FaultLoad(FaultOptions options, IReadOnlyList<string> tables, TimeProvider time)
    {
        this.options = options;
        Time = time;
        Logs = [.. tables.Select(table => new RowLog(table))];
    }

    public TimeProvider Time { get; }

    public FaultOptions Options => options;

    public IReadOnlyList<RowLog> Logs { get; }

    /// <summary>Rows that a scenario sends by itself, to be judged with those of the load.</summary>
    public IReadOnlyList<RowLog> OtherLogs { get; set; } = [];

    /// <summary>One for each table and node through which rows are sent.</summary>
    public ConcurrentBag<Pulse> Pulses { get; } = [];

    /// <summary>Nothing new is sent.</summary>
    public bool IsStopping => stopping;

    /// <summary>Nothing is waited for any more.</summary>
    public CancellationToken Aborting => aborting.Token;

    /// <summary>Answers by HTTP status.</summary>
    public IReadOnlyDictionary<int, int> Answers => answers;

    /// <summary>The first answer of each status that is an error, for the report.</summary>
    public IReadOnlyDictionary<int, string> FirstAnswers => firstAnswers;

    /// <summary>The body of a row: now and then one that the table's constraint refuses.</summary>
    public static byte[] Row(int number) =>
        Encoding.UTF8.GetBytes($$"""{"n":{{number}},"worth":{{(IsBad(number) ? -1 : 1)}},"note":"{{Padding}}"}""");

    /// <summary>The table's constraint refuses the row of this number.</summary>
    public static bool IsBad(int number) => number % 97 == 13;

    /// <summary>Sends rows through a node from now on.</summary>
    public void Start(NodeProcess node)
    {
        foreach (var log in Logs)
        {
            var pulse = new Pulse(node, log.Table);
            pulse.MarkFault(Time.GetTimestamp());
            Pulses.Add(pulse);
            workers.Add(new RowWorker(this, log, pulse).RunAsync());
        }

        workers.Add(new StreamWorker(this, node).RunAsync());
    }

    /// <summary>Waits until every table has had a row committed through every node.</summary>
    public async Task WaitUntilServedAsync(TimeSpan limit)
    {
        var since = Time.GetTimestamp();
        while (Pulses.FirstOrDefault(pulse => !pulse.HasBeaten) is { } missing)
        {
            if (Time.GetElapsedTime(since) > limit)
                throw new RunException($"{missing.Table} was never served by {missing.Node.Name}: {Describe()}");
            await Task.Delay(50);
        }
    }

    /// <summary>Sends nothing new, and waits for the answers that are due.</summary>
    public async Task StopAsync()
    {
        stopping = true;
        var ended = Task.WhenAll(workers);
        try
        {
            await ended.WaitAsync(options.AnswerLimit, Time);
        }
        catch (TimeoutException)
        {
            // Whoever has not been answered by now has a node that is not there any more.
            await aborting.CancelAsync();
            await ended;
        }
    }

    public void CountAnswer(int status, string body)
    {
        answers.AddOrUpdate(status, 1, static (_, count) => count + 1);
        if (status >= 400) firstAnswers.TryAdd(status, body);
    }

    /// <summary>Answers by status, and the words of the first of the server's errors.</summary>
    public string Describe() => string.Join("; ", answers.OrderBy(answer => answer.Key).Select(answer =>
        answer.Key >= 500 && firstAnswers.TryGetValue(answer.Key, out var first)
            ? $"{answer.Key}: {answer.Value} (the first: {first})"
            : $"{answer.Key}: {answer.Value}"));

    public Task PauseAsync(TimeSpan pause) => Task.Delay(pause, Time);

    /// <summary>Opens a connection to a node.</summary>
    /// <returns>The connection; null where nobody listens.</returns>
    public async Task<HttpConnection?> TryConnectAsync(HttpTarget target, int bufferBytes)
    {
        try
        {
            return await HttpConnection.ConnectAsync(target, bufferBytes, aborting.Token);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => aborting.Dispose();
}
