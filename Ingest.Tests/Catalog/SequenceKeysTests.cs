using System.Collections.Concurrent;
using Ingest.Node.Catalog;
using Npgsql;

namespace Ingest.Tests.Catalog;

public sealed class SequenceKeysTests : CatalogTest
{
    private async Task<SequenceKeys> KeysAsync(string options = "")
    {
        await Database.ExecuteAsync($"create sequence s {options}");
        var oid = await Database.ScalarAsync<uint>("select 's'::regclass::oid");
        return new SequenceKeys(Database.DataSource, oid, TimeProvider.System);
    }

    private static async Task<List<long>> TakeAsync(SequenceKeys keys, int count)
    {
        var values = new List<long>(count);
        while (values.Count < count)
        {
            if (keys.TryTake(out var value)) values.Add(value);
            else await keys.ReserveAsync(CancellationToken.None);
        }

        return values;
    }

    [Fact]
    public async Task Should_have_nothing_before_the_first_reservation()
    {
        var keys = await KeysAsync();

        Assert.False(keys.TryTake(out _));
        await keys.ReserveAsync(CancellationToken.None);
        Assert.True(keys.TryTake(out var first));
        Assert.Equal(1, first);
    }

    [Fact]
    public async Task Should_hand_each_value_to_one_caller_only()
    {
        var keys = await KeysAsync();
        var taken = new ConcurrentBag<List<long>>();

        await Parallel.ForAsync(0, 16, async (_, _) => taken.Add(await TakeAsync(keys, 2_000)));

        var all = taken.SelectMany(values => values).ToList();
        Assert.Equal(32_000, all.Distinct().Count());
    }

    [Fact]
    public async Task Should_reserve_larger_blocks_while_they_are_used_up_quickly()
    {
        var keys = await KeysAsync();

        await TakeAsync(keys, 50_000);

        var reserved = await Database.ScalarAsync<long>("select last_value from s");
        Assert.InRange(reserved, 50_000, 50_000 + (3 * SequenceKeys.LargestBlock));
    }

    [Theory]
    [InlineData("increment by 10 start with 5", 5, 15, 25)]
    [InlineData("increment by -1", -1, -2, -3)]
    [InlineData("minvalue 1 maxvalue 2 cycle", 1, 2, 1)]
    public async Task Should_keep_to_the_sequences_own_rules(string options, long first, long second, long third)
    {
        var keys = await KeysAsync(options);

        Assert.Equal([first, second, third], await TakeAsync(keys, 3));
    }

    [Fact]
    public async Task Should_hand_out_all_that_is_left_and_then_say_that_the_sequence_is_at_its_end()
    {
        var keys = await KeysAsync("maxvalue 130");

        Assert.Equal(Enumerable.Range(1, 130).Select(i => (long)i), await TakeAsync(keys, 130));

        var error = await Assert.ThrowsAsync<PostgresException>(() => TakeAsync(keys, 1));
        Assert.Equal("2200H", error.SqlState);
    }

    [Fact]
    public async Task Should_tell_when_the_sequence_is_gone()
    {
        var keys = await KeysAsync();
        await Database.ExecuteAsync("drop sequence s");

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => TakeAsync(keys, 1));
    }
}
