using System.Buffers.Binary;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Bench.Compare;

/// <summary>
/// The ceiling of the streaming paths: tuples that were encoded beforehand, in one binary <c>COPY</c> and one commit a
/// batch, without a ledger, and nobody who waits for an answer. Only the ids are made new for each batch.
/// </summary>
internal sealed class RawCopy
{
    private const int UuidBytes = 16;

    // The binary format's signature, flags and header length, and its trailer (PostgreSQL's manual, "COPY").
    private static readonly byte[] Header = [.. "PGCOPY\n"u8, 0xff, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] Trailer = [0xff, 0xff];

    private readonly string postgres;
    private readonly string copy;
    private readonly byte[][] tuples;
    private readonly int[] ids;
    private readonly TimeProvider time;
    private long nextId;

    private RawCopy(string postgres, string copy, byte[][] tuples, int[] ids, TimeProvider time)
    {
        this.postgres = postgres;
        this.copy = copy;
        this.tuples = tuples;
        this.ids = ids;
        this.time = time;
    }

    /// <summary>The mean length of a tuple, in bytes.</summary>
    public double MeanBytes => tuples.Average(tuple => tuple.Length);

    /// <summary>Encodes the load generator's rows for the table <c>clicks</c>.</summary>
    public static async Task<RawCopy> PrepareAsync(string postgres, TimeProvider time)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        var options = new CatalogOptions { Schemas = ["public"], RefreshInterval = TimeSpan.FromMinutes(1) };
        var catalog = new TableCatalog(source, options, time);
        var table = (await catalog.FindAsync("clicks", CancellationToken.None))!;
        var (encoder, block, errors) = (new RowEncoder(table), new RowBlock(), new RowErrors());
        var rows = new Load.RowSource();
        for (var row = 0; row < Load.RowSource.Distinct; row++) encoder.EncodeJson(rows[row].Span, block, errors);
        var shape = block.ShapeOf(0);
        var columns = string.Join(", ", shape.Columns.Select(column => column.Name));
        byte[][] tuples = [.. Enumerable.Range(0, block.Count).Select(row => block.Tuple(row).ToArray())];
        var column = TupleReader.IndexOf(shape, "id");
        return new RawCopy(
            postgres,
            $"COPY clicks ({columns}) FROM STDIN (FORMAT BINARY)",
            tuples,
            [.. tuples.Select(tuple => OffsetOf(tuple, column))],
            time);
    }

    /// <summary>Copies batch after batch over some connections at once.</summary>
    /// <returns>The rows that were committed.</returns>
    public async Task<long> RunAsync(int connections, int batchRows, TimeSpan duration)
    {
        var since = time.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(postgres) { WriteBufferSize = 32 * 1024 }.ConnectionString);
            await connection.OpenAsync();
            var rows = 0L;
            while (time.GetElapsedTime(since) < duration)
            {
                await CopyAsync(connection, batchRows);
                rows += batchRows;
            }

            return rows;
        })));
        return counts.Sum();
    }

    /// <summary>Where the bytes of a field begin in a tuple: behind the number of fields, each with its
    /// length.</summary>
    private static int OffsetOf(byte[] tuple, int column)
    {
        var offset = sizeof(short);
        for (var field = 0; field < column; field++)
            offset += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(tuple.AsSpan(offset)));
        return offset + sizeof(int);
    }

    private async Task CopyAsync(NpgsqlConnection connection, int batchRows)
    {
        var first = Interlocked.Add(ref nextId, batchRows) - batchRows;
        await using var stream = await connection.BeginRawBinaryCopyAsync(copy);
        await stream.WriteAsync(Header);
        var buffer = new byte[64 * 1024];
        var length = 0;
        for (var row = 0; row < batchRows; row++)
        {
            var number = (int)((first + row) % tuples.Length);
            var tuple = tuples[number];
            if (length + tuple.Length > buffer.Length)
            {
                await stream.WriteAsync(buffer.AsMemory(0, length));
                length = 0;
            }

            tuple.CopyTo(buffer, length);
            // Ascending, as those that a node makes (UUIDv7), so that the index grows at its end for both.
            var id = buffer.AsSpan(length + ids[number], UuidBytes);
            BinaryPrimitives.WriteInt64BigEndian(id, first + row);
            length += tuple.Length;
        }

        await stream.WriteAsync(buffer.AsMemory(0, length));
        await stream.WriteAsync(Trailer);
    }
}
