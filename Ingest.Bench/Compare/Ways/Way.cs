using Npgsql;

namespace Ingest.Bench.Compare.Ways;

/// <summary>One way to write a batch, in one transaction.</summary>
/// <param name="MostRows">The largest batch that makes sense.</param>
/// <param name="WriteAsync">Writes all rows and commits.</param>
internal sealed record Way(string Name, int MostRows, Func<NpgsqlConnection, Rows, Task> WriteAsync);
