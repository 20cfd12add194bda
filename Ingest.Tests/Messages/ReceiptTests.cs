using CsCheck;
using Ingest.Messages;

namespace Ingest.Tests.Messages;

public sealed class ReceiptTests
{
    private static readonly Gen<Receipt> Receipts = Gen.Select(
        Gen.OneOf("clicks", "sales.orders", "\"naïve ☃\"", new string('t', 130)),
        Gen.Int[0, ushort.MaxValue],
        Gen.Guid,
        Gen.Long[1, long.MaxValue],
        Gen.UInt[0, 200_000_000],
        (table, lane, gateway, position, minutes) => new Receipt(
            new LaneId(table, lane),
            new GatewayId(gateway),
            position,
            DateTimeOffset.UnixEpoch.AddMinutes(minutes)));

    [Fact]
    public void Should_read_what_it_wrote() => Receipts.Sample(receipt =>
        receipt.ToString() is { Length: <= Receipt.MaxLength } text
        && text.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '-' or '_')
        && Receipt.TryParse(text, out var read) && read == receipt);

    [Fact]
    public void Should_keep_the_minute_of_its_time()
    {
        var at = new DateTimeOffset(2026, 11, 23, 9, 30, 59, TimeSpan.Zero);

        Assert.True(Receipt.TryParse(
            new Receipt(new LaneId("clicks", 0), new GatewayId(Guid.NewGuid()), 1, at).ToString(), out var read));

        Assert.Equal(at.AddSeconds(-59), read.AcceptedAt);
    }

    [Fact]
    public void Should_refuse_one_of_which_a_sign_was_changed() => Gen.Select(Receipts, Gen.Int[0, 1_000]).Sample(
        (receipt, place) =>
        {
            var text = receipt.ToString().ToCharArray();
            // The last sign may hold bits that say nothing.
            place %= text.Length - 1;
            text[place] = text[place] == 'A' ? 'B' : 'A';
            return !Receipt.TryParse(new string(text), out _);
        });

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AQ")]
    [InlineData("no receipt!")]
    [InlineData("../../etc/passwd")]
    public void Should_refuse_what_is_none(string? text) => Assert.False(Receipt.TryParse(text, out _));

    [Fact]
    public void Should_refuse_any_garbage() => Gen.String[0, 1_100].Sample(text => !Receipt.TryParse(text, out _));
}
