using System.CommandLine;
using System.CommandLine.Help;

namespace Ingest.Node;

/// <summary>Runs a command under the name that people give it by: <c>ingest api-key add</c>.</summary>
internal static class CommandLine
{
    private const int Usage = 2;

    /// <returns>The command's exit code; 2 for wrong arguments.</returns>
    public static async Task<int> InvokeAsync(Command command, string[] arguments)
    {
        var ingest = new Command("ingest") { new HelpOption(), command };
        var parsed = ingest.Parse([command.Name, .. arguments]);
        var hasErrors = parsed.Errors.Count > 0;
        var code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return hasErrors ? Usage : code;
    }
}
