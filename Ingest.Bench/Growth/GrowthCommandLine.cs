using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace Ingest.Bench.Growth;

/// <summary>The command <c>bench growth</c>: what more nodes and a larger database would give, by simulation.</summary>
internal static class GrowthCommandLine
{
    private const int NodeCores = 2;

    private static readonly int[] Nodes = [1, 2, 4, 8, 16, 32];
    private static readonly int[] DatabaseCores = [2, 8, 32];

    public static Command Create(IAnsiConsole console)
    {
        var node = Number("--node-us", 19, "A node's work for one row, in microseconds of a core");
        var batch = Number("--batch-us", 270, "PostgreSQL's work for a batch");
        var row = Number("--row-us", 2.4, "PostgreSQL's work for each row of a batch");
        var commit = Number("--commit-us", 1000, "How long a commit waits for the disk");
        var generator = Number(
            "--generator-us", 10, "The load generator's work for one row, where it shares the cores");
        var lanes = new Option<int>("--lanes") { Description = "Lanes of the table", DefaultValueFactory = _ => 4 };
        var flushEvery = new Option<int>("--flush-every")
        {
            Description = "Rows under way in a lane before the next one joins in", DefaultValueFactory = _ => 10_000,
        };
        var callers = new Option<int>("--callers")
        {
            Description = "Callers of each node", DefaultValueFactory = _ => 1024,
        };
        var command = new Command("growth", "Simulates more nodes and a larger database, from what a row costs here.")
        {
            node, batch, row, commit, generator, lanes, flushEvery, callers,
        };
        command.SetAction(parsed =>
        {
            var costs = new GrowthCosts(
                parsed.GetValue(node), parsed.GetValue(batch), parsed.GetValue(row), parsed.GetValue(commit));
            GrowthPlan Plan(int nodes, int cores, int callersOfOne) => new(
                nodes,
                NodeCores,
                cores,
                nodes * callersOfOne,
                parsed.GetValue(lanes),
                parsed.GetValue(flushEvery));
            // What a bench on this machine should show, if the costs and the model are true.
            var shared = costs with { Node = costs.Node + parsed.GetValue(generator) };
            foreach (var connections in (int[])[128, 1024])
            {
                var here = GrowthModel.Run(Plan(1, 0, connections), shared);
                console.WriteLine(Text(
                    $"All on the same {NodeCores} cores, {connections:N0} callers: {here.RowsPerSecond:N0} rows/s, ")
                    + Text($"{here.BatchRows:N0} rows a batch."));
            }

            console.Write(TableOf(
                (nodes, cores) => GrowthModel.Run(Plan(nodes, cores, parsed.GetValue(callers)), costs)));
            return 0;
        });
        return command;
    }

    private static Table TableOf(Func<int, int, GrowthResult> run)
    {
        var table = new Table().Border(TableBorder.Horizontal);
        table.AddColumn(Text($"nodes of {NodeCores} cores"));
        foreach (var cores in DatabaseCores)
        {
            var title = Text($"database of {cores} cores: rows/s, rows a batch, busy");
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        foreach (var nodes in Nodes)
        {
            table.AddRow([Text($"{nodes}"), .. DatabaseCores.Select(cores => Cell(run(nodes, cores)))]);
        }

        return table;
    }

    private static string Cell(GrowthResult result) =>
        Text($"{result.RowsPerSecond:N0}, {result.BatchRows:N0}, ")
        + Text($"nodes {100 * result.NodeUse:N0} %, database {100 * result.DatabaseUse:N0} %");

    private static Option<double> Number(string name, double value, string what) =>
        new(name) { Description = what, DefaultValueFactory = _ => value };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
