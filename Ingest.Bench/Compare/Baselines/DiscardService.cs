using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Ingest.Messages.Api.V1;
using Ingest.Node.Catalog;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>The ceiling of gRPC: <c>Create</c> parses, encodes with Ingest's own encoder, and throws the tuple
/// away.</summary>
internal sealed class DiscardService(TableDescriptor table)
{
    [ThreadStatic]
    private static (RowEncoder Encoder, RowBlock Block, RowErrors Errors)? slot;

    public Task<CreateResponse> CreateAsync(CreateRequest request)
    {
        var (encoder, block, errors) = slot ??= (new RowEncoder(table), new RowBlock(), new RowErrors());
        block.Clear();
        if (encoder.EncodeJson(request.Json.Span, block, errors) != EncodeResult.Encoded)
            throw new RpcException(new Status(StatusCode.InvalidArgument, "The row is not one of the table."));
        return Task.FromResult(new CreateResponse { Id = new Value { TextValue = IdOf(block) } });
    }

    private static string IdOf(RowBlock block)
    {
        TupleReader.TryGetField(block.Tuple(0), TupleReader.IndexOf(block.ShapeOf(0), "id"), out var id);
        return new Guid(id, bigEndian: true).ToString();
    }

    /// <summary>Binds the method with the generated messages, as generated server code does.</summary>
    internal sealed class Methods : IServiceMethodProvider<DiscardService>
    {
        private static readonly Method<CreateRequest, CreateResponse> Create = new(
            MethodType.Unary,
            IngestReflection.Descriptor.Services[0].FullName,
            "Create",
            Of(CreateRequest.Parser),
            Of(CreateResponse.Parser));

        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<DiscardService> context) =>
            context.AddUnaryMethod(Create, [], (service, request, _) => service.CreateAsync(request));

        private static Marshaller<T> Of<T>(MessageParser<T> parser)
            where T : IMessage<T> => new(
                (message, context) =>
                {
                    context.SetPayloadLength(message.CalculateSize());
                    message.WriteTo(context.GetBufferWriter());
                    context.Complete();
                },
                context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
    }
}
