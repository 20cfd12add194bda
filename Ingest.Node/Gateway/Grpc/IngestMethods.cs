using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Ingest.Messages.Api.V1;

namespace Ingest.Node.Gateway.Grpc;

/// <summary>
/// Binds the service's methods. Requests come as their bytes, since a row is encoded from where it lies; answers are
/// the generated messages.
/// </summary>
internal sealed class IngestMethods : IServiceMethodProvider<IngestService>
{
    private static readonly string Service = IngestReflection.Descriptor.Services[0].FullName;

    private static readonly Marshaller<Payload> Requests = new(
        (_, _) => throw new NotSupportedException("Requests are only read here."), Payload.Read);

    private static readonly Method<Payload, CreateResponse> Create =
        new(MethodType.Unary, Service, "Create", Requests, Responses<CreateResponse>());

    private static readonly Method<Payload, CreateStreamResponse> CreateStream =
        new(MethodType.DuplexStreaming, Service, "CreateStream", Requests, Responses<CreateStreamResponse>());

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<IngestService> context)
    {
        context.AddUnaryMethod(Create, [], (service, request, call) => service.CreateAsync(request, call));
        context.AddDuplexStreamingMethod(
            CreateStream,
            [],
            (service, requests, responses, call) => service.CreateStreamAsync(requests, responses, call));
    }

    private static Marshaller<T> Responses<T>()
        where T : IMessage<T> => new(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            _ => throw new NotSupportedException("Responses are only written here."));
}
