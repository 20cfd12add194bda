using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Ingest.Tests.Node;
using Microsoft.Playwright;

namespace Ingest.Tests.Observability;

/// <summary>The page at <c>/</c> in a real browser, over a real node, while rows come in.</summary>
public sealed class DashboardTests(DashboardTests.Fixture fixture, Browser browser)
    : IClassFixture<DashboardTests.Fixture>, IClassFixture<Browser>
{
    private const string Hostile = "<img src=x onerror=alert(1)>'&";

    private static readonly string[] Books = ["received", "committed", "rejected", "notWritten", "unknown", "pending"];

    private TestNode Node => fixture.Node;

    private Uri Address => Node.Http.BaseAddress!;

    [BrowserFact]
    public async Task Should_show_the_very_numbers_of_the_accounting_while_rows_come_and_when_they_have_come()
    {
        await using var visit = await browser.OpenAsync(Address);
        using var end = new CancellationTokenSource();
        var load = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LoadAsync(end.Token)));

        // Within one moment the page's own numbers add up, and they move.
        await Eventually.TrueAsync(async () => (await ReadBooksAsync(visit))["committed"] > 200);
        var during = await ReadBooksAsync(visit);
        Assert.Equal(during["received"], Books.Skip(1).Sum(name => during[name]));
        await Assertions.Expect(visit["[data-tile=committed]"]).Not.ToHaveTextAsync("0");
        await end.CancelAsync();
        await load;

        await ShowsAccountAsync(visit, accounting => accounting.GetProperty("total"));
        foreach (var table in new[] { "clicks", Hostile })
        {
            await visit[$"#table-rows a"].Filter(new() { HasText = table }).ClickAsync();
            await ShowsAccountAsync(visit, accounting => accounting.GetProperty("tables").EnumerateArray()
                .Single(account => account.GetProperty("table").GetString() == table));
        }

        await visit["#table-rows a"].Filter(new() { HasText = "All tables" }).ClickAsync();
        await Eventually.TrueAsync(async () =>
            await SumOfBarsAsync(visit, "rejections") == (await ReadBooksAsync(visit))["rejected"]);
        Assert.Contains("unique", await visit["[data-bars=rejections]"].InnerTextAsync(), StringComparison.Ordinal);
        Assert.True(await SumOfBarsAsync(visit, "flushes") > 0);
        Assert.Empty(visit.Faults);
    }

    [BrowserFact]
    public async Task Should_treat_names_as_text_and_ask_no_other_host_in_any_view()
    {
        await Node.PostAsync(Hostile, """{"note":"<script>alert(2)</script>"}""");
        await using var visit = await browser.OpenAsync(Address);

        await visit["#table-rows a"].Filter(new() { HasText = Hostile }).ClickAsync();
        await Assertions.Expect(visit["#books-of"]).ToHaveTextAsync(Hostile);
        await visit["nav a[href='#cluster']"].ClickAsync();
        await Assertions.Expect(visit["#cluster"]).ToContainTextAsync($"{Hostile}/");
        await Assertions.Expect(visit["#cluster"]).ToContainTextAsync("PostgreSQL 1");
        await visit["nav a[href='#settings']"].ClickAsync();
        await Assertions.Expect(visit["#settings"]).ToContainTextAsync("ingest.gateway.in-flight-rows");
        Assert.DoesNotContain(Password, await visit["#settings"].InnerTextAsync(), StringComparison.Ordinal);
        await visit["nav a[href='#dead-letters']"].ClickAsync();
        await Assertions.Expect(visit["#letters"]).ToContainTextAsync("Discard all found");
        await visit["nav a[href='/docs']"].ClickAsync();
        await Assertions.Expect(visit["body"]).ToContainTextAsync("Create rows in clicks");

        Assert.Equal(0, await visit["img[src=x]"].CountAsync());
        Assert.Empty(visit.Faults);
    }

    [BrowserFact]
    public async Task Should_mend_and_replay_a_dead_letter_without_touching_its_other_values()
    {
        await Node.PostAsync("orders", """{"id":9007199254740993,"total":-1.10}""");
        await Node.PostAsync("orders", """{"id":2,"total":-2}""");
        await using var visit = await browser.OpenAsync(Address, "/#dead-letters");
        var letter = visit["dialog.letter"];

        await visit["input[name=table]"].FillAsync("orders");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(visit["tr[data-letter]"]).ToHaveCountAsync(2);
        await visit["tr[data-letter] button"].Last.ClickAsync();
        await Assertions.Expect(letter).ToContainTextAsync("orders_total_check");
        await letter.Locator("input").Nth(1).FillAsync("\"much\"");
        await letter.GetByText("Save and replay").ClickAsync();
        await Assertions.Expect(letter).ToContainTextAsync("is not a number");
        await letter.Locator("input").Nth(1).FillAsync("1.10");
        await letter.GetByText("Save and replay").ClickAsync();
        await Assertions.Expect(letter).ToHaveCountAsync(0);
        Assert.Equal("9007199254740993 1.10", await fixture.Database.ScalarAsync<string>(
            "SELECT string_agg(concat(id, ' ', total), ',') FROM orders"));

        await visit["button"].Filter(new() { HasText = "Discard all found" }).ClickAsync();
        await visit["dialog[open] button[value=yes]"].ClickAsync();
        await Assertions.Expect(visit["#letters .result"]).ToHaveTextAsync("1 discarded.");
        await Assertions.Expect(visit["tr[data-letter]"]).ToHaveCountAsync(0);
    }

    [BrowserFact]
    public async Task Should_be_used_by_keyboard_alone()
    {
        await Node.PostAsync("clicks", """{"url":"u"}""");
        await using var visit = await browser.OpenAsync(Address);
        await Assertions.Expect(visit["#status-text"]).ToHaveTextAsync("Live");

        await PressAsync(visit, "Tab");
        Assert.Equal("Skip to content", await FocusedAsync(visit));
        await PressAsync(visit, "Enter", "Tab");
        await visit.Page.Keyboard.TypeAsync("click");
        await Assertions.Expect(visit["#table-rows tr"]).ToHaveCountAsync(2);
        await TabToAsync(visit, "clicks");
        await PressAsync(visit, "Enter");

        await Assertions.Expect(visit["#books-of"]).ToHaveTextAsync("clicks");
        await visit.Page.ReloadAsync();
        await TabToAsync(visit, "Settings");
        await PressAsync(visit, "Enter");
        await Assertions.Expect(visit["#view-settings"]).ToBeVisibleAsync();
        await Assertions.Expect(visit["nav a[aria-current]"]).ToHaveTextAsync("Settings");
    }

    [BrowserFact]
    public async Task Should_fit_a_phone_and_follow_the_dark_scheme()
    {
        await using var visit = await browser.OpenAsync(Address, options: new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 360, Height = 740 },
            IsMobile = true,
            ColorScheme = ColorScheme.Dark,
        });
        await Assertions.Expect(visit["#status-text"]).ToHaveTextAsync("Live");

        foreach (var view in new[] { "overview", "dead-letters", "cluster", "settings" })
        {
            await visit[$"nav a[href='#{view}']"].ClickAsync();
            Assert.Equal(0, await visit.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - innerWidth"));
        }

        var dark = await BrightnessAsync(visit);
        await visit.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        var light = await BrightnessAsync(visit);
        Assert.True(dark < 60 && light > 200, $"dark {dark}, light {light}");
        Assert.Empty(visit.Faults);
    }

    private static string Password => new Npgsql.NpgsqlConnectionStringBuilder(
        Environment.GetEnvironmentVariable("INGEST_TEST_POSTGRES") ?? "Password=not-there-at-all").Password ?? "-";

    private static async Task PressAsync(Visit visit, params string[] keys)
    {
        foreach (var key in keys) await visit.Page.Keyboard.PressAsync(key);
    }

    private static async Task TabToAsync(Visit visit, string text)
    {
        for (var tabs = 0; tabs < 20 && await FocusedAsync(visit) != text; tabs++) await PressAsync(visit, "Tab");
        Assert.Equal(text, await FocusedAsync(visit));
    }

    private static Task<string> FocusedAsync(Visit visit) =>
        visit.Page.EvaluateAsync<string>("document.activeElement.textContent.trim()");

    private static Task<int> BrightnessAsync(Visit visit) => visit.Page.EvaluateAsync<int>(
        "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number))");

    /// <summary>The books as the page shows them, all of one moment.</summary>
    private static async Task<Dictionary<string, long>> ReadBooksAsync(Visit visit)
    {
        var shown = await visit.Page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('[data-book]')].map(e => e.dataset.book + ' ' + e.textContent)");
        return shown.Select(book => book.Split(' ')).ToDictionary(
            book => book[0],
            book => long.TryParse(book[1], NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var value)
                ? value
                : 0);
    }

    private static Task<long> SumOfBarsAsync(Visit visit, string name) => visit.Page.EvaluateAsync<long>(
        $"[...document.querySelectorAll('[data-bars={name}] .count')]"
        + ".reduce((sum, e) => sum + Number(e.textContent.split(' ')[0].replaceAll(',', '')), 0)");

    private async Task ShowsAccountAsync(Visit visit, Func<JsonElement, JsonElement> choose)
    {
        var account = choose(await Node.Http.GetFromJsonAsync<JsonElement>("/v1/accounting"));
        var expected = Books.ToDictionary(name => name, name => account.GetProperty(name).GetInt64());
        var shown = expected;
        try
        {
            await Eventually.TrueAsync(async () =>
                (shown = await ReadBooksAsync(visit)).All(book => expected[book.Key] == book.Value));
        }
        catch (OperationCanceledException)
        {
            Assert.Equal(expected, shown);
        }
    }

    /// <summary>Rows that are right, rows that are not, and rows that come again.</summary>
    private async Task LoadAsync(CancellationToken end)
    {
        for (var number = 0; !end.IsCancellationRequested; number++)
        {
            await Node.PostAsync("clicks", """{"url":"u"}""");
            if (number % 5 == 0) await Node.PostAsync("clicks", """{"url":5}""");
            if (number % 7 == 0) await Node.PostAsync(Hostile, """{"id":1}""");
            if (number % 9 == 0)
                await Node.PostAsync("clicks", "{\"url\":\"a\"}\n{\"url\":\"b\"}\n{}\n", "application/x-ndjson");
        }
    }

    public sealed class Fixture() : NodeFixture(
        $"""
        CREATE TABLE clicks(id uuid PRIMARY KEY, url text NOT NULL);
        CREATE TABLE "{Hostile}"(id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text);
        CREATE TABLE orders(id bigint PRIMARY KEY, total numeric(8,2) CHECK (total > 0));
        """,
        ("INGEST_DEAD_LETTERS", "on"));
}
