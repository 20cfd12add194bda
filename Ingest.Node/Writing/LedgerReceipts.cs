using Ingest.Messages;
using Ingest.Node.Gateway;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Node.Writing;

/// <summary>Answers receipts from the ledger: a row whose position it has passed is in the table, unless an exception
/// says otherwise.</summary>
internal sealed class LedgerReceipts(NpgsqlDataSource dataSource, WritingOptions options, TimeProvider time) : IReceipts
{
    private const string Look = $"""
        SELECT coalesce(ledger.position >= $3, false), journals.clean_at > $4,
            exception.first_position, exception.repeated_id, {RejectionColumns.Names}
        FROM (SELECT) AS one
        LEFT JOIN ingest.ledger ON ledger.lane = $1 AND ledger.gateway = $2
        LEFT JOIN ingest.journals ON journals.lane = $1
        LEFT JOIN ingest.exceptions AS exception ON exception.lane = $1 AND exception.gateway = $2
            AND exception.first_position <= $3 AND exception.last_position >= $3
        """;

    public async Task<ReceiptState> LookUpAsync(Receipt receipt, CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Look);
        command.Parameters.Add(Sql.Text(receipt.Lane.ToString()));
        command.Parameters.Add(new NpgsqlParameter { Value = receipt.Gateway.Value });
        command.Parameters.Add(new NpgsqlParameter { Value = receipt.Position });
        command.Parameters.Add(new NpgsqlParameter
        {
            // Whole minutes: the row may have come any time within its own.
            Value = receipt.AcceptedAt.AddMinutes(1), NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var isSettled = reader.GetBoolean(0);
        var isOld = time.GetUtcNow() - receipt.AcceptedAt > options.KeyRetention;
        // The ledger's row is removed at that age too, once the journal has nothing left that refers to it.
        if (!isSettled)
            return new ReceiptState(isOld && IsTrue(reader, 1) ? ReceiptStatus.Expired : ReceiptStatus.Pending);
        if (await reader.IsDBNullAsync(2, cancellation))
            return new ReceiptState(isOld ? ReceiptStatus.Expired : ReceiptStatus.Committed);
        if (reader.GetValue(3) is string id) return new ReceiptState(ReceiptStatus.Committed, RepeatedId: id);
        return RejectionColumns.Read(reader, 4) is { } rejection
            ? new ReceiptState(ReceiptStatus.Rejected, rejection)
            : new ReceiptState(ReceiptStatus.Lost);
    }

    private static bool IsTrue(NpgsqlDataReader reader, int column) => reader.GetValue(column) is true;
}
