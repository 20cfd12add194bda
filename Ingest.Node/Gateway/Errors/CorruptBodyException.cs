namespace Ingest.Node.Gateway.Errors;

/// <summary>The body does not decode by its content coding.</summary>
internal sealed class CorruptBodyException(Exception inner) : Exception("The body cannot be decompressed.", inner);
