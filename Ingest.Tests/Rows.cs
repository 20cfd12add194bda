using System.Text;
using Ingest.Messages;
using static Ingest.Messages.LaneProtocol;

namespace Ingest.Tests;

/// <summary>Envelopes with rows that are told apart, for tests that do not look into tuples.</summary>
internal static class Rows
{
    public static readonly LaneId Lane = new("clicks", 0);

    public static readonly GatewayId GatewayA = new(new Guid("00000000-0000-7000-8000-000000000001"));

    public static readonly GatewayId GatewayB = new(new Guid("00000000-0000-7000-8000-000000000002"));

    public static readonly GatewayId GatewayC = new(new Guid("00000000-0000-7000-8000-000000000003"));

    public static readonly Shape Shape = new([new ShapeColumn("url", "text")]);

    public static readonly DateTimeOffset Never = DateTimeOffset.MaxValue;

    /// <summary>The rows from <paramref name="first"/> on, each of ten bytes that hold its position.</summary>
    public static Envelope Envelope(
        long first, int count, GatewayId? gateway = null, long lowest = 1, DateTimeOffset? deadline = null) =>
        new(Lane, gateway ?? GatewayA, first, count, lowest, deadline ?? Never, [Run(first, count)]);

    /// <summary>Positions that their gateway has given up on.</summary>
    public static Envelope Skip(long first, int count) => new(Lane, GatewayA, first, count, 1, Never, []);

    /// <summary>The positions of a batch's rows, in its order.</summary>
    public static IEnumerable<long> Positions(Batch batch) =>
        batch.Parts.Where(part => !part.Skipped)
            .SelectMany(part => Enumerable.Range(0, part.Count).Select(row => part.First + row));

    private static RowRun Run(long first, int count)
    {
        var bytes = new StringBuilder();
        for (var row = 0; row < count; row++) bytes.Append($"{first + row:D10}");
        return new RowRun(
            Shape,
            Encoding.ASCII.GetBytes(bytes.ToString()),
            [.. Enumerable.Range(1, count).Select(row => row * 10)]);
    }
}
