namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// The writing loop of one stream: takes the chunks in order, waits for each to be settled, has its verdicts written,
/// and gives everything back. Goes on to the last chunk also when nobody reads the answer any more, since the rows are
/// written all the same and what holds them has to be returned.
/// </summary>
internal sealed class VerdictLoop(IRowGateway gateway, ChunkQueue queue, IVerdictSink sink)
{
    public async Task RunAsync()
    {
        try
        {
            await AnswerAllAsync();
        }
        catch (Exception e)
        {
            queue.Abandon(e);
            throw;
        }
    }

    private async Task AnswerAllAsync()
    {
        while (true)
        {
            if (!queue.TryTake(out var chunk))
            {
                await sink.SendAsync();
                if (!await queue.WaitForChunkAsync()) break;
                continue;
            }

            await AnswerAsync(chunk!);
        }

        sink.Close(queue.Ending);
        await sink.SendAsync();
    }

    private async Task AnswerAsync(Chunk chunk)
    {
        if (chunk.Settled.IsCompleted)
        {
            await chunk.Settled;
        }
        else
        {
            // What is written already must not wait for this chunk.
            await sink.SendAsync();
            await chunk.Settled;
            // The gateway resumes one caller after the other; some hundreds of verdicts are not to hold the others up.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }

        sink.Write(chunk);
        if (chunk.Submission is { } submission) gateway.Return(submission);
        queue.ReturnChunk(chunk);
        if (sink.IsFull) await sink.SendAsync();
    }
}
