namespace Ingest.Tests.Http;

/// <summary>Tests that measure the heap of this process, so nothing else may run at the same time.</summary>
[CollectionDefinition(nameof(MeasuresMemory), DisableParallelization = true)]
public sealed class MeasuresMemory;
