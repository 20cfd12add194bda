using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Akka.TestKit.Xunit2;
using Ingest.Messages;
using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

/// <summary>
/// Two actor systems over a real loopback connection, with Akka.NET's fallback to JSON forbidden, as in production.
/// </summary>
public sealed class LaneProtocolRemotingTests() : TestKit(Settings, "receiver"), IAsyncLifetime
{
    /// <summary>
    /// A frame must hold the largest envelope, and both buffers the largest frame: Akka.NET drops what does not fit,
    /// and the sender hears nothing.
    /// </summary>
    private static readonly Config Settings = ConfigurationFactory.ParseString(
        """
        akka {
          actor.provider = remote
          actor.serialization-settings.allow-unregistered-types = false
          remote.dot-netty.tcp {
            hostname = "127.0.0.1"
            port = 0
            maximum-frame-size = 1048576b
            send-buffer-size = 1048576b
            receive-buffer-size = 1048576b
          }
        }
        """).WithFallback(LaneProtocolSerialization.Hocon);

    /// <summary>What a node of a later version adds: a message that this version has never heard of.</summary>
    private static readonly Config NewerSettings = ConfigurationFactory.ParseString(
        $$"""
        akka.actor {
          serializers.newer = "{{typeof(NewerSerializer).AssemblyQualifiedName}}"
          serialization-bindings { "{{typeof(NewerMessage).AssemblyQualifiedName}}" = newer }
        }
        """);

    private readonly ActorSystem sender =
        ActorSystem.Create("sender", NewerSettings.WithFallback(Settings).WithFallback(DefaultConfig));

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => sender.Terminate();

    [Fact]
    public async Task Should_bring_every_kind_of_message_to_another_node()
    {
        var remote = await RemoteTestActorAsync();

        foreach (var message in LaneMessages.Examples)
        {
            remote.Tell(message);
            var received = await ExpectMsgAsync<object>();
            Assert.Equal(LaneMessages.Describe(message), LaneMessages.Describe(received));
        }
    }

    [Fact]
    public async Task Should_bring_an_envelope_of_200_KB_to_another_node()
    {
        var remote = await RemoteTestActorAsync();
        var tuples = new byte[512][];
        for (var row = 0; row < tuples.Length; row++) tuples[row] = [.. Enumerable.Repeat((byte)row, 400)];
        var envelope = LaneMessages.Envelope with
        {
            Count = tuples.Length,
            Runs = [LaneMessages.Run(LaneMessages.Clicks, tuples)],
        };

        remote.Tell(envelope);

        var received = await ExpectMsgAsync<LaneProtocol.Envelope>();
        Assert.Equal(204_800, received.Runs[0].Tuples.Length);
        Assert.Equal(LaneMessages.Describe(envelope), LaneMessages.Describe(received));
    }

    [Fact]
    public async Task Should_lose_only_the_message_that_breaks_a_rule()
    {
        var remote = await RemoteTestActorAsync();

        remote.Tell(LaneMessages.Envelope with { Count = 3 });
        remote.Tell(LaneMessages.Probe);

        Assert.Equal(LaneMessages.Probe, await ExpectMsgAsync<object>());
    }

    [Fact]
    public async Task Should_lose_only_the_message_that_this_version_does_not_know()
    {
        var remote = await RemoteTestActorAsync();

        remote.Tell(new NewerMessage());
        remote.Tell(LaneMessages.Probe);

        Assert.Equal(LaneMessages.Probe, await ExpectMsgAsync<object>());
    }

    [Fact]
    public void Should_be_the_serializer_of_every_message_of_the_protocol()
    {
        foreach (var message in LaneMessages.Examples)
            Assert.IsType<LaneProtocolSerializer>(Sys.Serialization.FindSerializerFor(message));
    }

    [Fact]
    public void Should_leave_no_fallback_for_other_types() =>
        Assert.Throws<SerializationException>(() => Sys.Serialization.FindSerializerFor(new Unregistered()));

    [Fact]
    public void Should_bind_the_same_serializer_by_the_arguments_for_hosting()
    {
        var serializer = LaneProtocolSerialization.Create((ExtendedActorSystem)Sys);

        Assert.Equal(Sys.Serialization.FindSerializerFor(LaneMessages.Probe).Identifier, serializer.Identifier);
        Assert.All(
            LaneMessages.Examples,
            message => Assert.Contains(LaneProtocolSerialization.BoundTypes, type => type.IsInstanceOfType(message)));
    }

    private async Task<IActorRef> RemoteTestActorAsync()
    {
        var here = ((ExtendedActorSystem)Sys).Provider.DefaultAddress;
        var path = new RootActorPath(here) / TestActor.Path.Elements.ToArray();
        return await sender.ActorSelection(path).ResolveOne(TimeSpan.FromSeconds(10));
    }

    private sealed record Unregistered;

    private sealed record NewerMessage;

    private sealed class NewerSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => LaneProtocolSerializer.StableIdentifier;

        public override string Manifest(object o) => "Z9";

        public override byte[] ToBinary(object obj) => [0x0A, 0];

        public override object FromBinary(byte[] bytes, string manifest) => throw new NotSupportedException();
    }
}
