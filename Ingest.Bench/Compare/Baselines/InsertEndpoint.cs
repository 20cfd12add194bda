using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>A prepared <c>INSERT</c> on a pooled connection for each request.</summary>
internal sealed class InsertEndpoint(NpgsqlDataSource source, string table)
{
    private readonly string sql = $"INSERT INTO {table} (id, url, user_id, amount, at) VALUES ($1, $2, $3, $4, $5)";

    public async Task HandleAsync(HttpContext context)
    {
        var click = (await JsonSerializer.DeserializeAsync(
            context.Request.BodyReader.AsStream(), ClickJson.Default.Click, context.RequestAborted))!;
        var id = Guid.CreateVersion7();
        await using (var command = source.CreateCommand(sql))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = click.Url });
            command.Parameters.Add(new NpgsqlParameter { Value = click.UserId ?? (object)DBNull.Value });
            command.Parameters.Add(new NpgsqlParameter { Value = click.Amount ?? (object)DBNull.Value });
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = click.At });
            await command.ExecuteNonQueryAsync();
        }

        context.Response.StatusCode = StatusCodes.Status201Created;
        await context.Response.WriteAsJsonAsync(new Created(id), ClickJson.Default.Created);
    }
}
