using Akka.Actor;
using Akka.Configuration;
using Akka.TestKit;

namespace Ingest.Tests.Simulation;

/// <summary>
/// An actor system without threads and without a clock: actors run on the thread that tells them something, and time
/// moves when the driver moves it. One system serves many seeds, one after the other, each with actors of its own.
/// </summary>
internal sealed class SimulatedSystem : IDisposable
{
    // The guardians too: they start and stop what lives below them.
    private static readonly Config Config = ConfigurationFactory.ParseString("""
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          loggers = []
          scheduler.implementation = "Akka.TestKit.TestScheduler, Akka.TestKit"
          actor {
            default-dispatcher {
              type = "Akka.TestKit.CallingThreadDispatcherConfigurator, Akka.TestKit"
              throughput = 2147483647
            }
            internal-dispatcher {
              type = "Akka.TestKit.CallingThreadDispatcherConfigurator, Akka.TestKit"
              throughput = 2147483647
            }
          }
        }
        """);

    private readonly ActorSystem system = ActorSystem.Create("simulation", Config);

    public TestScheduler Clock => (TestScheduler)system.Scheduler;

    public void Dispose()
    {
        system.Terminate();
        system.Dispose();
    }

    /// <summary>The parent of one seed's actors.</summary>
    /// <param name="ended">Hears of each actor that has stopped.</param>
    /// <param name="failed">Hears of each exception in an actor that no fault has caused.</param>
    public Stage NewStage(Action<IActorRef> ended, Action<Exception> failed) =>
        new(system.ActorOf(Props.Create(() => new StageActor(ended, failed))));

    /// <summary>An address that hands whatever it is told to <paramref name="take"/>, with the sender.</summary>
    public IActorRef NewOutlet(string name, Action<object, IActorRef> take) =>
        new Outlet(((ExtendedActorSystem)system).Provider, name, take);

    private sealed class Outlet(IActorRefProvider provider, string name, Action<object, IActorRef> take)
        : MinimalActorRef
    {
        public override IActorRefProvider Provider => provider;

        public override ActorPath Path { get; } = provider.RootPath / "simulated" / name;

        protected override void TellInternal(object message, IActorRef sender) => take(message, sender);
    }

    private sealed class StageActor : ReceiveActor
    {
        private readonly Action<Exception> failed;

        public StageActor(Action<IActorRef> ended, Action<Exception> failed)
        {
            this.failed = failed;
            Receive<Action<IActorContext>>(act => act(Context));
            Receive<Terminated>(terminated => ended(terminated.ActorRef));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
        {
            if (cause is not ActorKilledException) failed(cause);
            return Directive.Restart;
        });
    }
}

/// <summary>Where one seed's actors live.</summary>
internal sealed class Stage(IActorRef stage)
{
    public IActorRef Start(Props props)
    {
        IActorRef? actor = null;
        stage.Tell((Action<IActorContext>)(context =>
            actor = context.Watch(context.ActorOf(props))));
        return actor ?? throw new InvalidOperationException("The stage did not run on the driver's thread.");
    }

    public void Stop(IActorRef actor) => stage.Tell((Action<IActorContext>)(context => context.Stop(actor)));

    /// <summary>Lets an actor fail: it is restarted.</summary>
    public static void Crash(IActorRef actor) => actor.Tell(Kill.Instance, ActorRefs.NoSender);

    public void Close() => stage.Tell(PoisonPill.Instance, ActorRefs.NoSender);
}
