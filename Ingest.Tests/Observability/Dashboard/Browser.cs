using Microsoft.Playwright;

namespace Ingest.Tests.Observability;

/// <summary>Chromium, as the distribution has it, driven by Playwright; without a window.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <summary>Chromium's program; null where there is none. <c>INGEST_TEST_CHROMIUM</c> names another one.</summary>
    public static string? Program { get; } = new[]
    {
        Environment.GetEnvironmentVariable("INGEST_TEST_CHROMIUM"), "/usr/lib/chromium/chromium", "/usr/bin/chromium",
        "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    }.FirstOrDefault(File.Exists);

    public async Task InitializeAsync()
    {
        if (Program is null) return;
        // The machine may be busy.
        Assertions.SetDefaultExpectTimeout(20_000);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Program,
            // Its sandbox does not start as root, and there is nothing here but the node's own pages.
            Args = ["--no-sandbox", "--disable-dev-shm-usage"],
        });
    }

    /// <summary>Opens a page of the node in a tab of its own, as another visitor.</summary>
    internal async Task<Visit> OpenAsync(Uri address, string path = "/", BrowserNewContextOptions? options = null)
    {
        options ??= new BrowserNewContextOptions();
        options.BaseURL = address.ToString();
        options.ViewportSize ??= new ViewportSize { Width = 1360, Height = 900 };
        var context = await browser!.NewContextAsync(options);
        var visit = new Visit(await context.NewPageAsync(), address);
        await visit.Page.GotoAsync(path);
        return visit;
    }

    public async Task DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
    }
}

/// <summary>One visitor's tab, and what it did that it should not.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly List<string> faults = [];

    public Visit(IPage page, Uri address)
    {
        Page = page;
        page.Request += (_, request) =>
        {
            var isOwn = request.Url.StartsWith(address.ToString(), StringComparison.Ordinal)
                || request.Url.StartsWith("data:", StringComparison.Ordinal)
                || request.Url.StartsWith("blob:", StringComparison.Ordinal);
            if (!isOwn) Add($"asked another host: {request.Url}");
        };
        page.Dialog += (_, dialog) =>
        {
            Add($"showed a dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.PageError += (_, error) => Add($"failed: {error}");
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Add($"complained: {message.Text} {message.Location}");
        };
    }

    public IPage Page { get; }

    /// <summary>Requests to other hosts, dialogs, errors of scripts, and what the browser refused to do.</summary>
    public IReadOnlyList<string> Faults
    {
        get
        {
            lock (faults) return [.. faults];
        }
    }

    public ILocator this[string selector] => Page.Locator(selector);

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();

    private void Add(string fault)
    {
        lock (faults) faults.Add(fault);
    }
}

/// <summary>A test that needs a browser; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Browser.Program is null) Skip = "There is no Chromium here; ./ingest test installs it where it can.";
    }
}
