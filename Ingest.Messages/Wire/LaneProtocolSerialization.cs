using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Ingest.Messages.Wire;

/// <summary>
/// Binds the lane protocol to its serializer: <see cref="Hocon"/> for an actor system made from configuration alone, or
/// <see cref="Name"/>, <see cref="BoundTypes"/> and <see cref="Create"/> as the three arguments of Akka.Hosting's
/// <c>WithCustomSerializer</c>. Use one of the two.
/// </summary>
public static class LaneProtocolSerialization
{
    /// <summary>The serializer's name in configuration and logs.</summary>
    public const string Name = "ingest-lane";

    /// <summary>The marker interfaces of everything that travels between gateways and lanes, or lies in a
    /// journal.</summary>
    public static IReadOnlyList<Type> BoundTypes { get; } =
        [typeof(ILaneMessage), typeof(IGatewayMessage), typeof(IJournalEvent)];

    /// <summary>The same binding as configuration, to be put in front of an actor system's own.</summary>
    public static Config Hocon { get; } = ConfigurationFactory.ParseString(
        $$"""
        akka.actor {
          serializers.{{Name}} = "{{NameOf(typeof(LaneProtocolSerializer))}}"
          serialization-bindings {
            {{string.Join("\n    ", BoundTypes.Select(type => $"\"{NameOf(type)}\" = {Name}"))}}
          }
        }
        """);

    /// <summary>Makes the serializer for one actor system.</summary>
    public static Serializer Create(ExtendedActorSystem system) => new LaneProtocolSerializer(system);

    private static string NameOf(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";
}
