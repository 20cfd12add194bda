namespace Ingest.Tests.Http;

/// <summary>A test of the HTTP door before a gateway that says what it is told to.</summary>
public abstract class HttpTest : IAsyncLifetime
{
    private protected ScriptedGateway Gateway { get; } = new();

    private protected TestHttpServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await TestHttpServer.StartAsync(Gateway);

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        // Whatever the test did, nothing that was rented is kept.
        Assert.Equal(0, Gateway.Outstanding);
    }
}
