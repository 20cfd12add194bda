using Ingest.Node.Writing;

namespace Ingest.Tests.Writing;

public sealed class FieldArraysTests
{
    private static readonly byte[] One = [0, 2, 0, 0, 0, 1, 7, 255, 255, 255, 255];
    private static readonly byte[] Two = [0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9];

    [Fact]
    public void Should_turn_tuples_into_an_array_for_each_column()
    {
        // Two pieces, the second with two tuples.
        var arrays = FieldArrays.Of([One, (byte[])[.. Two, .. One]], [(25, 1009), (17, 1001)]);

        Assert.Equal([1009u, 1001u], arrays.Columns.Select(column => column.TypeOid));
        Assert.Equal(
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 3, 0, 0, 0, 1,
             0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 7],
            arrays.Columns[0].Bytes.ToArray());
        Assert.Equal(
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 3, 0, 0, 0, 1,
             255, 255, 255, 255, 0, 0, 0, 2, 8, 9, 255, 255, 255, 255],
            arrays.Columns[1].Bytes.ToArray());
    }

    [Fact]
    public void Should_leave_out_the_columns_that_are_not_asked_for()
    {
        var arrays = FieldArrays.Of([One, Two], [default, (17, 1001)]);

        Assert.Equal(1001u, Assert.Single(arrays.Columns).TypeOid);
        Assert.Equal(
            [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1,
             255, 255, 255, 255, 0, 0, 0, 2, 8, 9],
            arrays.Columns[0].Bytes.ToArray());
    }

    [Fact]
    public void Should_refuse_tuples_of_another_shape()
    {
        Assert.Throws<InvalidOperationException>(() => FieldArrays.Of([One], [(25, 1009)]));
    }
}
