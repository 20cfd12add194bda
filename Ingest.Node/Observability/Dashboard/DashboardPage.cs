using System.Collections.Frozen;
using Ingest.Node.Gateway.Errors;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>
/// <c>/</c> and <c>/dashboard/...</c>: the files in <c>Assets</c>, which are embedded in the program.
/// </summary>
internal sealed class DashboardPage(IntakeOptions options)
{
    private const string Prefix = "dashboard/";

    /// <summary>Scripts and styles come from files of this node alone, and talk to it alone: text that somebody has put
    /// into a table's name or a row cannot become a script.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FrozenDictionary<string, string> MediaTypesOf = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary();

    private readonly FrozenDictionary<string, CachedAnswer> assets = Load();

    public Task ShowAsync(HttpContext context) =>
        ShowAsync(context, context.Request.RouteValues["asset"] as string ?? "index.html");

    /// <summary>What browsers ask for without being told.</summary>
    public Task ShowIconAsync(HttpContext context) => ShowAsync(context, "icon.svg");

    private Task ShowAsync(HttpContext context, string name)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Answers.MethodNotAllowed(context, options, "GET, HEAD");
        if (!assets.TryGetValue(name, out var asset))
        {
            return Answers.Write(context, options, new Problem(
                StatusCodes.Status404NotFound, ProblemTypes.NotFound, "The dashboard has no such file."));
        }

        context.Response.Headers.ContentSecurityPolicy = Policy;
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        asset.Write(context);
        return Task.CompletedTask;
    }

    private static FrozenDictionary<string, CachedAnswer> Load()
    {
        var assembly = typeof(DashboardPage).Assembly;
        return assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name =>
            {
                using var stream = assembly.GetManifestResourceStream(name)!;
                var body = new byte[stream.Length];
                stream.ReadExactly(body);
                return new CachedAnswer(body, MediaTypesOf[Path.GetExtension(name)]);
            });
    }
}
