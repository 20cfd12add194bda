namespace Ingest.Tests;

/// <summary>
/// Tests that measure what the whole process or machine does: times that are short, the heap, spans and figures of
/// whoever makes them. They run after all others, one after another, with nothing beside.
/// </summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
