using Akka.Actor;
using Akka.Cluster;
using Ingest.Messages.Wire.V1;
using Ingest.Node.Gateway;

namespace Ingest.Node.Cluster;

/// <summary>Adds up the accounts of all nodes that take rows.</summary>
internal sealed class ClusterAccounting(ActorSystem system, IAccounting own) : IClusterAccounting
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<ClusterAccounts> CollectAsync(CancellationToken cancellation)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        var state = cluster.State;
        var answers = await Task.WhenAll(state.Members
            .Where(member => member.HasRole(NodeRoles.Gateway))
            .Select(async member => (
                Address: $"{member.Address.Host}:{member.Address.Port}",
                Accounts: member.Address == cluster.SelfAddress
                    ? own.Snapshot()
                    : await AskAsync(member, state, cancellation))));
        return new ClusterAccounts(
            [.. answers.Where(answer => answer.Accounts is not null).Select(answer => answer.Address)],
            [.. answers.Where(answer => answer.Accounts is null).Select(answer => answer.Address)],
            [.. answers.SelectMany(answer => answer.Accounts ?? [])
                .GroupBy(account => account.Table, StringComparer.Ordinal)
                .OrderBy(accounts => accounts.Key, StringComparer.Ordinal)
                .Select(accounts => TableAccount.Sum(accounts.Key, accounts))]);
    }

    private async Task<IReadOnlyList<TableAccount>?> AskAsync(
        Member member, ClusterEvent.CurrentClusterState state, CancellationToken cancellation)
    {
        if (state.Unreachable.Contains(member)) return null;
        try
        {
            var actor = system.ActorSelection(new RootActorPath(member.Address) / "user" / AccountsActor.Name);
            var reply = await actor.Ask<AccountsReply>(new AccountsRequest(), Patience, cancellation);
            return [.. reply.Accounts.Select(AccountsActor.Decode)];
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }
}

/// <summary>Tells other nodes this node's accounts.</summary>
internal sealed class AccountsActor : ReceiveActor
{
    public const string Name = "accounts";

    public AccountsActor(IAccounting accounting) =>
        Receive<AccountsRequest>(_ =>
            Sender.Tell(new AccountsReply { Accounts = { accounting.Snapshot().Select(Encode) } }));

    public static TableAccount Decode(Account account) => new(
        account.Table, account.Received, account.Committed, account.Rejected, account.NotWritten, account.Pending)
    {
        Accepted = account.Accepted,
        Unknown = account.Unknown,
        Repeated = account.Repeated,
    };

    private static Account Encode(TableAccount account) => new()
    {
        Table = account.Table,
        Received = account.Received,
        Committed = account.Committed,
        Rejected = account.Rejected,
        NotWritten = account.NotWritten,
        Pending = account.Pending,
        Accepted = account.Accepted,
        Unknown = account.Unknown,
        Repeated = account.Repeated,
    };
}
