using System.Globalization;
using Ingest.Messages;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary><c>GET /v1/receipts/{receipt}</c>: what became of an accepted row; <c>?wait=10s</c> waits for its
/// end.</summary>
internal sealed class ReceiptsEndpoint(IReceipts receipts, IntakeOptions options, TimeProvider time)
{
    /// <summary>Callers that may wait at a time; a further one is answered at once with what is known.</summary>
    private const int MaxWaiting = 1_000;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private static readonly Problem NoReceipt = new(
        StatusCodes.Status404NotFound, ProblemTypes.NotFound, "This is not a receipt that this service has given out.");

    private static readonly Problem Expired = new(
        StatusCodes.Status410Gone,
        ProblemTypes.ReceiptExpired,
        "The receipt is older than what is kept of settled rows; what became of its row is not known any more.");

    private int waiting;

    public async Task ShowAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            await Answers.MethodNotAllowed(context, options, "GET, HEAD");
        }
        else if (!TryReadWait(context.Request.Query["wait"].ToString(), out var wait))
        {
            await Answers.Write(context, options, Problems.RequestInvalid(
                StatusCodes.Status400BadRequest, "The parameter wait is a time with its unit, 10s, of at most 60s."));
        }
        else if (!Receipt.TryParse(context.Request.RouteValues["receipt"] as string, out var receipt))
        {
            await Answers.Write(context, options, NoReceipt);
        }
        else
        {
            var state = await WaitAsync(receipt, wait, context.RequestAborted);
            if (state.Status == ReceiptStatus.Expired) await Answers.Write(context, options, Expired);
            else Write(context, state);
        }
    }

    private async Task<ReceiptState> WaitAsync(Receipt receipt, TimeSpan wait, CancellationToken cancellation)
    {
        var state = await receipts.LookUpAsync(receipt, cancellation);
        if (state.Status != ReceiptStatus.Pending || wait == TimeSpan.Zero) return state;
        try
        {
            if (Interlocked.Increment(ref waiting) > MaxWaiting) return state;
            var began = time.GetTimestamp();
            for (var pause = FirstPause; state.Status == ReceiptStatus.Pending; pause *= 2)
            {
                var left = wait - time.GetElapsedTime(began);
                if (left <= TimeSpan.Zero) return state;
                var next = pause < LongestPause ? pause : LongestPause;
                await Task.Delay(next < left ? next : left, time, cancellation);
                state = await receipts.LookUpAsync(receipt, cancellation);
            }

            return state;
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    private static bool TryReadWait(string text, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (text.Length == 0) return true;
        var unit = text.EndsWith("ms", StringComparison.Ordinal) ? 2 : 1;
        if (!double.TryParse(
            text.AsSpan(0, Math.Max(0, text.Length - unit)),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var number)) return false;
        if (unit == 1 && !text.EndsWith('s')) return false;
        // Nor is a number what is not one.
        if (!(number * (unit == 2 ? 1 : 1000) <= MaxWait.TotalMilliseconds)) return false;
        wait = TimeSpan.FromMilliseconds(number * (unit == 2 ? 1 : 1000));
        return true;
    }

    private static void Write(HttpContext context, ReceiptState state)
    {
        var buffer = JsonBuffer.Rent();
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("status"u8, state.Status switch
        {
            ReceiptStatus.Pending => "pending",
            ReceiptStatus.Committed => "committed",
            ReceiptStatus.Rejected => "rejected",
            _ => "lost",
        });
        if (state.RepeatedId is { } id)
        {
            json.WritePropertyName("id"u8);
            json.WriteRawValue(id);
        }

        if (state.Rejection is { } rejection)
        {
            json.WritePropertyName("error"u8);
            Problems.Of(Verdict.Rejected(rejection))!.WriteTo(json);
        }

        json.WriteEndObject();
        Answers.Write(context, StatusCodes.Status200OK, MediaTypes.Json, buffer.Written());
        JsonBuffer.Return(buffer);
    }
}
