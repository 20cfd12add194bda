using System.CommandLine;
using Ingest.Node.Cluster;
using Ingest.Node.Gateway.Access;
using Ingest.Node.Writing;
using Npgsql;

namespace Ingest.Node;

/// <summary><c>./ingest api-key</c>: makes, lists and removes the keys that callers show.</summary>
internal sealed class ApiKeyCommand(NpgsqlDataSource source, TimeProvider time, TextWriter output)
{
    /// <summary>Runs what the arguments say.</summary>
    /// <returns>The exit code: 0, or 2 for wrong arguments.</returns>
    public static async Task<int> RunAsync(string[] arguments, NodeSettings settings, TimeProvider time)
    {
        await using var source = NpgsqlDataSource.Create(PostgresOf(settings));
        return await new ApiKeyCommand(source, time, Console.Out).InvokeAsync(arguments);
    }

    /// <exception cref="SettingsException">What was asked for cannot be done.</exception>
    internal Task<int> InvokeAsync(params string[] arguments) => CommandLine.InvokeAsync(Command(), arguments);

    private Command Command()
    {
        var name = new Argument<string>("name")
        {
            Description = "Who calls by the key; rotate by two keys of one name",
        };
        var grants = new Argument<string[]>("grants")
        {
            Description = "scope:table, as in write:clicks, read-dead-letters:sales.*, administer:*, observe:*",
            Arity = ArgumentArity.OneOrMore,
        };
        grants.Validators.Add(result =>
        {
            if (!Grants.TryParse(result.Tokens.Select(token => token.Value), out _, out var malformed))
            {
                result.AddError(
                    $"'{malformed}' is no grant: write, read-dead-letters, administer or observe, a colon, "
                    + "and a table or *.");
            }
        });
        var days = new Option<int?>("--days") { Description = "For how many days the key is good; else for ever" };
        days.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 36_500) result.AddError("--days is 1 to 36500.");
        });
        var rate = Limit("--rows-per-second", "Rows a second of all keys of the name");
        var inFlight = Limit("--in-flight-rows", "Rows without a verdict of all keys of the name");
        var add = new Command("add", "Make a key and print it; it cannot be printed again")
        {
            name, grants, days, rate, inFlight,
        };
        add.SetAction((parsed, stop) =>
        {
            var (key, id, hash) = ApiKey.Create();
            var stored = new StoredApiKey(id, parsed.GetValue(name)!, hash, parsed.GetValue(grants)!)
            {
                ExpiresAt = parsed.GetValue(days) is { } number ? time.GetUtcNow().AddDays(number) : null,
                RowsPerSecond = parsed.GetValue(rate),
                InFlightRows = parsed.GetValue(inFlight),
            };
            return AddAsync(key, stored, stop);
        });
        var list = new Command("list", "List the keys, by what names them");
        list.SetAction((_, stop) => ListAsync(stop));
        var id = new Argument<string>("id") { Description = "The 16 digits in the middle of the key" };
        var remove = new Command("remove", "Remove a key; nodes take it no more within api-keys-refresh") { id };
        remove.SetAction((parsed, stop) => RemoveAsync(parsed.GetValue(id)!, stop));
        return new Command("api-key", "The keys that callers of Ingest show, in the table ingest.api_keys.")
        {
            add, list, remove,
        };
    }

    private static string PostgresOf(NodeSettings settings)
    {
        if (settings.Postgres.Length > 0) return settings.Postgres;
        var file = Path.Combine(settings.DataDirectory, "postgres", "connection");
        return File.Exists(file)
            ? File.ReadAllText(file).Trim()
            : throw new SettingsException(
                $"There is no database: INGEST_POSTGRES is not set, and no node runs on {settings.DataDirectory}.");
    }

    private static Option<int?> Limit(string name, string description)
    {
        var limit = new Option<int?>(name) { Description = $"{description}; 0 is no limit, else as in the settings" };
        limit.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 0) result.AddError($"{name} is 0 or more.");
        });
        return limit;
    }

    private async Task<int> AddAsync(string key, StoredApiKey stored, CancellationToken cancellation)
    {
        await Database.PrepareAsync(source, cancellation, ApiKeyTable.Definition);
        await ApiKeyTable.AddAsync(source, stored, cancellation);
        await output.WriteLineAsync(key);
        return 0;
    }

    private async Task<int> ListAsync(CancellationToken cancellation)
    {
        await Database.PrepareAsync(source, cancellation, ApiKeyTable.Definition);
        foreach (var key in await ApiKeyTable.ReadAsync(source, cancellation))
        {
            var end = key.ExpiresAt is { } at ? $"  until {at:u}" : "";
            await output.WriteLineAsync($"{key.Id}  {key.Name}  {string.Join(' ', key.Grants)}{end}");
        }

        return 0;
    }

    private async Task<int> RemoveAsync(string id, CancellationToken cancellation)
    {
        await Database.PrepareAsync(source, cancellation, ApiKeyTable.Definition);
        if (!await ApiKeyTable.RemoveAsync(source, id, cancellation))
            throw new SettingsException($"There is no key {id}.");
        return 0;
    }
}
