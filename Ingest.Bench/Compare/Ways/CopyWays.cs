using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Bench.Compare.Ways;

/// <summary>Ways that stream rows by <c>COPY</c>.</summary>
internal static class CopyWays
{
    private const string Copy = "COPY clicks (id, url, user_id, amount, at) FROM STDIN";

    public static Way Text { get; } = new("COPY text", 100_000, TextAsync);

    public static Way Binary { get; } = new("COPY binary", 100_000, BinaryAsync);

    private static async Task TextAsync(NpgsqlConnection connection, Rows rows)
    {
        await using var writer = await connection.BeginTextImportAsync(Copy);
        for (var i = 0; i < rows.Count; i++)
        {
            // The rows have none of the characters that COPY's text format would want escaped.
            await writer.WriteAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{rows.Ids[i]}\t{rows.Urls[i]}\t{rows.Users[i]}\t{rows.Amounts[i]}\t{rows.Times[i]:O}\n"));
        }
    }

    private static async Task BinaryAsync(NpgsqlConnection connection, Rows rows)
    {
        await using var importer = await connection.BeginBinaryImportAsync($"{Copy} (FORMAT BINARY)");
        for (var i = 0; i < rows.Count; i++)
        {
            await importer.StartRowAsync();
            await importer.WriteAsync(rows.Ids[i], NpgsqlDbType.Uuid);
            await importer.WriteAsync(rows.Urls[i], NpgsqlDbType.Text);
            await importer.WriteAsync(rows.Users[i], NpgsqlDbType.Bigint);
            await importer.WriteAsync(rows.Amounts[i], NpgsqlDbType.Double);
            await importer.WriteAsync(rows.Times[i], NpgsqlDbType.TimestampTz);
        }

        await importer.CompleteAsync();
    }
}
