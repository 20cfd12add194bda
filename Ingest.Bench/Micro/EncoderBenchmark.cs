using BenchmarkDotNet.Attributes;
using Ingest.Bench.Load;
using Ingest.Node.Catalog;

namespace Ingest.Bench.Micro;

/// <summary>A JSON row to its tuple.</summary>
[MemoryDiagnoser]
public class EncoderBenchmark
{
    private readonly RowSource rows = new();
    private readonly RowBlock block = new();
    private readonly RowErrors errors = new();
    private RowEncoder encoder = null!;
    private long next;

    [GlobalSetup]
    public async Task SetUpAsync() => encoder = new RowEncoder(await MicroTable.ReadAsync());

    [Benchmark]
    public EncodeResult Encode()
    {
        block.Clear();
        return encoder.EncodeJson(rows[next++].Span, block, errors);
    }
}
