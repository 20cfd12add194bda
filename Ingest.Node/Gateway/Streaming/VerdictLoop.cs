namespace Ingest.Node.Gateway.Streaming;

/// <summary>
/// The writing loop of one stream: takes the chunks in order, waits for each to be settled, has its verdicts written,
/// and gives everything back. Goes on to the last chunk also when nobody reads the answer any more, since the rows are
/// written all the same and what holds them has to be returned.
/// </summary>
/// <param name="patience">How long a caller may leave what was sent unread, before he is taken for gone.</param>
/// <param name="abort">Breaks the caller's connection off.</param>
internal sealed class VerdictLoop(
    IRowGateway gateway, ChunkQueue queue, IVerdictSink sink, TimeSpan patience, TimeProvider time, Action abort)
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
                await SendAsync();
                if (!await queue.WaitForChunkAsync()) break;
                continue;
            }

            await AnswerAsync(chunk!);
        }

        sink.Close(queue.Ending);
        await SendAsync();
    }

    private ValueTask SendAsync()
    {
        var sending = sink.SendAsync();
        return sending.IsCompleted ? sending : new ValueTask(WaitAsync(sending.AsTask()));
    }

    /// <summary>Waits for a caller to read, but not for ever: a stream's settled pieces are kept for him.</summary>
    private async Task WaitAsync(Task sending)
    {
        try
        {
            await sending.WaitAsync(patience, time);
        }
        catch (TimeoutException)
        {
            abort();
            await sending;
        }
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
            await SendAsync();
            await chunk.Settled;
            // The gateway resumes one caller after the other; some hundreds of verdicts are not to hold the others up.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }

        sink.Write(chunk);
        if (chunk.Submission is { } submission) gateway.Return(submission);
        queue.ReturnChunk(chunk);
        if (sink.IsFull) await SendAsync();
    }
}
