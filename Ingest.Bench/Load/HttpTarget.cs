using System.Globalization;
using System.Text;

namespace Ingest.Bench.Load;

/// <summary>Where the rows of a load go, and the request heads for it; made once, before the load.</summary>
public sealed class HttpTarget
{
    private readonly string headers;

    /// <exception cref="ArgumentException">The URL is not <c>http://</c>, or a header is not <c>Name:
    /// value</c>.</exception>
    public HttpTarget(Uri url, string table, IReadOnlyList<string> headers)
    {
        if (url.Scheme != Uri.UriSchemeHttp)
            throw new ArgumentException("The load generator speaks clear-text HTTP/1.1 only: give an http:// URL.");
        foreach (var header in headers)
        {
            if (header.IndexOf(':', StringComparison.Ordinal) <= 0 || header.AsSpan().ContainsAny('\r', '\n'))
                throw new ArgumentException($"'{header}' is not a header: give it as 'Name: value'.");
        }
        Host = url.IdnHost;
        Port = url.Port;
        Path = $"{url.AbsolutePath.TrimEnd('/')}/v1/tables/{Uri.EscapeDataString(table)}/rows";
        this.headers = $"Host: {url.Authority}\r\n" + string.Concat(headers.Select(header => header + "\r\n"));
    }

    public string Host { get; }

    public int Port { get; }

    public string Path { get; }

    /// <summary>A whole request that creates one row.</summary>
    public byte[] CreateRequest(ReadOnlySpan<byte> row)
    {
        var length = row.Length.ToString(CultureInfo.InvariantCulture);
        var head = Encoding.Latin1.GetBytes(
            $"POST {Path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
        return [.. head, .. row];
    }

    /// <summary>The head of a request whose body is an endless stream of rows in chunks.</summary>
    public byte[] StreamHead() => Encoding.Latin1.GetBytes(
        $"POST {Path}?verdicts=all HTTP/1.1\r\n{headers}Content-Type: application/x-ndjson\r\n"
        + "Accept: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
}
