using System.Buffers;
using System.Text.Json;
using Ingest.Node.Observability;
using Ingest.Node.Observability.Dashboard;

namespace Ingest.Tests.Observability;

/// <summary>What one who watches is sent.</summary>
public sealed class SampleTests
{
    [Fact]
    public void Should_stay_small_for_a_thousand_tables_and_find_each_of_them()
    {
        using var metrics = new NodeMetrics(TimeProvider.System);
        for (var number = 0; number < 1000; number++) metrics.Of($"table_{number}").Rows.Receive(number);
        var sample = new Sample(metrics.Snapshot(), earlier: null, state: null);

        var (all, bytes) = Write(sample, "", null);
        var (one, _) = Write(sample, "E_123", "table_7");

        Assert.InRange(bytes, 1, 40_000);
        Assert.Equal(
            (1000, SampleJson.MostTables),
            (all.GetProperty("found").GetInt32(), all.GetProperty("tables").GetArrayLength()));
        Assert.Equal("table_999", all.GetProperty("tables")[0].GetProperty("table").GetString());
        Assert.Equal(499_500, all.GetProperty("total").GetProperty("received").GetInt64());
        Assert.Equal("table_123", one.GetProperty("tables")[0].GetProperty("table").GetString());
        Assert.Equal(7, one.GetProperty("selected").GetProperty("received").GetInt64());
    }

    [Fact]
    public void Should_tell_how_much_a_counter_grew_a_second_and_put_the_busiest_first()
    {
        using var metrics = new NodeMetrics(TimeProvider.System);
        metrics.Of("old").Rows.Receive(1_000_000);
        metrics.Of("busy").Rows.Receive(10);
        var before = metrics.Snapshot();
        metrics.Of("busy").Rows.Receive(50);
        var now = metrics.Snapshot() with { At = before.At + TimeSpan.FromSeconds(2) };

        var sample = new Sample(now, before, state: null);

        Assert.Equal(["busy", "old"], sample.Busiest("").Select(table => table.Table));
        Assert.Equal(25, sample.Rate(sample.Busiest("")[0], table => table.Received));
    }

    private static (JsonElement Json, int Bytes) Write(Sample sample, string search, string? selected)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer)) SampleJson.Write(json, sample, search, selected);
        return (JsonSerializer.Deserialize<JsonElement>(buffer.WrittenSpan), buffer.WrittenCount);
    }
}
