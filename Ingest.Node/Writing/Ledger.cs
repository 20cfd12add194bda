using System.Collections.Immutable;
using Ingest.Messages;
using Npgsql;
using NpgsqlTypes;
using static Ingest.Messages.WriterProtocol;

namespace Ingest.Node.Writing;

/// <summary>
/// The statements of the ledger. <c>ingest.ledger</c> holds one position for each lane and gateway: all rows up to it
/// are settled. <c>ingest.exceptions</c> holds what among them is not in the table: rejected rows with their SQLSTATE,
/// rows that repeat another one with its id, and positions that were given up on, with neither.
/// </summary>
internal static class Ledger
{
    /// <summary>Made at start-up where it is missing; each statement may be repeated.</summary>
    public const string Tables = $"""
        CREATE TABLE IF NOT EXISTS ingest.ledger (
            lane text NOT NULL,
            gateway uuid NOT NULL,
            position bigint NOT NULL,
            moved_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (lane, gateway)
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS ingest.exceptions (
            lane text NOT NULL,
            gateway uuid NOT NULL,
            first_position bigint NOT NULL,
            last_position bigint NOT NULL,
            {RejectionColumns.Definitions},
            repeated_id text,
            settled_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (lane, gateway, first_position)
        );
        """;

    // A row that is where the batch believes it is moved; any other is left, and the count tells.
    private const string MoveKnown = """
        UPDATE ingest.ledger AS ledger SET position = move.target, moved_at = now()
        FROM unnest($2, $3, $4) AS move (gateway, origin, target)
        WHERE ledger.lane = $1 AND ledger.gateway = move.gateway AND ledger.position = move.origin
        """;

    // Waits for a transaction that has inserted the same row, then leaves it alone if that one was committed.
    private const string MoveNew = """
        INSERT INTO ingest.ledger (lane, gateway, position)
        SELECT $1, move.gateway, move.target FROM unnest($2, $3) AS move (gateway, target)
        ON CONFLICT (lane, gateway) DO NOTHING
        """;

    private const string MoveKnownOrFail = $"""
        WITH done AS ({MoveKnown} RETURNING 1) {Sql.FailUnlessDone}
        """;

    private const string MoveNewOrFail = $"""
        WITH done AS ({MoveNew} RETURNING 1) {Sql.FailUnlessDone}
        """;

    private const string ReadPositions = "SELECT gateway, position FROM ingest.ledger WHERE lane = $1";

    private const string RecordExceptions = $"""
        INSERT INTO ingest.exceptions
            (lane, gateway, first_position, last_position, repeated_id, {RejectionColumns.Names})
        SELECT $1, entry.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) AS entry
        """;

    private const string ReadExceptions = $"""
        SELECT first_position, last_position, repeated_id, {RejectionColumns.Names}
        FROM ingest.exceptions
        WHERE lane = $1 AND gateway = $2 AND first_position <= $4 AND last_position >= $3
        ORDER BY first_position
        """;

    /// <summary>The same commands for a transaction that goes on without looking at them: each fails, by a division by
    /// zero, where it does not move all that it should.</summary>
    public static IEnumerable<NpgsqlBatchCommand> MoveOrFail(LaneId lane, ImmutableArray<LedgerMove> moves)
    {
        foreach (var command in Move(lane, moves))
        {
            var isKnown = ReferenceEquals(command.CommandText, MoveKnown);
            command.CommandText = isKnown ? MoveKnownOrFail : MoveNewOrFail;
            yield return command;
        }
    }

    /// <summary>The commands that move the positions; together they affect one row for each move, or the batch is
    /// fenced.</summary>
    public static IEnumerable<NpgsqlBatchCommand> Move(LaneId lane, ImmutableArray<LedgerMove> moves)
    {
        var known = moves.Where(move => move.From > 0).ToArray();
        if (known.Length > 0)
        {
            yield return new NpgsqlBatchCommand(MoveKnown)
            {
                Parameters =
                {
                    Sql.Text(lane.ToString()),
                    Sql.Array(known.Select(move => move.Gateway.Value), NpgsqlDbType.Uuid),
                    Sql.Array(known.Select(move => move.From), NpgsqlDbType.Bigint),
                    Sql.Array(known.Select(move => move.To), NpgsqlDbType.Bigint),
                },
            };
        }

        if (known.Length == moves.Length) yield break;
        var added = moves.Where(move => move.From == 0).ToArray();
        yield return new NpgsqlBatchCommand(MoveNew)
        {
            Parameters =
            {
                Sql.Text(lane.ToString()),
                Sql.Array(added.Select(move => move.Gateway.Value), NpgsqlDbType.Uuid),
                Sql.Array(added.Select(move => move.To), NpgsqlDbType.Bigint),
            },
        };
    }

    public static async Task<ImmutableArray<LedgerPosition>> ReadAsync(
        NpgsqlConnection connection, LaneId lane, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(ReadPositions, connection)
        {
            Parameters = { Sql.Text(lane.ToString()) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var positions = ImmutableArray.CreateBuilder<LedgerPosition>();
        while (await reader.ReadAsync(cancellation))
            positions.Add(new LedgerPosition(new GatewayId(reader.GetGuid(0)), reader.GetInt64(1)));
        return positions.DrainToImmutable();
    }

    /// <summary>The command that records what of a batch was not written; null where all of it was.</summary>
    public static NpgsqlBatchCommand? Record(Batch batch, Exceptions exceptions)
    {
        var rows = batch.Parts.Where(part => part.Skipped)
            .Select(part => (part.Range, Rejection: (Rejection?)null, RepeatedId: (string?)null))
            .Concat(exceptions.Rejections.Select(row => (
                Range: One(row.Gateway, row.Position),
                Rejection: (Rejection?)row.Rejection,
                RepeatedId: (string?)null)))
            .Concat(exceptions.Repeats.Select(row =>
                (Range: One(row.Gateway, row.Position), Rejection: (Rejection?)null, RepeatedId: (string?)row.Id)))
            .ToArray();
        if (rows.Length == 0) return null;
        var command = new NpgsqlBatchCommand(RecordExceptions)
        {
            Parameters =
            {
                Sql.Text(batch.Lane.ToString()),
                Sql.Array(rows.Select(row => row.Range.Gateway.Value), NpgsqlDbType.Uuid),
                Sql.Array(rows.Select(row => row.Range.First), NpgsqlDbType.Bigint),
                Sql.Array(rows.Select(row => row.Range.Last), NpgsqlDbType.Bigint),
                Sql.Texts(rows.Select(row => row.RepeatedId)),
            },
        };
        RejectionColumns.Add(command.Parameters, [.. rows.Select(row => row.Rejection)]);
        return command;

        static PositionRange One(GatewayId gateway, long position) => new(gateway, position, position);
    }

    /// <summary>What of a range of settled positions is not in the table.</summary>
    public static async Task<VerdictsRead> ReadVerdictsAsync(
        NpgsqlConnection connection, LaneId lane, PositionRange range, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(ReadExceptions, connection)
        {
            Parameters =
            {
                Sql.Text(lane.ToString()),
                new() { Value = range.Gateway.Value },
                new() { Value = range.First },
                new() { Value = range.Last },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rejections = ImmutableArray.CreateBuilder<RejectedRow>();
        var notWritten = ImmutableArray.CreateBuilder<PositionRange>();
        var repeats = ImmutableArray.CreateBuilder<RepeatedRow>();
        while (await reader.ReadAsync(cancellation))
        {
            var first = reader.GetInt64(0);
            if (reader.GetValue(2) is string repeated)
            {
                repeats.Add(new RepeatedRow(range.Gateway, first, repeated));
            }
            else if (RejectionColumns.Read(reader, 3) is { } rejection)
            {
                rejections.Add(new RejectedRow(range.Gateway, first, rejection));
            }
            else
            {
                notWritten.Add(range with
                {
                    First = Math.Max(first, range.First),
                    Last = Math.Min(reader.GetInt64(1), range.Last),
                });
            }
        }

        return new VerdictsRead(range, rejections.DrainToImmutable(), notWritten.DrainToImmutable())
        {
            Repeats = repeats.DrainToImmutable(),
        };
    }
}
