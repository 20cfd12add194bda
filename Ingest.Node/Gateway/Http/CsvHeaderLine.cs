using System.Buffers;
using System.IO.Pipelines;
using Ingest.Node.Catalog;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http.Framing;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Gateway.Http;

/// <summary>Reads the first record of a CSV body: the names of the columns that each record gives.</summary>
internal static class CsvHeaderLine
{
    /// <returns>The header; or null and what is wrong with it. The body is read up to the header's end.</returns>
    public static async Task<(RowHeader? Header, Problem? Problem)> ReadAsync(
        PipeReader body, CsvFramer framer, TableDescriptor table, TableLookup tables, Problem tooLarge)
    {
        while (true)
        {
            var result = await body.ReadAsync(CancellationToken.None);
            var rest = result.Buffer;
            var frame = framer.Next(ref rest, result.IsCompleted, out var record);
            if (frame == Frame.NeedsInput)
            {
                body.AdvanceTo(rest.Start, rest.End);
                continue;
            }

            var answer = frame switch
            {
                Frame.Record => await ParseAsync(table, tables, record.ToArray()),
                Frame.TooLong => (null, tooLarge),
                Frame.Cut => (null, Problems.Broken("The header line has a quote that is not closed.")),
                _ => (null, Problems.BodyEmpty),
            };
            body.AdvanceTo(rest.Start);
            return answer;
        }
    }

    private static async ValueTask<(RowHeader? Header, Problem? Problem)> ParseAsync(
        TableDescriptor table, TableLookup tables, byte[] record)
    {
        var errors = new RowErrors();
        var header = RowHeader.ParseCsv(table, record, errors);
        // A column may have been added a moment ago.
        if (errors.NamesUnknown && await tables.LookAgainAsync(table) is var now && !ReferenceEquals(now, table))
        {
            errors.Clear();
            header = RowHeader.ParseCsv(now, record, errors);
        }

        return errors.Any ? (null, Problems.OfHeader(errors)) : (header, null);
    }
}
