using Ingest.Messages;

namespace Ingest.Tests.Simulation;

/// <summary>
/// Knows every row that was handed in, what its caller was told, and how often it is in the table, and speaks up as
/// soon as these do not agree. The first violation ends the run.
/// </summary>
internal sealed class Oracle
{
    private readonly List<Row> rows = [];

    /// <summary>What went wrong first; null while all is well.</summary>
    public string? Violation { get; private set; }

    public int Count => rows.Count;

    /// <summary>A caller hands in a row.</summary>
    /// <returns>The row's number, which is also its tuple.</returns>
    public int Add(int gateway, bool isBad)
    {
        rows.Add(new Row(gateway, isBad));
        return rows.Count - 1;
    }

    /// <summary>A row that was handed in was refused at the door: it must never be seen again.</summary>
    public void Refused(int row) => Answered(row, VerdictKind.NotWritten);

    public bool IsBad(int row) => rows[row].IsBad;

    public VerdictKind AnswerOf(int row) => rows[row].Answer;

    /// <summary>How many rows of a gateway are in the table.</summary>
    public int Written(int gateway) => rows.Count(row => row.Gateway == gateway && row.Copies > 0);

    /// <summary>How many rows of a gateway were answered in this way.</summary>
    public int Answers(int gateway, VerdictKind kind) =>
        rows.Count(row => row.Gateway == gateway && row.Answer == kind);

    /// <summary>Rows that are accepted and neither in the table nor bad.</summary>
    public int Owed => rows.Count(row => row is { Answer: VerdictKind.Accepted, IsBad: false, Copies: 0 });

    public void Fail(string violation) => Violation ??= violation;

    /// <summary>A transaction with this row was committed.</summary>
    public void Committed(int number)
    {
        var row = rows[number];
        row.Copies++;
        if (row.Copies > 1) Fail($"row {number} is in the table {row.Copies} times");
        if (row.IsBad) Fail($"row {number} is bad and in the table");
        if (row.Answer is VerdictKind.NotWritten or VerdictKind.Rejected or VerdictKind.Overloaded)
            Fail($"row {number} was written after its caller was told {row.Answer}");
    }

    /// <summary>A caller was told what became of its row.</summary>
    public void Answered(int number, VerdictKind verdict)
    {
        var row = rows[number];
        if (row.Answer != VerdictKind.Pending) Fail($"row {number} was answered {row.Answer} and then {verdict}");
        row.Answer = verdict;
        switch (verdict)
        {
            case VerdictKind.Committed when row.Copies != 1:
                Fail($"row {number} was answered Committed and is in the table {row.Copies} times");
                break;
            case VerdictKind.NotWritten or VerdictKind.Overloaded when row.Copies != 0:
                Fail($"row {number} was answered {verdict} and is in the table");
                break;
            case VerdictKind.Rejected when !row.IsBad || row.Copies != 0:
                Fail($"row {number} was answered Rejected; bad: {row.IsBad}, in the table {row.Copies} times");
                break;
            case VerdictKind.Pending:
                Fail($"row {number} was answered without a verdict");
                break;
        }
    }

    private sealed class Row(int gateway, bool isBad)
    {
        public int Gateway => gateway;

        public bool IsBad => isBad;

        public VerdictKind Answer { get; set; }

        public int Copies { get; set; }
    }
}
