using Ingest.Node.Gateway.Access;
using Ingest.Node.Gateway.Http;
using Ingest.Node.Gateway.Intake;

namespace Ingest.Node.DeadLetters;

/// <summary>The dead letters' part of the HTTP surface.</summary>
internal static class LetterEndpoints
{
    public static IServiceCollection AddDeadLetters(this IServiceCollection services) => services
        .AddSingleton<LetterStore>()
        .AddSingleton<LetterQuery>()
        .AddSingleton<LetterReplay>()
        .AddSingleton<LetterEdit>()
        .AddSingleton<BulkReplay>()
        .AddSingleton<LettersEndpoint>()
        .AddSingleton<LetterEndpoint>();

    public static void MapDeadLetters(this IEndpointRouteBuilder endpoints)
    {
        const string all = "/v1/dead-letters";
        const string one = "/v1/dead-letters/{id}";
        var services = endpoints.ServiceProvider;
        var letters = services.GetRequiredService<LettersEndpoint>();
        var letter = services.GetRequiredService<LetterEndpoint>();
        Map([HttpMethods.Get, HttpMethods.Head], all, letters.ListAsync, Scope.ReadDeadLetters);
        Map([HttpMethods.Delete], all, letters.DiscardAsync, Scope.Administer);
        Map([HttpMethods.Post], $"{all}/replay", letters.ReplayAsync, Scope.Administer);
        Map([HttpMethods.Get, HttpMethods.Head], one, letter.ShowAsync, Scope.ReadDeadLetters);
        Map([HttpMethods.Patch], one, letter.EditAsync, Scope.Administer);
        Map([HttpMethods.Delete], one, letter.DiscardAsync, Scope.Administer);
        Map([HttpMethods.Post], $"{one}/replay", letter.ReplayAsync, Scope.Administer);
        MapOthers(all, "GET, HEAD, DELETE");
        MapOthers($"{all}/replay", "POST");
        MapOthers(one, "GET, HEAD, PATCH, DELETE");
        MapOthers($"{one}/replay", "POST");

        void Map(string[] methods, string path, RequestDelegate handler, Scope scopes) => endpoints
            .MapMethods(path, methods, services.GetRequiredService<FailureAnswers>().Guard(handler))
            .RequireScope(scopes);

        // The answer to a wrong method shall be a problem like any other.
        void MapOthers(string path, string allowed) => endpoints
            .Map(path, context =>
                Answers.MethodNotAllowed(context, services.GetRequiredService<IntakeOptions>(), allowed))
            .RequireScope(Scope.Any);
    }
}
