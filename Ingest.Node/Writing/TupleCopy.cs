using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// Streams encoded tuples into a table by binary COPY (PostgreSQL's manual, "COPY", section "Binary Format"). The only
/// file that knows COPY.
/// </summary>
internal static class TupleCopy
{
    // Signature, no flags, no header extension.
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xff, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];

    private static readonly byte[] Trailer = [0xff, 0xff];

    /// <summary>Writes rows of one shape within the transaction that is open on
    /// <paramref name="connection"/>.</summary>
    /// <param name="temporary">The connection's temporary tables.</param>
    /// <exception cref="PostgresException">PostgreSQL refused a row, or the command; the transaction is
    /// aborted.</exception>
    public static async Task WriteAsync(
        NpgsqlConnection connection,
        TemporaryTables temporary,
        ShapeSql sql,
        IReadOnlyList<ReadOnlyMemory<byte>> tuples,
        CancellationToken cancellation)
    {
        if (sql.Staging is not { } staging)
        {
            await StreamAsync(connection, sql.Copy, tuples, cancellation);
            return;
        }

        await temporary.MakeAsync([(staging.Name, staging.Columns)], cancellation);
        await StreamAsync(connection, sql.Copy, tuples, cancellation);
        await using var move = new NpgsqlCommand(staging.Move, connection);
        await move.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Sends tuples to a COPY.</summary>
    /// <param name="sql">A COPY ... FROM STDIN (FORMAT BINARY).</param>
    /// <param name="tuples">Each piece is sent before the next is asked for.</param>
    public static async Task StreamAsync(
        NpgsqlConnection connection,
        string sql,
        IEnumerable<ReadOnlyMemory<byte>> tuples,
        CancellationToken cancellation)
    {
        var stream = await connection.BeginRawBinaryCopyAsync(sql, cancellation);
        try
        {
            await stream.WriteAsync(Header, cancellation);
            foreach (var bytes in tuples) await stream.WriteAsync(bytes, cancellation);
            await stream.WriteAsync(Trailer, cancellation);
        }
        catch
        {
            await CancelAsync(stream);
            throw;
        }

        await stream.DisposeAsync();
    }

    /// <summary>Without this, disposing would end the COPY as if it were complete.</summary>
    private static async Task CancelAsync(NpgsqlRawCopyStream stream)
    {
        try
        {
            await stream.CancelAsync();
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection broke while the tuples were sent: what was thrown first says more.
        }
    }
}
