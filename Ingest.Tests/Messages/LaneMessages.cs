using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using CsCheck;
using Ingest.Messages;
using Ingest.Messages.Wire;

namespace Ingest.Tests.Messages;

/// <summary>Messages of the lane protocol to test with: one fixed example of each kind, and random ones.</summary>
internal static class LaneMessages
{
    public static readonly Shape Clicks = new([new("id", "uuid"), new("url", "text"), new("tags", "text[]")]);
    public static readonly Shape Short = new([new("id", "uuid")]);

    private static readonly LaneId Lane = new("sales.orders", 3);
    private static readonly GatewayId Gateway = new(new Guid("01234567-89ab-cdef-0123-456789abcdef"));

    /// <summary>Two shapes in three runs, and a deadline with a fraction of a microsecond.</summary>
    public static readonly LaneProtocol.Envelope Envelope = new(
        Lane, Gateway, First: 1_000, Count: 4, Base: 990, new DateTimeOffset(639_000_000_000_000_007, TimeSpan.Zero),
        [
            new RowRun(Clicks, new byte[] { 0, 3, 1, 2, 3 }, [2, 5]),
            new RowRun(Short, new byte[] { 0, 1, 255 }, [3]),
            new RowRun(Clicks, new byte[] { 7 }, [1]),
        ]);

    public static readonly LaneProtocol.Envelope Skip = Envelope with { Count = 512, Runs = [] };

    public static readonly LaneProtocol.Probe Probe = new(Lane, Gateway, Base: 990, Next: 1_004);

    public static readonly LaneProtocol.FlushNow FlushNow = new(Lane);

    public static readonly LaneProtocol.Settled Settled = new(
        Lane, Gateway, First: 990, Last: 1_003, VerdictKind.Committed,
        [
            new(991, new Rejection("23505", "A row with this key exists.", "orders_pkey")),
            new(1_003, new Rejection("23502", "A value is missing: \u00e9\ud83d\ude00", null, "url")),
        ]);

    public static readonly LaneProtocol.Settled SettledAlike = Settled with
    {
        Outcome = VerdictKind.NotWritten,
        Rejections = [],
    };

    public static readonly LaneProtocol.Expected Expected = new(Lane, Gateway, Next: 1_000, Full: true);

    public static readonly ImmutableArray<object> Examples =
        [Envelope, Skip, Probe, FlushNow, Settled, SettledAlike, Expected];

    private static readonly Gen<LaneId> Lanes = Gen.Select(
        Gen.String[Gen.Char['a', 'z'], 1, 12], Gen.Int[0, int.MaxValue], (table, number) => new LaneId(table, number));

    private static readonly Gen<GatewayId> Gateways = Gen.Guid.Select(value => new GatewayId(value));

    private static readonly Gen<long> Positions = Gen.OneOf(Gen.Long[1, 300], Gen.Long[1, long.MaxValue / 4]);

    private static readonly Gen<Shape> Shapes = Gen.Select(
        Gen.OneOf("id", "url", "at", "amount", "naïve ☃"), Gen.OneOf("int8", "text", "text[]"),
        (name, codec) => new ShapeColumn(name, codec)).Array[0, 4].Select(columns => new Shape([.. columns]));

    private static readonly Gen<RowRun> Runs = Gen.Select(
        Shapes, Gen.Byte.Array[1, 300].Array[1, 6], (shape, tuples) => Run(shape, tuples));

    private static readonly Gen<LaneProtocol.Envelope> RandomEnvelopes = Gen.Select(
        Lanes, Gateways, Positions, Positions, Gen.Long[0, DateTime.MaxValue.Ticks], Runs.Array[1, 8],
        (lane, gateway, first, floor, ticks, runs) => new LaneProtocol.Envelope(
            lane, gateway, first, runs.Sum(run => run.Count), floor, new(ticks, TimeSpan.Zero), [.. runs]));

    private static readonly Gen<LaneProtocol.Envelope> RandomSkips = Gen.Select(
        RandomEnvelopes, Gen.Int[1, int.MaxValue], (envelope, count) => envelope with { Count = count, Runs = [] });

    private static readonly Gen<Rejection> Rejections = Gen.Select(
        Gen.OneOf("23505", "22003"), Gen.String.AlphaNumeric, Gen.OneOf<string?>(null, "", "orders_pkey"),
        Gen.OneOf<string?>(null, "", "url"),
        (state, message, constraint, column) => new Rejection(state, message, constraint, column));

    private static readonly Gen<LaneProtocol.Settled> RandomSettlements = Gen.Select(
        Lanes, Gateways, Positions, Gen.OneOf(VerdictKind.Committed, VerdictKind.NotWritten),
        Gen.Select(Gen.Long[0, 50], Rejections).Array[0, 20],
        (lane, gateway, first, outcome, gaps) => Settle(lane, gateway, first, outcome, gaps));

    private static readonly Gen<LaneProtocol.Probe> RandomProbes = Gen.Select(
        Lanes, Gateways, Positions, Positions, (lane, gateway, floor, more) =>
            new LaneProtocol.Probe(lane, gateway, floor, floor + more));

    private static readonly Gen<LaneProtocol.Expected> RandomExpectations = Gen.Select(
        Lanes, Gateways, Positions, Gen.Bool, (lane, gateway, next, full) =>
            new LaneProtocol.Expected(lane, gateway, next, full));

    /// <summary>Random messages of every kind, all of which keep the rules.</summary>
    public static readonly Gen<object> Random = Gen.OneOf(
        RandomEnvelopes.Select(message => (object)message),
        RandomSkips.Select(message => (object)message),
        RandomSettlements.Select(message => (object)message),
        RandomProbes.Select(message => (object)message),
        RandomExpectations.Select(message => (object)message),
        Lanes.Select(lane => (object)new LaneProtocol.FlushNow(lane)));

    /// <summary>A serializer outside any actor system; it uses its system for nothing.</summary>
    public static LaneProtocolSerializer Serializer() => new(null!);

    /// <summary>A run of these tuples.</summary>
    public static RowRun Run(Shape shape, params byte[][] tuples)
    {
        var end = 0;
        return new RowRun(shape, tuples.SelectMany(tuple => tuple).ToArray(), [.. tuples.Select(t => end += t.Length)]);
    }

    /// <summary>
    /// Everything that a message says, as text. Records that hold arrays compare these by reference, so they cannot be
    /// compared themselves, and two texts show where they differ.
    /// </summary>
    public static string Describe(object message) => message switch
    {
        LaneProtocol.Envelope envelope => Describe(envelope),
        LaneProtocol.Settled settled =>
            $"{settled with { Rejections = [] }} {string.Join("; ", settled.Rejections.Select(Describe))}",
        _ => message.ToString()!,
    };

    private static string Describe(LaneProtocol.RowRejection row) =>
        $"{row} constraint:{row.Rejection.Constraint is not null} column:{row.Rejection.Column is not null}";

    private static string Describe(LaneProtocol.Envelope envelope)
    {
        var text = new StringBuilder(
            $"{envelope with { Runs = [] }} {envelope.Deadline.UtcTicks.ToString(CultureInfo.InvariantCulture)}");
        foreach (var run in envelope.Runs)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n[{run.Shape}] {string.Join(' ', run.Ends)} ");
            text.Append(Convert.ToHexString(run.Tuples.Span));
        }
        return text.ToString();
    }

    private static LaneProtocol.Settled Settle(
        LaneId lane, GatewayId gateway, long first, VerdictKind outcome, (long Gap, Rejection Rejection)[] gaps)
    {
        var next = first;
        var rows = new List<LaneProtocol.RowRejection>();
        foreach (var (gap, rejection) in gaps)
        {
            rows.Add(new(next + gap, rejection));
            next += gap + 1;
        }
        return new LaneProtocol.Settled(lane, gateway, first, next, outcome, [.. rows]);
    }
}
