using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Grpc.Core;
using Grpc.Net.Client;
using ApiClient = Ingest.Messages.Api.V1.Ingest.IngestClient;

namespace Ingest.Messages.Client;

/// <summary>
/// Creates rows through a node of Ingest. Rows of all callers share one stream, on which as many are in flight as the
/// options allow; each call gets its own result. A broken stream is opened again, and rows that had no answer are sent
/// again under the same idempotency keys, so that each is written once. Thread-safe: share one for a process.
/// </summary>
/// <example>
/// <code>
/// await using var ingest = new IngestClient("http://localhost:8081");
/// var result = await ingest.CreateAsync("clicks", new { url = "https://example.org/", user_id = 7 });
/// Console.WriteLine(result.IsWritten ? result.Id : result.Error);
/// </code>
/// </example>
public sealed class IngestClient : IAsyncDisposable
{
    // Beside the row, a message of gRPC's usual size has to hold its header.
    private const int MaxRowBytes = (4 * 1024 * 1024) - (64 * 1024);

    private readonly IngestClientOptions options;
    private readonly GrpcChannel channel;
    private readonly Outbox outbox = new();
    private readonly InFlight inFlight;
    private readonly Task pump;
    private int isDisposed;

    /// <param name="address">Where the node serves gRPC: <c>http://localhost:8081</c>.</param>
    public IngestClient(string address) : this(new IngestClientOptions { Address = address })
    {
    }

    public IngestClient(IngestClientOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRowsInFlight, 1);
        this.options = options;
        inFlight = new InFlight(options.MaxRowsInFlight, options.MaxBytesInFlight);
        channel = GrpcChannel.ForAddress(options.Address, new GrpcChannelOptions
        {
            HttpHandler = options.Handler ?? DefaultHandler(),
            DisposeHttpClient = options.Handler is null,
        });
        pump = Task.Run(() => new RowPump(new ApiClient(channel), outbox, options, Complete).RunAsync());
    }

    /// <summary>Creates one row, and waits for room first where too many are in flight.</summary>
    /// <param name="table">The table's served name.</param>
    /// <param name="row">
    /// Anything that System.Text.Json makes a JSON object of: an object, a dictionary, a JsonElement. A string, or an
    /// array of bytes or ReadOnlyMemory of bytes in UTF-8, is the JSON itself and is not copied.
    /// </param>
    /// <param name="idempotencyKey">Of rows with the same key in one table only one is written. Null leaves it to the
    /// client.</param>
    /// <param name="cancellation">Ends the waiting; the row is written all the same if it has been handed in.</param>
    /// <returns>What became of the row: a row that fails is a result, not an exception.</returns>
    /// <exception cref="NotSupportedException">The row cannot be made JSON.</exception>
    public Task<CreateResult> CreateAsync<T>(
        string table, T row, string? idempotencyKey = null, CancellationToken cancellation = default)
    {
        var pending = HandInAsync(new RowTarget(table, options.Acknowledge), row, idempotencyKey, cancellation);
        return pending.IsCompletedSuccessfully && !cancellation.CanBeCanceled
            ? pending.Result.Task
            : ResultAsync(pending, cancellation);
    }

    /// <summary>Creates any number of rows; as many are in flight as the options allow.</summary>
    /// <param name="table">The table's served name.</param>
    /// <param name="rows">Each as in <see cref="CreateAsync"/>. It is read no faster than results are.</param>
    /// <returns>One result a row, in the order of the rows.</returns>
    public async IAsyncEnumerable<CreateResult> CreateManyAsync<T>(
        string table, IAsyncEnumerable<T> rows, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var handedIn = Channel.CreateBounded<PendingRow>(
            new BoundedChannelOptions(options.MaxRowsInFlight) { SingleReader = true, SingleWriter = true });
        var reading = HandInAllAsync(table, rows, handedIn.Writer, stop.Token);
        try
        {
            await foreach (var row in handedIn.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return await row.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits until each row has its result, then closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0) return;
        await inFlight.WaitUntilEmptyAsync().ConfigureAwait(false);
        outbox.Close();
        await pump.ConfigureAwait(false);
        channel.Dispose();
    }

    private static SocketsHttpHandler DefaultHandler() => new()
    {
        EnableMultipleHttp2Connections = true,
        // A node that is gone without a word is missed after this time at most.
        KeepAlivePingDelay = TimeSpan.FromSeconds(15),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
        ConnectTimeout = TimeSpan.FromSeconds(5),
    };

    private static ReadOnlyMemory<byte> JsonOf<T>(T row, JsonSerializerOptions options) => row switch
    {
        string text => Encoding.UTF8.GetBytes(text),
        byte[] utf8 => utf8,
        ReadOnlyMemory<byte> utf8 => utf8,
        _ => JsonSerializer.SerializeToUtf8Bytes(row, options),
    };

    private static async Task<CreateResult> ResultAsync(ValueTask<PendingRow> pending, CancellationToken cancellation)
    {
        var row = await pending.ConfigureAwait(false);
        return await row.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    private async Task HandInAllAsync<T>(
        string table, IAsyncEnumerable<T> rows, ChannelWriter<PendingRow> handedIn, CancellationToken cancellation)
    {
        Exception? failure = null;
        try
        {
            var target = new RowTarget(table, options.Acknowledge);
            await foreach (var row in rows.WithCancellation(cancellation).ConfigureAwait(false))
            {
                var pending = await HandInAsync(target, row, key: null, cancellation).ConfigureAwait(false);
                await handedIn.WriteAsync(pending, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            // The reader of the results hears it, behind the results of what was handed in.
            failure = e;
        }

        handedIn.TryComplete(failure);
    }

    private async ValueTask<PendingRow> HandInAsync<T>(
        RowTarget target, T row, string? key, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref isDisposed) != 0, this);
        var pending = new PendingRow(target, JsonOf(row, options.Json), key, options.Time.GetTimestamp());
        if (pending.Json.Length > MaxRowBytes)
        {
            pending.SetResult(new CreateResult(CreateOutcome.Rejected, Error: new CreateError(
                (int)StatusCode.InvalidArgument, "ROW_TOO_LARGE", $"A row may have {MaxRowBytes} bytes.")));
            return pending;
        }

        await inFlight.EnterAsync(pending.Json.Length, cancellation).ConfigureAwait(false);
        outbox.Add(pending);
        return pending;
    }

    private void Complete(PendingRow row, CreateResult result)
    {
        inFlight.Leave(row.Json.Length);
        row.TrySetResult(result);
    }
}
