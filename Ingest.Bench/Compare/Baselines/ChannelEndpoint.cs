using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>
/// The batching that one writes in an afternoon: a bounded channel, two writers that copy what is there, and a task
/// for each row, completed after the commit. No bad rows, no retries, no ledger: rows are lost or doubled when
/// something breaks.
/// </summary>
internal sealed class ChannelEndpoint : IAsyncDisposable
{
    private const int Writers = 2;
    private const int BatchRows = 10_000;

    private readonly Channel<Waiting> channel = Channel.CreateBounded<Waiting>(500_000);
    private readonly NpgsqlDataSource source;
    private readonly string copy;
    private readonly Task[] writers;

    public ChannelEndpoint(NpgsqlDataSource source, string table)
    {
        this.source = source;
        copy = $"COPY {table} (id, url, user_id, amount, at) FROM STDIN (FORMAT BINARY)";
        writers = [.. Enumerable.Range(0, Writers).Select(_ => Task.Run(WriteAsync))];
    }

    public async Task HandleAsync(HttpContext context)
    {
        var click = (await JsonSerializer.DeserializeAsync(
            context.Request.BodyReader.AsStream(), ClickJson.Default.Click, context.RequestAborted))!;
        var waiting = new Waiting(Guid.CreateVersion7(), click);
        await channel.Writer.WriteAsync(waiting);
        await waiting.Written.Task;
        context.Response.StatusCode = StatusCodes.Status201Created;
        await context.Response.WriteAsJsonAsync(new Created(waiting.Id), ClickJson.Default.Created);
    }

    public async ValueTask DisposeAsync()
    {
        channel.Writer.TryComplete();
        await Task.WhenAll(writers);
    }

    private async Task WriteAsync()
    {
        var batch = new List<Waiting>(BatchRows);
        while (await channel.Reader.WaitToReadAsync())
        {
            while (batch.Count < BatchRows && channel.Reader.TryRead(out var waiting)) batch.Add(waiting);
            try
            {
                await CopyAsync(batch);
                foreach (var waiting in batch) waiting.Written.SetResult();
            }
            catch (NpgsqlException e)
            {
                foreach (var waiting in batch) waiting.Written.SetException(e);
            }

            batch.Clear();
        }
    }

    private async Task CopyAsync(List<Waiting> batch)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var importer = await connection.BeginBinaryImportAsync(copy);
        foreach (var (id, click) in batch)
        {
            await importer.StartRowAsync();
            await importer.WriteAsync(id, NpgsqlDbType.Uuid);
            await importer.WriteAsync(click.Url, NpgsqlDbType.Text);
            if (click.UserId is { } user) await importer.WriteAsync(user, NpgsqlDbType.Bigint);
            else await importer.WriteNullAsync();
            if (click.Amount is { } amount) await importer.WriteAsync(amount, NpgsqlDbType.Double);
            else await importer.WriteNullAsync();
            await importer.WriteAsync(click.At, NpgsqlDbType.TimestampTz);
        }

        await importer.CompleteAsync();
    }

    private sealed record Waiting(Guid Id, Click Click)
    {
        public TaskCompletionSource Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
