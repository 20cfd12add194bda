using Ingest.Messages;

namespace Ingest.Node.Writing;

/// <summary>The keys of a batch's rows, by the rows' places.</summary>
internal static class RowKeys
{
    /// <summary>The keys of the rows that the batch is to write.</summary>
    public static Dictionary<(GatewayId Gateway, long Position), RowKey> Of(Batch batch)
    {
        var keys = new Dictionary<(GatewayId, long), RowKey>();
        foreach (var part in batch.Parts.Where(part => !part.Skipped))
        {
            foreach (var key in part.Envelope.Keys)
                if (key.Row >= part.Offset && key.Row < part.Offset + part.Count)
                    keys.Add((part.Envelope.Gateway, part.Envelope.First + key.Row), key);
        }

        return keys;
    }
}
