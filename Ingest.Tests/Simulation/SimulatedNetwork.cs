using Akka.Actor;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Tests.Simulation;

/// <summary>
/// All messages on their way between gateways and lanes. Nothing arrives before the driver picks it. Akka.NET
/// delivers at most once, so a copy goes where the first one went: two incarnations of a lane hold the same envelope
/// only where the gateway has sent it twice.
/// </summary>
internal sealed class SimulatedNetwork(SimulatedLanes lanes, EventLog log, Coverage coverage, Sabotage sabotage)
{
    private readonly List<Packet> packets = [];
    private int lastPacket;

    public int Count => packets.Count;

    public void SendToLane(ILaneMessage message, IActorRef replyTo) => Add(message, message.Lane, replyTo, null);

    public void SendToGateway(object message, SimulatedGateway gateway)
    {
        if (message is Expected && sabotage.HasFlag(Sabotage.NoResend)) return;
        if (message is Expected { Full: true }) coverage.Count("lane full");
        Add(message, null, null, gateway);
    }

    /// <summary>Delivers one of the oldest packets.</summary>
    /// <param name="index">Which of them.</param>
    /// <returns>False where it has to wait, since its lane is moving.</returns>
    public bool Deliver(int index)
    {
        var packet = packets[index];
        if (packet.Gateway is { } gateway)
        {
            log.Add($"#{packet.Number} arrives: {log.Describe(packet.Message)}");
            packets.RemoveAt(index);
            gateway.Actor.Tell(packet.Message, ActorRefs.NoSender);
            return true;
        }

        // While a lane moves, its messages wait for its next incarnation.
        if (lanes.Route(packet.Lane!.Value, packet.Pinned) is not { } incarnation) return false;
        packets.RemoveAt(index);
        packet.Pinned = incarnation;
        if (incarnation.IsGone) return true;
        log.Add($"#{packet.Number} arrives at {incarnation.Name}: {log.Describe(packet.Message)}");
        incarnation.Actor.Tell(packet.Message, packet.ReplyTo!);
        return true;
    }

    /// <summary>Delivers the oldest packet that need not wait.</summary>
    /// <returns>False where there is none.</returns>
    public bool DeliverOldest()
    {
        for (var index = 0; index < packets.Count; index++)
            if (Deliver(index)) return true;
        return false;
    }

    public void Drop(int index)
    {
        log.Add($"#{packets[index].Number} is lost");
        packets.RemoveAt(index);
    }

    /// <summary>Delivers a packet and keeps a copy of it on its way.</summary>
    public void Duplicate(int index)
    {
        var packet = packets[index];
        if (Deliver(index)) packets.Add(packet);
    }

    private void Add(object message, LaneId? lane, IActorRef? replyTo, SimulatedGateway? gateway)
    {
        packets.Add(new Packet(++lastPacket, message, lane, replyTo, gateway));
        log.Add($"#{lastPacket} is sent: {log.Describe(message)}");
    }

    private sealed class Packet(int number, object message, LaneId? lane, IActorRef? replyTo, SimulatedGateway? gateway)
    {
        public int Number => number;

        public object Message => message;

        public LaneId? Lane => lane;

        public IActorRef? ReplyTo => replyTo;

        public SimulatedGateway? Gateway => gateway;

        /// <summary>Where it arrived first.</summary>
        public Incarnation? Pinned { get; set; }
    }
}
