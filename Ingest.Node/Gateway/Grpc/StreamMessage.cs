using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// Where the parts of a <c>CreateStreamRequest</c> lie. Reused for all messages of a stream; not thread-safe.
/// </summary>
internal sealed class StreamMessage
{
    private readonly List<Piece> json = [];
    private readonly List<Piece> records = [];

    /// <summary>The header; null where the message has none.</summary>
    public Piece? Header { get; private set; }

    /// <summary>The number of the first row; 0 where it counts on.</summary>
    public ulong First { get; private set; }

    public IReadOnlyList<Piece> Json => json;

    public IReadOnlyList<Piece> Records => records;

    /// <summary>The rows' own idempotency keys: none, or, where the message is right, as many as rows.</summary>
    public List<string> Keys { get; } = [];

    public int Rows => json.Count + records.Count;

    /// <exception cref="ProtobufException">The message is malformed.</exception>
    public void Read(ReadOnlySpan<byte> message)
    {
        Header = null;
        First = 0;
        json.Clear();
        records.Clear();
        Keys.Clear();
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case CreateStreamRequest.HeaderFieldNumber:
                    if (Header is not null) throw new ProtobufException("There are two headers.");
                    Header = reader.ReadPiece();
                    break;
                case CreateStreamRequest.FirstFieldNumber:
                    reader.Expect(ProtobufReader.Varint);
                    First = reader.ReadVarint();
                    break;
                case CreateStreamRequest.JsonFieldNumber:
                    json.Add(reader.ReadPiece());
                    break;
                case CreateStreamRequest.RecordsFieldNumber:
                    records.Add(reader.ReadPiece());
                    break;
                case CreateStreamRequest.IdempotencyKeysFieldNumber:
                    Keys.Add(reader.ReadString());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }
}
