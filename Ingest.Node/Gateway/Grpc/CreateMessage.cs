using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Intake;
using Acknowledge = Ingest.Messages.Acknowledge;
using ApiAcknowledge = Ingest.Messages.Api.V1.Acknowledge;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>A <c>CreateRequest</c>, read in place.</summary>
/// <param name="Syntax">How the row is written; null where there is no row.</param>
/// <param name="Acknowledge">The level that the caller asks for; null for the table's own.</param>
/// <param name="Key">The idempotency key; null where there is none.</param>
internal readonly record struct CreateMessage(
    string Table, Piece Row, RowSyntax? Syntax, Acknowledge? Acknowledge, string? Key)
{
    /// <exception cref="ProtobufException">The message is malformed.</exception>
    public static CreateMessage Read(ReadOnlySpan<byte> message)
    {
        var read = new CreateMessage { Table = "" };
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case CreateRequest.TableFieldNumber:
                    read = read with { Table = reader.ReadString() };
                    break;
                // Of a oneof the last one counts.
                case CreateRequest.JsonFieldNumber:
                    read = read with { Row = reader.ReadPiece(), Syntax = RowSyntax.Json };
                    break;
                case CreateRequest.ValuesFieldNumber:
                    read = read with { Row = reader.ReadPiece(), Syntax = RowSyntax.Values };
                    break;
                case CreateRequest.AcknowledgeFieldNumber:
                    read = read with { Acknowledge = Acknowledgement.Of((ApiAcknowledge)reader.ReadEnum()) };
                    break;
                case CreateRequest.IdempotencyKeyFieldNumber:
                    read = read with { Key = reader.ReadString() is { Length: > 0 } key ? key : null };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return read;
    }
}
