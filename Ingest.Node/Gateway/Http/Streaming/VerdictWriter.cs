using System.Buffers;
using System.IO.Pipelines;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Streaming;

namespace Ingest.Node.Gateway.Http.Streaming;

/// <summary>Verdicts as JSON: a line each, or the elements of an array.</summary>
internal sealed class VerdictWriter(PipeWriter response, VerdictLayout layout, VerdictFilter filter) : IVerdictSink
{
    private const int FlushBytes = 32 * 1024;

    private readonly JsonBuffer buffer = new();
    private readonly Tally tally = new();
    private bool isFirst = true;
    private bool isGone;

    public bool IsFull => buffer.Bytes.WrittenCount >= FlushBytes;

    public void Write(Chunk chunk)
    {
        foreach (var (number, row, count, problem) in chunk.Runs)
            for (var line = 0; line < count; line++)
                Answer(number + line, chunk, row + line, problem ?? chunk.Refused);
    }

    public void Close(Problem? ending)
    {
        if (layout.HasSummary || ending is not null)
        {
            StartValue();
            tally.WriteTo(buffer.Json, ending);
            EndValue();
        }

        if (layout.IsArray) buffer.Bytes.Write(isFirst ? "[]"u8 : "]"u8);
    }

    public async ValueTask SendAsync()
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

    private void Answer(long number, Chunk chunk, int row, Problem? early)
    {
        if (early is not null)
        {
            tally.Count(early);
            if (filter != VerdictFilter.None) WriteProblem(number, early);
            return;
        }

        var verdict = chunk.Submission![row];
        tally.Count(verdict.Kind);
        if (filter == VerdictFilter.None) return;
        if (Problems.Of(verdict) is { } problem) WriteProblem(number, problem);
        else if (filter == VerdictFilter.All) WriteTaken(number, chunk.Submission, row);
    }

    private void WriteTaken(long number, Submission submission, int row)
    {
        var isAccepted = submission[row].Kind == VerdictKind.Accepted;
        StartVerdict(number, Answers.StatusOf(submission, row));
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
}
