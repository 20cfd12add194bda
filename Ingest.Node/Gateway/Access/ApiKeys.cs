using System.Collections.Frozen;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// The keys of <c>ingest.api_keys</c>, read anew at an interval, and at most once a second where somebody shows a key
/// that is not known yet, who waits for that. While the database is away the keys stay as they were.
/// </summary>
internal sealed partial class ApiKeys : BackgroundService
{
    private static readonly TimeSpan UnknownEvery = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource source;
    private readonly AccessOptions options;
    private readonly CallerBudgets budgets;
    private readonly TimeProvider time;
    private readonly ILogger<ApiKeys> logger;
    private readonly SharedRead reads;
    private readonly SharedRead lookups;
    private FrozenDictionary<string, Entry> keys = FrozenDictionary<string, Entry>.Empty;
    private long readAt;
    private bool isFailing;

    public ApiKeys(
        NpgsqlDataSource source,
        AccessOptions options,
        CallerBudgets budgets,
        TimeProvider time,
        ILogger<ApiKeys> logger)
    {
        this.source = source;
        this.options = options;
        this.budgets = budgets;
        this.time = time;
        this.logger = logger;
        reads = new SharedRead(ReadAsync);
        lookups = new SharedRead(LookAsync);
    }

    /// <summary>Who calls by a key; null where the key is unknown or its time is up.</summary>
    public ValueTask<Caller?> FindAsync(string key)
    {
        if (!ApiKey.TryGetId(key, out var id)) return default;
        if (Volatile.Read(ref keys).GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(id, out var entry))
            return new ValueTask<Caller?>(Verify(entry, key));
        return ReadAndFindAsync(key);
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync();
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ApiKeysRefresh, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await RefreshAsync();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private Caller? Verify(Entry entry, string key) =>
        ApiKey.Matches(key, entry.Key.Hash) && (entry.Key.ExpiresAt is not { } end || end > time.GetUtcNow())
            ? entry.Caller
            : null;

    private async ValueTask<Caller?> ReadAndFindAsync(string key)
    {
        await lookups.RunAsync();
        return ApiKey.TryGetId(key, out var id)
            && Volatile.Read(ref keys).GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(id, out var entry)
                ? Verify(entry, key)
                : null;
    }

    /// <summary>Reads for those who showed an unknown key: however many, a second after the last time.</summary>
    private async Task LookAsync()
    {
        var wait = UnknownEvery - time.GetElapsedTime(Volatile.Read(ref readAt));
        if (wait > TimeSpan.Zero) await Task.Delay(wait, time);
        await RefreshAsync();
    }

    private async Task RefreshAsync()
    {
        Volatile.Write(ref readAt, time.GetTimestamp());
        try
        {
            await reads.RunAsync();
            isFailing = false;
        }
        catch (NpgsqlException error)
        {
            if (!isFailing) LogFailed(error.Message);
            isFailing = true;
        }
    }

    private async Task ReadAsync()
    {
        var read = await ApiKeyTable.ReadAsync(source, CancellationToken.None);
        if (read.Count == ApiKeyTable.MaxKeys) LogTooMany(ApiKeyTable.MaxKeys);
        Volatile.Write(ref keys, read.ToFrozenDictionary(key => key.Id, EntryOf, StringComparer.Ordinal));
    }

    private Entry EntryOf(StoredApiKey key)
    {
        if (!Grants.TryParse(key.Grants, out var grants, out var malformed))
        {
            LogMalformed(key.Id, malformed);
            grants = Grants.Among(key.Grants);
        }

        var limits = new CallerLimits(
            key.RowsPerSecond ?? options.Limits.RowsPerSecond, key.InFlightRows ?? options.Limits.InFlightRows);
        return new Entry(key, new Caller(key.Name, grants, budgets.Of($"key {key.Name}", limits)));
    }

    [LoggerMessage(6001, LogLevel.Warning, "The API keys cannot be read; they stay as last read: {Reason}")]
    private partial void LogFailed(string reason);

    [LoggerMessage(6002, LogLevel.Warning, "The API key {Id} has a grant that means nothing: {Grant}")]
    private partial void LogMalformed(string id, string grant);

    [LoggerMessage(6003, LogLevel.Warning, "ingest.api_keys has more than {Max} keys; the newest are not known.")]
    private partial void LogTooMany(int max);

    private sealed record Entry(StoredApiKey Key, Caller Caller);
}
