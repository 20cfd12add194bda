using System.Collections.Concurrent;
using System.Net;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// Callers by the addresses that they call from, where nobody is asked who he is but each has limits. Behind a proxy
/// all are one. Bounded: where there are too many addresses they are all forgotten, but not what is in flight.
/// </summary>
internal sealed class AddressCallers(AccessOptions options, CallerBudgets budgets)
{
    private readonly ConcurrentDictionary<IPAddress, Caller> callers = new();

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        context.User = CallerAt(context.Connection.RemoteIpAddress ?? IPAddress.None);
        return next(context);
    }

    private Caller CallerAt(IPAddress address)
    {
        if (callers.TryGetValue(address, out var known)) return known;
        if (callers.Count >= CallerBudgets.MaxKept) callers.Clear();
        var name = address.ToString();
        return callers.GetOrAdd(address, new Caller(name, Grants.None, budgets.Of($"address {name}", options.Limits)));
    }
}
