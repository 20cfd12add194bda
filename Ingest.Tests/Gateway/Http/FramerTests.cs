using System.Buffers;
using System.Text;
using CsCheck;
using Ingest.Node.Gateway.Http.Framing;

namespace Ingest.Tests.Http;

/// <summary>However the input is cut into pieces, a framer finds the same records.</summary>
public sealed class FramerTests
{
    private const int MaxBytes = 40;

    private static readonly string[] Parts =
        ["a", "é", "\"", "\\", "\n", "\r\n", ",", "[", "]", "{", "}", " ", "longer text, of many letters"];

    private static readonly Gen<string> Text =
        Gen.Int[0, Parts.Length - 1].Select(part => Parts[part]).Array[0, 30].Select(string.Concat);

    [Fact]
    public void Should_find_the_same_lines_however_they_are_cut() => Check(() => new NdjsonFramer(MaxBytes), "");

    [Fact]
    public void Should_find_the_same_csv_records_however_they_are_cut() => Check(() => new CsvFramer(MaxBytes), "");

    [Fact]
    public void Should_find_the_same_elements_however_they_are_cut() => Check(() => new ArrayFramer(MaxBytes), "[");

    [Fact]
    public void Should_not_take_the_start_of_a_byte_order_mark_for_one()
    {
        Assert.Equal("1 Record: ï", Run(new NdjsonFramer(MaxBytes), Encoding.UTF8.GetBytes("ï"), cut: 1)[0]);
        Assert.Equal("1 Record: a", Run(new NdjsonFramer(MaxBytes), Encoding.UTF8.GetBytes("\uFEFFa"), cut: 1)[0]);
        Assert.Equal(["1 End: "], Run(new NdjsonFramer(MaxBytes), Encoding.UTF8.GetBytes("\uFEFF"), cut: 1));
    }

    [Theory]
    [InlineData("x\"y,2\nb\nz\"w\nd", "x\"y,2|b|z\"w|d")]
    [InlineData("\"a\nb\",\"c\"\"\n\"\nd", "\"a\nb\",\"c\"\"\n\"|d")]
    [InlineData("a,\"b\nc\"\n\"\",d", "a,\"b\nc\"|\"\",d")]
    [InlineData("\"a\"b\"c\nd", "\"a\"b\"c|d")]
    [InlineData("\uFEFF\"a\nb\"\nc", "\"a\nb\"|c")]
    public void Should_let_a_stray_quote_spoil_no_record_but_its_own(string text, string records)
    {
        foreach (var cut in new[] { 1, 2, 100 })
        {
            var found = Run(new CsvFramer(MaxBytes), Encoding.UTF8.GetBytes(text), cut);

            Assert.Equal(records, string.Join('|', found[..^1].Select(frame => frame[(frame.IndexOf(':') + 2)..])));
        }
    }

    [Fact]
    public void Should_keep_no_more_than_the_limit_of_a_long_record()
    {
        var framer = new NdjsonFramer(MaxBytes);
        var input = new ReadOnlySequence<byte>(new byte[MaxBytes + 3]);

        Assert.Equal(Frame.NeedsInput, framer.Next(ref input, isAll: false, out _));

        Assert.True(input.IsEmpty);
    }

    private static void Check(Func<RecordFramer> make, string prefix) =>
        Gen.Select(Text, Gen.Int[1, 50]).Sample(
            (text, cut) =>
            {
                var bytes = Encoding.UTF8.GetBytes(prefix + text);
                Assert.Equal(Run(make(), bytes, bytes.Length + 1), Run(make(), bytes, cut));
            },
            iter: 5_000);

    private static List<string> Run(RecordFramer framer, byte[] bytes, int cut)
    {
        var found = new List<string>();
        var start = 0;
        var end = 0;
        while (true)
        {
            end = Math.Min(bytes.Length, end + cut);
            var input = Pieces.Of(bytes.AsMemory(start, end - start), cut);
            Frame frame;
            do
            {
                frame = framer.Next(ref input, end == bytes.Length, out var record);
                if (frame == Frame.NeedsInput) break;
                var text = frame == Frame.Record ? Encoding.UTF8.GetString(record.ToArray()) : "";
                found.Add($"{framer.Line} {frame}: {text}");
                if (found.Count > bytes.Length + 2) throw new InvalidOperationException("The framer does not end.");
            }
            while (frame is not (Frame.End or Frame.Broken));
            if (frame != Frame.NeedsInput) return found;
            if (end == bytes.Length) throw new InvalidOperationException("The framer wants more than there is.");
            start = end - (int)input.Length;
        }
    }

    /// <summary>A sequence of segments of a given size.</summary>
    private sealed class Pieces : ReadOnlySequenceSegment<byte>
    {
        private Pieces(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public static ReadOnlySequence<byte> Of(ReadOnlyMemory<byte> bytes, int size)
        {
            if (bytes.IsEmpty) return ReadOnlySequence<byte>.Empty;
            var first = new Pieces(bytes[..Math.Min(size, bytes.Length)], 0);
            var last = first;
            for (var at = first.Memory.Length; at < bytes.Length; at += last.Memory.Length)
            {
                var next = new Pieces(bytes.Slice(at, Math.Min(size, bytes.Length - at)), at);
                last.Next = next;
                last = next;
            }

            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
