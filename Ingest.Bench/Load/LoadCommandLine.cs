using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Ingest.Bench.Load;

/// <summary>The command <c>load</c>: its options, and its exit code (0 all committed and counted, 1 not so, 2
/// usage).</summary>
public static class LoadCommandLine
{
    public static Command Create(IAnsiConsole console, TimeProvider time)
    {
        var defaults = new LoadOptions();
        var rows = Positive("--rows", defaults.Rows, "Rows to be committed");
        var via = new Option<string>("--via") { Description = "The way in", DefaultValueFactory = _ => "http" };
        via.AcceptOnlyFromAmong("http", "ndjson", "grpc", "grpc-unary");
        var rate = Positive<double?>("--rate", null, "Rows per second in all (open loop); without it a closed loop");
        var connections = Positive<int?>(
            "--connections", null, "Connections, or callers at a time for grpc-unary; 128, and 2 for ndjson and grpc");
        var window = Positive("--window", defaults.Window, "ndjson, grpc: rows in flight on a connection, at most");
        var table = new Option<string>("--table")
        {
            Description = "The table; the rows have the columns of clicks, whatever its name",
            DefaultValueFactory = _ => defaults.Table,
        };
        var url = new Option<string?>("--url")
        {
            Description = "The node; http://localhost:8080, and http://localhost:8081 for grpc",
        };
        url.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !Uri.IsWellFormedUriString(result.Tokens[^1].Value, UriKind.Absolute))
                result.AddError("--url must be an absolute URL, like http://localhost:8080.");
        });
        var headers = new Option<string[]>("--header") { Description = "A further request header, 'Name: value'" };
        var postgres = new Option<string?>("--postgres")
        {
            Description = "Connection string for the row count; else INGEST_POSTGRES, else the embedded server's",
        };
        var data = new Option<string?>("--data")
        {
            Description = "The data directory of that server; else INGEST_DATA, else ./data",
        };
        var noCount = new Option<bool>("--no-count") { Description = "Do not check the row count in the database" };
        var json = new Option<FileInfo?>("--json") { Description = "Write the report to this file" };
        var timeout = Positive("--timeout", defaults.Timeout.TotalSeconds, "Seconds that an answer may take");
        var command = new Command("load", "Sends rows to a node and checks that each was committed.")
        {
            rows, via, rate, connections, window, table, url, headers, postgres, data, noCount, json, timeout,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var how = Enum.Parse<LoadVia>(
                parsed.GetRequiredValue(via).Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
            var options = new LoadOptions
            {
                Rows = parsed.GetValue(rows),
                Via = how,
                Rate = parsed.GetValue(rate),
                Connections = parsed.GetValue(connections) ?? LoadOptions.DefaultConnections(how),
                Window = parsed.GetValue(window),
                Table = parsed.GetRequiredValue(table),
                Url = parsed.GetValue(url) is { } given ? new Uri(given) : LoadOptions.DefaultUrl(how),
                Headers = parsed.GetValue(headers) ?? [],
                Timeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
            };
            return RunAsync(
                console, time, options, FindPostgres(parsed.GetValue(postgres), parsed.GetValue(data)),
                    parsed.GetValue(noCount), parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static string? FindPostgres(string? given, string? data) => RowCount.FindConnectionString(
        given, name => name == "INGEST_DATA" && data is not null ? data : Environment.GetEnvironmentVariable(name));

    private static async Task<int> RunAsync(
        IAnsiConsole console,
        TimeProvider time,
        LoadOptions options,
        string? postgres,
        bool noCount,
        FileInfo? json,
        CancellationToken cancellation)
    {
        try
        {
            _ = new HttpTarget(options.Url, options.Table, options.Headers);
        }
        catch (ArgumentException e)
        {
            console.WriteLine(e.Message);
            return 2;
        }
        if (options.Table != "clicks")
            console.WriteLine(
                $"Note: the rows for {options.Table} have the columns of clicks: url, user_id, amount, at.");
        var count = postgres is null ? null : new RowCount(postgres, options.Table);
        var command = new LoadCommand(options, count, time) { WaivesCount = noCount };
        var report = await command.RunAsync(new ProgressView(console, time).ShowAsync, cancellation);
        SummaryView.Print(console, report);
        if (json is not null) await File.WriteAllTextAsync(json.FullName, report.ToJson(), CancellationToken.None);
        return report.Succeeded ? 0 : 1;
    }

    private static Option<T> Positive<T>(string name, T value, string description)
    {
        var option = new Option<T>(name) { Description = description, DefaultValueFactory = _ => value };
        // Text that is no number throws on conversion; it is looked at here, so that it is a usage error.
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !IsPositive<T>(result.Tokens[^1].Value))
                result.AddError($"{name} must be a number greater than 0.");
        });
        return option;
    }

    private static bool IsPositive<T>(string text) =>
        typeof(T) == typeof(double) || typeof(T) == typeof(double?)
            ? double.TryParse(text, CultureInfo.InvariantCulture, out var real) && real > 0 && double.IsFinite(real)
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) && whole > 0
                && (typeof(T) == typeof(long) || whole <= int.MaxValue);
}
