using System.CommandLine;
using System.Net;
using Ingest.Node.Cluster;
using Spectre.Console;

namespace Ingest.Node.DeadLetters.CommandLine;

/// <summary>
/// <c>./ingest dead-letters</c>: what an operator does with dead letters, by way of a running node's HTTP surface. It
/// is a verb of the node's own program, so that it is there wherever a node is, in the same version.
/// </summary>
internal static class LettersCommand
{
    /// <summary>Runs what the arguments say.</summary>
    /// <returns>0; 1 where a letter or the request was refused, or nobody answers; 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync(string[] arguments, NodeSettings settings, IAnsiConsole console)
    {
        // A log has no width that lines must be folded to.
        if (Console.IsOutputRedirected) console.Profile.Width = 200;
        return await Node.CommandLine.InvokeAsync(CommandFor(settings, console), arguments);
    }

    private static Command CommandFor(NodeSettings settings, IAnsiConsole console)
    {
        var node = new Option<string>("--node")
        {
            Description =
                "The node's address, http://host:port, or https:// with TLS; else this machine's, by INGEST_HTTP_PORT",
            DefaultValueFactory = _ => AddressOf(settings),
            Recursive = true,
        };
        node.Validators.Add(result =>
        {
            if (!Uri.TryCreate(result.GetValueOrDefault<string>(), UriKind.Absolute, out var uri)
                || uri.Scheme is not ("http" or "https"))
                result.AddError("--node must be an absolute URL, like http://localhost:8080.");
        });
        var key = new Option<string?>("--api-key")
        {
            Description = "The key to show; else INGEST_API_KEY",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("INGEST_API_KEY"),
            Recursive = true,
        };
        var root = new Command("dead-letters", "Rows that PostgreSQL refused, kept to be mended and replayed.")
        {
            node, key,
        };
        foreach (var command in new[] { List(), Show(), Edit(), Replay(), Discard() }) root.Subcommands.Add(command);
        return root;

        Command List()
        {
            var filter = new FilterOptions();
            var limit = new Option<int>("--limit") { Description = "Letters at most", DefaultValueFactory = _ => 100 };
            var json = new Option<bool>("--json") { Description = "Each letter as JSON, on a line of its own" };
            var command = new Command("list", "List open letters, the newest first") { limit, json };
            filter.AddTo(command);
            return Run(command, (calls, parsed, stop) =>
                calls.ListAsync(filter.Read(parsed), parsed.GetValue(limit), parsed.GetValue(json), stop));
        }

        Command Show()
        {
            var id = Id();
            return Run(new Command("show", "Show one letter as JSON") { id }, (calls, parsed, stop) =>
                calls.ShowAsync(parsed.GetValue(id), stop));
        }

        Command Edit()
        {
            var id = Id();
            var patch = new Argument<string>("patch")
            {
                Description = "What changes in the row: '{\"amount\":5}'; null takes a member out (RFC 7396)",
            };
            return Run(new Command("edit", "Change a letter's row") { id, patch }, (calls, parsed, stop) =>
                calls.EditAsync(parsed.GetValue(id), parsed.GetRequiredValue(patch), stop));
        }

        Command Replay() => Many(
            "replay", "Write the rows of letters, by id or by filter", (calls, ids, filter, stop) =>
                ids.Length > 0 ? calls.ReplayAsync(ids, stop) : calls.ReplayAsync(filter, stop));

        Command Discard() => Many(
            "discard", "Remove letters, by id or by filter", (calls, ids, filter, stop) =>
                ids.Length > 0 ? calls.DiscardAsync(ids, stop) : calls.DiscardAsync(filter, stop));

        Command Many(
            string name, string description, Func<LetterCalls, long[], string, CancellationToken, Task<int>> run)
        {
            var filter = new FilterOptions();
            var ids = new Argument<long[]>("id") { Description = "Letters by id", Arity = ArgumentArity.ZeroOrMore };
            var all = new Option<bool>("--all") { Description = "Every letter, where neither id nor filter is given" };
            var command = new Command(name, description) { ids, all };
            filter.AddTo(command);
            command.Validators.Add(result =>
            {
                var hasIds = result.GetResult(ids) is { Tokens.Count: > 0 };
                if (hasIds == (filter.IsGiven(result) || result.GetResult(all) is not null))
                    result.AddError("Give either ids, or a filter, or --all.");
            });
            return Run(command, (calls, parsed, stop) =>
            {
                var query = filter.Read(parsed);
                return run(calls, parsed.GetValue(ids) ?? [], query.Length == 0 ? "?all=true" : query, stop);
            });
        }

        Command Run(Command command, Func<LetterCalls, ParseResult, CancellationToken, Task<int>> run)
        {
            command.SetAction(async (parsed, stop) =>
            {
                using var http = new HttpClient { BaseAddress = new Uri(parsed.GetRequiredValue(node)) };
                // A bulk replay answers for as long as there are letters.
                http.Timeout = Timeout.InfiniteTimeSpan;
                if (parsed.GetValue(key) is { Length: > 0 } shown) http.DefaultRequestHeaders.Add("X-Api-Key", shown);
                return await new LetterCalls(http, console).TryAsync(calls => run(calls, parsed, stop));
            });
            return command;
        }
    }

    private static Argument<long> Id() => new("id") { Description = "The letter's id" };

    private static string AddressOf(NodeSettings settings)
    {
        var address = settings.Http.Address;
        if (address.Equals(IPAddress.Any)) address = IPAddress.Loopback;
        if (address.Equals(IPAddress.IPv6Any)) address = IPAddress.IPv6Loopback;
        return $"http://{new IPEndPoint(address, settings.Http.Port)}";
    }
}
