using System.Buffers;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>
/// The writing loop of one stream: takes the chunks in order, waits for each to be settled, writes its verdicts, and
/// gives everything back. Goes on to the last chunk also when nobody reads the answer any more, since the rows are
/// written all the same and what holds them has to be returned.
/// </summary>
internal sealed class VerdictWriter(
    IRowGateway gateway,
    ChunkQueue queue,
    PipeWriter response,
    VerdictLayout layout,
    VerdictFilter filter)
{
    private const int FlushBytes = 32 * 1024;

    private readonly JsonBuffer buffer = new();
    private readonly Tally tally = new();
    private bool isFirst = true;
    private bool isGone;

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

        Close();
        await SendAsync();
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

        foreach (var line in chunk.Lines) Answer(chunk, line);
        if (chunk.Submission is { } submission) gateway.Return(submission);
        queue.ReturnChunk(chunk);
        if (buffer.Bytes.WrittenCount >= FlushBytes) await SendAsync();
    }

    private void Answer(Chunk chunk, in Chunk.Line line)
    {
        if ((line.Row < 0 ? line.Problem : chunk.Refused) is { } early)
        {
            tally.Count(early);
            if (filter != VerdictFilter.None) WriteProblem(line.Number, early);
            return;
        }

        var verdict = chunk.Submission![line.Row];
        tally.Count(verdict.Kind);
        if (filter == VerdictFilter.None) return;
        if (Problems.Of(verdict) is { } problem) WriteProblem(line.Number, problem);
        else if (filter == VerdictFilter.All) WriteTaken(line.Number, chunk.Submission, line.Row);
    }

    private void WriteTaken(long number, Submission submission, int row)
    {
        var isAccepted = submission[row].Kind == VerdictKind.Accepted;
        StartVerdict(number, isAccepted ? StatusCodes.Status202Accepted : StatusCodes.Status201Created);
        buffer.Json.WritePropertyName("id"u8);
        var rows = submission.Rows;
        if (submission[row].RepeatedId is { } repeated) buffer.Json.WriteRawValue(repeated);
        else RowEncoder.WriteKey(submission.Table, rows.ShapeOf(row), rows.Tuple(row), buffer.Json);
        if (isAccepted) buffer.Json.WriteString("receipt"u8, submission.ReceiptOf(row).ToString());
        EndVerdict();
    }

    private void WriteProblem(long number, Problem problem)
    {
        StartVerdict(number, problem.Status);
        buffer.Json.WritePropertyName("error"u8);
        problem.WriteTo(buffer.Json);
        EndVerdict();
    }

    private void StartVerdict(long number, int status)
    {
        StartValue();
        buffer.Json.WriteStartObject();
        buffer.Json.WriteNumber("line"u8, number);
        buffer.Json.WriteNumber("status"u8, status);
    }

    private void EndVerdict()
    {
        buffer.Json.WriteEndObject();
        EndValue();
    }

    private void StartValue()
    {
        if (layout.IsArray) buffer.Bytes.Write(isFirst ? "["u8 : ","u8);
        isFirst = false;
    }

    private void EndValue()
    {
        buffer.EndValue();
        if (!layout.IsArray) buffer.Bytes.Write("\n"u8);
    }

    private void Close()
    {
        if (layout.HasSummary || queue.Ending is not null)
        {
            StartValue();
            tally.WriteTo(buffer.Json, queue.Ending);
            EndValue();
        }

        if (layout.IsArray) buffer.Bytes.Write(isFirst ? "[]"u8 : "]"u8);
    }

    private async ValueTask SendAsync()
    {
        if (buffer.Bytes.WrittenCount == 0) return;
        try
        {
            if (!isGone) isGone = (await response.WriteAsync(buffer.Bytes.WrittenMemory)).IsCompleted;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            isGone = true;
        }

        buffer.Clear();
    }
}
