using System.Data.Common;
using System.Text;
using Ingest.Messages;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway;
using Ingest.Node.Gateway.Errors;

namespace Ingest.Node.DeadLetters;

/// <summary>What became of one letter's replay.</summary>
/// <param name="RowId">The id of the row that is in the table now, as JSON; null where there is none.</param>
/// <param name="Problem">Why there is none; else null.</param>
internal sealed record ReplayedLetter(DeadLetter Letter, VerdictKind Kind, string? RowId, Problem? Problem);

/// <summary>
/// Replays letters the way that all rows take: checks, gateway, lane, verdict. The lane's transaction settles the
/// letters; this only brings their rows to it.
/// </summary>
internal sealed class LetterReplay(IRowGateway gateway, ITableCatalog catalog, LetterStore store)
{
    /// <summary>Replays letters of one table.</summary>
    /// <param name="waits">Waits for room on the node; else says that there is none.</param>
    public async Task<IReadOnlyList<ReplayedLetter>> ReplayAsync(
        IReadOnlyList<DeadLetter> letters, bool waits, CancellationToken cancellation)
    {
        var table = await catalog.FindAsync(letters[0].Table, cancellation);
        var outcomes = new List<ReplayedLetter>(letters.Count);
        if (table is null)
        {
            foreach (var letter in letters)
            {
                outcomes.Add(await RefuseAsync(
                    letter, Rejection.TableGone, Problems.Of(Verdict.Rejected(Rejection.TableGone))!));
            }

            return outcomes;
        }

        var submission = gateway.Rent(table);
        submission.Acknowledge = Acknowledge.Committed;
        var encoded = await EncodeAsync(letters, submission, outcomes);
        if (encoded.Count > 0) outcomes.AddRange(await SubmitAsync(encoded, submission, waits, cancellation));
        gateway.Return(submission);
        return outcomes;
    }

    private async Task<List<DeadLetter>> EncodeAsync(
        IReadOnlyList<DeadLetter> letters, Submission submission, List<ReplayedLetter> outcomes)
    {
        var table = submission.Table;
        // A generated key is part of the row: its caller may have been told.
        var encoder = new RowEncoder(table) { WereTakenBefore = true };
        var errors = new RowErrors();
        var encoded = new List<DeadLetter>(letters.Count);
        foreach (var letter in letters)
        {
            errors.Clear();
            switch (await EncodeAsync(encoder, Encoding.UTF8.GetBytes(letter.Payload!), submission.Rows, errors))
            {
                case EncodeResult.Encoded:
                    submission.Keys.Add((LetterKey.Of(letter.Id), LetterPayload.DigestOf(letter.Payload!)));
                    encoded.Add(letter);
                    break;
                case EncodeResult.Invalid:
                    gateway.CountInvalid(table, 1);
                    outcomes.Add(await RefuseAsync(letter, RejectionOf(errors), Problems.Of(errors)));
                    break;
                default:
                    outcomes.Add(new ReplayedLetter(letter, VerdictKind.NotWritten, null, Problems.NoKeys));
                    break;
            }
        }

        return encoded;
    }

    private static async Task<EncodeResult> EncodeAsync(
        RowEncoder encoder, byte[] payload, RowBlock rows, RowErrors errors)
    {
        EncodeResult result;
        try
        {
            while ((result = encoder.EncodeJson(payload, rows, errors)) == EncodeResult.NeedsKeys)
                await encoder.Table.Keys!.ReserveAsync(CancellationToken.None);
            return result;
        }
        catch (DbException)
        {
            return EncodeResult.NeedsKeys;
        }
    }

    private async Task<IEnumerable<ReplayedLetter>> SubmitAsync(
        List<DeadLetter> letters, Submission submission, bool waits, CancellationToken cancellation)
    {
        var admission = waits
            ? await gateway.AdmitAsync(submission, cancellation)
            : gateway.TryAdmit(submission);
        if (admission != Admission.Admitted)
        {
            var refusal = Problems.Of(admission);
            return letters.Select(letter => new ReplayedLetter(letter, VerdictKind.NotWritten, null, refusal));
        }

        await gateway.SubmitAsync(submission);
        return [.. letters.Select((letter, row) => OutcomeOf(letter, submission, row))];
    }

    private static ReplayedLetter OutcomeOf(DeadLetter letter, Submission submission, int row)
    {
        var verdict = submission[row];
        if (Problems.Of(verdict) is { } problem) return new ReplayedLetter(letter, verdict.Kind, null, problem);
        var rows = submission.Rows;
        var id = verdict.RepeatedId ?? LetterPayload.IdOf(submission.Table, rows.ShapeOf(row), rows.Tuple(row));
        return new ReplayedLetter(letter, verdict.Kind, id ?? "null", null);
    }

    /// <summary>The checks refuse the row before PostgreSQL sees it: that is an attempt, too.</summary>
    private async Task<ReplayedLetter> RefuseAsync(DeadLetter letter, Rejection error, Problem problem)
    {
        await store.RefuseAsync(letter, error, CancellationToken.None);
        return new ReplayedLetter(letter, VerdictKind.Rejected, null, problem);
    }

    private static Rejection RejectionOf(RowErrors errors) => errors.Columns.Count == 0
        ? new Rejection(RowReencoder.DataException, $"The row {errors.Row}.")
        : new Rejection(
            RowReencoder.DataException, $"Column \"{errors.Columns[0].Column}\" {errors.Columns[0].Message}.",
            Column: errors.Columns[0].Column);
}
