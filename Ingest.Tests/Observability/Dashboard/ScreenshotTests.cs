using Ingest.Tests.Node;
using Microsoft.Playwright;

namespace Ingest.Tests.Observability;

/// <summary>
/// Makes the README's pictures: <c>INGEST_SCREENSHOTS=docs/images ./ingest test --filter Category=Screenshots</c>.
/// </summary>
[Trait("Category", "Screenshots")]
public sealed class ScreenshotTests(ScreenshotTests.Fixture fixture, Browser browser)
    : IClassFixture<ScreenshotTests.Fixture>, IClassFixture<Browser>
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(35);

    [ScreenshotFact]
    public async Task Make()
    {
        var directory = Directory.CreateDirectory(
            Path.GetFullPath(ScreenshotFactAttribute.Directory!, SourceTree.Root));
        var address = fixture.Node.Http.BaseAddress!;
        await using var light = await browser.OpenAsync(address);
        await using var dark = await browser.OpenAsync(
            address, "/#overview/clicks", new BrowserNewContextOptions { ColorScheme = ColorScheme.Dark });
        await using var phone = await browser.OpenAsync(address, options: new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 844 },
            IsMobile = true,
        });
        await using var letters = await browser.OpenAsync(address, "/#dead-letters");
        using var end = new CancellationTokenSource(Duration);
        await Task.WhenAll(Enumerable.Range(0, 12).Select(caller => LoadAsync(new Random(caller), end)));

        await ShootAsync(light, "dashboard.png");
        await ShootAsync(dark, "dashboard-dark.png");
        await ShootAsync(phone, "dashboard-phone.png");
        await letters.Page.ReloadAsync();
        await letters["tr[data-letter] button"].First.ClickAsync();
        await Assertions.Expect(letters["dialog.letter"]).ToBeVisibleAsync();
        await ShootAsync(letters, "dead-letter.png");

        Task ShootAsync(Visit visit, string name) =>
            visit.Page.ScreenshotAsync(new() { Path = Path.Combine(directory.FullName, name) });
    }

    private async Task LoadAsync(Random random, CancellationTokenSource end)
    {
        while (!end.IsCancellationRequested)
        {
            var chance = random.NextDouble();
            if (chance < 0.5) await fixture.Node.PostAsync("clicks", """{"url":"https://example.org/","user_id":7}""");
            else if (chance < 0.8)
                await fixture.Node.PostAsync(
                    "orders", FormattableString.Invariant($$"""{"customer":7,"total":{{random.Next(-5, 400)}}}"""));
            else if (chance < 0.82) await fixture.Node.PostAsync("clicks", """{"user_id":7}""");
            else
            {
                var rows = string.Concat(Enumerable.Repeat("{\"celsius\":21.5}\n", random.Next(20, 400)));
                await fixture.Node.PostAsync("measurements", rows, "application/x-ndjson");
            }

            // Somebody who looks at a page, too, wants some of the processor.
            await Task.Delay(random.Next(0, 40));
        }
    }

    public sealed class Fixture() : NodeFixture(
        """
        CREATE TABLE clicks(id uuid PRIMARY KEY, url text NOT NULL, user_id bigint);
        CREATE TABLE orders(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL,
            total numeric(10,2) CHECK (total >= 0));
        CREATE TABLE measurements(celsius double precision NOT NULL, at timestamptz NOT NULL DEFAULT now());
        """,
        ("INGEST_DEAD_LETTERS", "on"));
}

/// <summary>Runs only where somebody asks for pictures.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ScreenshotFactAttribute : FactAttribute
{
    public ScreenshotFactAttribute()
    {
        if (Directory is null) Skip = "INGEST_SCREENSHOTS does not say where the pictures go.";
        else if (Browser.Program is null) Skip = "There is no Chromium here.";
    }

    public static string? Directory { get; } = Environment.GetEnvironmentVariable("INGEST_SCREENSHOTS");
}
