using System.Globalization;
using Spectre.Console;

namespace Ingest.Bench.Faults;

/// <summary>Prints what came of the scenarios.</summary>
internal static class FaultView
{
    public static void Print(IAnsiConsole console, IReadOnlyList<FaultResult> results)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("scenario");
        string[] numbers =
            [
                "sent", "ack'd", "accepted", "in table", "lost", "doubled", "untrue 503", "unknown", "resumed s",
                "others' stall s",
            ];
        foreach (var name in numbers) table.AddColumn(new TableColumn(name).RightAligned());
        table.AddColumn("");
        foreach (var result in results) table.AddRow(Cells(result).Select(cell => new Text(cell)));
        console.Write(table);
        foreach (var result in results)
        {
            foreach (var note in result.Notes) console.WriteLine($"{result.Scenario}: {note}");
            foreach (var failure in result.Failures) console.WriteLine($"{result.Scenario} FAILED: {failure}");
        }
    }

    private static IEnumerable<string> Cells(FaultResult result)
    {
        if (result.Skipped is { } reason)
            return [result.Scenario, .. Enumerable.Repeat("", 10), $"skipped: {reason}"];
        var rows = result.Rows;
        return
        [
            result.Scenario, Rows(rows.Sent), Rows(rows.Acknowledged), Rows(rows.Accepted), Rows(rows.InTable),
            Rows(rows.Lost), Rows(rows.Doubled), Rows(rows.UntrueNotWritten), Rows(rows.Unknown),
            Seconds(result.ResumedAfterSeconds),
            Seconds(result.OtherStallSeconds), result.Passed ? "ok" : "FAILED",
        ];
    }

    private static string Rows(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Seconds(double? seconds) => seconds?.ToString("N1", CultureInfo.InvariantCulture) ?? "-";
}
