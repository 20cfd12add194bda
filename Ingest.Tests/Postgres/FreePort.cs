using System.Net;
using System.Net.Sockets;

namespace Ingest.Tests.Postgres;

/// <summary>TCP ports that nobody listens on at the moment.</summary>
public static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
