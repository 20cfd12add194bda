using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.DeadLetters;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// The idempotency keys of a batch's rows, claimed in the batch's own transaction. A key belongs to the first row that
/// commits with it: a transaction that claims a key which another one holds waits for that one, then finds it taken. A
/// row whose key is taken is not written; it gets the verdict of the row that it repeats.
/// </summary>
internal sealed class KeyClaims
{
    public const string Tables = $"""
        CREATE TABLE IF NOT EXISTS ingest.idempotency (
            table_name text NOT NULL,
            key text NOT NULL,
            digest uuid NOT NULL,
            row_id text NOT NULL,
            {RejectionColumns.Definitions},
            claimed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (table_name, key)
        );
        CREATE INDEX IF NOT EXISTS idempotency_claimed_at ON ingest.idempotency (claimed_at);
        """;

    private const string Claim = """
        INSERT INTO ingest.idempotency (table_name, key, digest, row_id)
        SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
        ON CONFLICT (table_name, key) DO NOTHING
        RETURNING key
        """;

    private const string ClaimOrFail = """
        WITH done AS (INSERT INTO ingest.idempotency (table_name, key, digest, row_id)
                      SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
                      ON CONFLICT (table_name, key) DO NOTHING
                      RETURNING 1)
        """ + Sql.FailUnlessDone;

    // The replay of a dead letter goes on where its row's first attempt was rejected, and keeps that one's digest: who
    // sends the row again gets the replayed row.
    private const string TakeOver = """
        INSERT INTO ingest.idempotency AS held (table_name, key, digest, row_id)
        SELECT $1, claim.* FROM unnest($2, $3, $4) AS claim
        ON CONFLICT (table_name, key) DO UPDATE
        SET row_id = excluded.row_id, claimed_at = excluded.claimed_at,
            sqlstate = NULL, message = NULL, constraint_name = NULL, column_name = NULL
        WHERE held.sqlstate IS NOT NULL
        RETURNING key
        """;

    private const string Read = $"""
        SELECT key, digest, row_id, {RejectionColumns.Names} FROM ingest.idempotency
        WHERE table_name = $1 AND key = ANY ($2)
        """;

    private const string RejectKeys = $"""
        UPDATE ingest.idempotency AS held
        SET sqlstate = row.sqlstate, message = row.message, constraint_name = row.constraint_name,
            column_name = row.column_name
        FROM unnest($2, $3, $4, $5, $6) AS row (key, {RejectionColumns.Names})
        WHERE held.table_name = $1 AND held.key = row.key
        """;

    private const string ChangeIds = """
        UPDATE ingest.idempotency AS held SET row_id = row.id FROM unnest($2, $3) AS row (key, id)
        WHERE held.table_name = $1 AND held.key = row.key
        """;

    private static readonly Rejection Mismatch = new(
        RowKey.Mismatch, "The idempotency key was used before, with another payload.");

    private readonly LaneId lane;
    private readonly ReplayClaims? replays;
    private readonly Dictionary<string, Holder> holders = [];
    private readonly List<KeyedRow> repeating = [];

    private KeyClaims(LaneId lane, ReplayClaims? replays) => (this.lane, this.replays) = (lane, replays);

    /// <summary>The rows of the batch that are to be written.</summary>
    public required FittedBatch Fresh { get; init; }

    /// <summary>Claims the keys of a batch, and the dead letters that it replays; null where its rows have no
    /// keys.</summary>
    /// <param name="wait">Waits for the claim, which may have to wait for another transaction's.</param>
    public static async Task<KeyClaims?> TakeAsync(
        NpgsqlConnection connection,
        Batch batch,
        FittedBatch fitted,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        if (batch.Parts.All(part => part.Envelope.Keys.IsEmpty)) return null;
        var replays = await ReplayClaims.TakeAsync(connection, batch, fitted, wait, cancellation);
        fitted = replays?.Fresh ?? fitted;
        var rows = KeyedRows(batch, fitted, replays).ToList();
        var wanted = Sorted(rows);
        var claimed = await ClaimAsync(connection, batch.Lane, wanted, isReplay: false, wait, cancellation);
        claimed.UnionWith(await ClaimAsync(connection, batch.Lane, wanted, isReplay: true, wait, cancellation));
        var first = wanted.Where(row => claimed.Contains(row.Key)).Select(row => row.Index).ToHashSet();
        var repeating = rows.Where(row => !first.Contains(row.Index)).ToList();
        var fresh = fitted.Without(repeating.Select(row => row.Index).ToHashSet());
        var claims = new KeyClaims(batch.Lane, replays) { Fresh = fresh };
        claims.repeating.AddRange(repeating);
        foreach (var row in wanted.Where(row => claimed.Contains(row.Key)))
            claims.holders.Add(row.Key, new Holder(row.Digest, row.Id, null) { Position = (row.Gateway, row.Position) });
        var taken = wanted.Where(row => !claimed.Contains(row.Key)).Select(row => row.Key).ToArray();
        await claims.ReadHoldersAsync(connection, taken, cancellation);
        return claims;
    }

    /// <summary>The command that claims all keys of a batch for a transaction that goes on without looking at it: it
    /// fails, by a division by zero, where a key is taken.</summary>
    /// <returns>False where two rows of the batch have one key, so that one of them repeats the other, or a row
    /// replays a dead letter.</returns>
    public static bool TryClaimAll(Batch batch, FittedBatch fitted, out NpgsqlBatchCommand? command)
    {
        command = null;
        if (batch.Parts.All(part => part.Envelope.Keys.IsEmpty)) return true;
        if (RowKeys.Of(batch).Values.Any(key => LetterKey.TryRead(key.Key, out _))) return false;
        var rows = KeyedRows(batch, fitted, replays: null).ToList();
        var wanted = Sorted(rows);
        if (wanted.Count < rows.Count) return false;
        if (rows.Count == 0) return true;
        command = new NpgsqlBatchCommand(ClaimOrFail);
        foreach (var parameter in Parameters(batch.Lane, wanted)) command.Parameters.Add(parameter);
        return true;
    }

    /// <summary>The verdicts of all rows, once it is known which of those that were to be written were
    /// rejected.</summary>
    /// <param name="rejections">The rows that were to be written, and were not.</param>
    /// <param name="records">The commands that keep the rejections with the keys that were claimed, and settle the dead
    /// letters that were replayed.</param>
    /// <param name="merged">The rows that are answered with another one, whatever their keys.</param>
    public Exceptions Judge(
        ImmutableArray<RejectedRow> rejections,
        ImmutableArray<RepeatedRow> merged,
        out IEnumerable<NpgsqlBatchCommand> records)
    {
        var rejected = rejections.ToDictionary(row => (row.Gateway, row.Position), row => row.Rejection);
        var others = merged.ToDictionary(row => (row.Gateway, row.Position), row => row.Id);
        var all = rejections.ToBuilder();
        var repeats = merged.ToBuilder();
        foreach (var row in repeating)
        {
            var holder = holders[row.Key];
            var rejection = holder.Digest != row.Digest ? Mismatch
                : holder.Position is { } position ? rejected.GetValueOrDefault(position)
                : holder.Rejection;
            if (rejection is null) repeats.Add(new RepeatedRow(row.Gateway, row.Position, IdOf(holder)));
            else all.Add(new RejectedRow(row.Gateway, row.Position, rejection));
        }

        var written = new Exceptions(all.DrainToImmutable(), repeats.DrainToImmutable());
        var exceptions = replays?.Judge(written) ?? written;
        records = replays?.Record(exceptions) ?? [];
        if (RecordRejections(rejected) is { } keys) records = records.Prepend(keys);
        if (RecordIds(others) is { } ids) records = records.Prepend(ids);
        return exceptions;

        string IdOf(Holder holder) =>
            holder.Position is { } position && others.TryGetValue(position, out var id) ? id : holder.Id;
    }

    private NpgsqlBatchCommand? RecordIds(Dictionary<(GatewayId, long), string> others)
    {
        var rows = holders.Where(held => held.Value.Position is { } position && others.ContainsKey(position)).ToArray();
        return rows.Length == 0 ? null : new NpgsqlBatchCommand(ChangeIds)
        {
            Parameters =
            {
                Sql.Text(lane.Table),
                Sql.Texts(rows.Select(row => row.Key)),
                Sql.Texts(rows.Select(row => others[row.Value.Position!.Value])),
            },
        };
    }

    private NpgsqlBatchCommand? RecordRejections(Dictionary<(GatewayId, long), Rejection> rejected)
    {
        var rows = holders.Where(held => held.Value.Position is { } position && rejected.ContainsKey(position))
            .Select(held => (held.Key, Rejection: rejected[held.Value.Position!.Value]))
            .ToArray();
        if (rows.Length == 0) return null;
        var command = new NpgsqlBatchCommand(RejectKeys)
        {
            Parameters = { Sql.Text(lane.Table), Sql.Texts(rows.Select(row => row.Key)) },
        };
        RejectionColumns.Add(command.Parameters, [.. rows.Select(row => row.Rejection)]);
        return command;
    }

    private static IEnumerable<KeyedRow> KeyedRows(Batch batch, FittedBatch fitted, ReplayClaims? replays)
    {
        var keys = RowKeys.Of(batch);
        for (var index = 0; index < fitted.Rows.Count; index++)
        {
            var (gateway, position, shape, tuple) = fitted.Rows.At(index);
            if (!keys.TryGetValue((gateway, position), out var key)) continue;
            var isReplay = LetterKey.TryRead(key.Key, out _);
            if (isReplay)
            {
                if (replays!.OwnKeyOf(gateway, position) is not { } own) continue;
                key = own;
            }

            var id = IdOf(fitted.Table!, shape, tuple);
            yield return new KeyedRow(index, gateway, position, key.Key, key.Digest, id, isReplay);
        }
    }

    /// <summary>The first row of each key, in an order that lets two transactions that want the same keys wait for one
    /// another in one direction.</summary>
    private static List<KeyedRow> Sorted(List<KeyedRow> rows) =>
        [.. rows.DistinctBy(row => row.Key).OrderBy(row => row.Key, StringComparer.Ordinal)];

    private static NpgsqlParameter[] Parameters(LaneId lane, List<KeyedRow> rows) =>
    [
        Sql.Text(lane.Table),
        Sql.Texts(rows.Select(row => row.Key)),
        Sql.Array(rows.Select(row => row.Digest), NpgsqlDbType.Uuid),
        Sql.Texts(rows.Select(row => row.Id)),
    ];

    private static string IdOf(TableDescriptor table, Shape shape, ReadOnlyMemory<byte> tuple)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes)) RowEncoder.WriteKey(table, shape, tuple.Span, json);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static async Task<HashSet<string>> ClaimAsync(
        NpgsqlConnection connection,
        LaneId lane,
        List<KeyedRow> all,
        bool isReplay,
        Func<Task, Task> wait,
        CancellationToken cancellation)
    {
        var rows = all.Where(row => row.IsReplay == isReplay).ToList();
        if (rows.Count == 0) return [];
        await using var command = new NpgsqlCommand(isReplay ? TakeOver : Claim, connection);
        foreach (var parameter in Parameters(lane, rows)) command.Parameters.Add(parameter);
        var claim = command.ExecuteReaderAsync(cancellation);
        await wait(claim);
        await using var reader = await claim;
        var claimed = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation)) claimed.Add(reader.GetString(0));
        return claimed;
    }

    private async Task ReadHoldersAsync(NpgsqlConnection connection, string[] keys, CancellationToken cancellation)
    {
        if (keys.Length == 0) return;
        await using var command = new NpgsqlCommand(Read, connection)
        {
            Parameters = { Sql.Text(lane.Table), Sql.Texts(keys) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            holders[reader.GetString(0)] = new Holder(
                reader.GetGuid(1), reader.GetString(2), RejectionColumns.Read(reader, 3));
        }

        // Between the claim and this look its time ran out, and it was purged: the next attempt claims it.
        if (keys.Any(key => !holders.ContainsKey(key)))
            throw new NpgsqlException("an idempotency key was purged while it was looked up");
    }

    private readonly record struct KeyedRow(
        int Index, GatewayId Gateway, long Position, string Key, Guid Digest, string Id, bool IsReplay);

    /// <summary>The row that has a key.</summary>
    private sealed record Holder(Guid Digest, string Id, Rejection? Rejection)
    {
        /// <summary>Its place, where it is a row of this batch.</summary>
        public (GatewayId Gateway, long Position)? Position { get; init; }
    }
}

/// <summary>The rows of a batch that were not written as rows of their own.</summary>
internal readonly record struct Exceptions(ImmutableArray<RejectedRow> Rejections, ImmutableArray<RepeatedRow> Repeats);
