using System.Buffers;
using System.Text;
using System.Text.Json;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.DeadLetters;

namespace Ingest.Node.Writing;

/// <summary>A row of a batch that has an idempotency key.</summary>
/// <param name="Index">Among the rows that are to be written.</param>
/// <param name="Id">The row's id, as JSON.</param>
/// <param name="IsReplay">It replays a dead letter, and has the key that its row had when it came first.</param>
internal sealed record KeyedRow(
    int Index, GatewayId Gateway, long Position, string Key, Guid Digest, string Id, bool IsReplay)
{
    /// <summary>All of a batch, in the order of their indexes.</summary>
    /// <param name="replays">Knows the keys of rows that replay dead letters; null where there are none.</param>
    public static IEnumerable<KeyedRow> AllOf(Batch batch, FittedBatch fitted, ReplayClaims? replays)
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
    public static List<KeyedRow> FirstOfEach(IEnumerable<KeyedRow> rows) =>
        [.. rows.DistinctBy(row => row.Key).OrderBy(row => row.Key, StringComparer.Ordinal)];

    private static string IdOf(TableDescriptor table, Shape shape, ReadOnlyMemory<byte> tuple)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes)) RowEncoder.WriteKey(table, shape, tuple.Span, json);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}

/// <summary>The row that has an idempotency key.</summary>
/// <param name="Id">Its id, as JSON.</param>
/// <param name="Rejection">null where it was written, or is about to be.</param>
internal sealed record KeyHolder(Guid Digest, string Id, Rejection? Rejection)
{
    /// <summary>Its place, where it is a row of this batch.</summary>
    public (GatewayId Gateway, long Position)? Place { get; init; }
}
