using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Ingest.Node.Writing;

/// <summary>
/// The place of an error in a COPY, which PostgreSQL tells in the error's context alone, in its own language: <c>COPY
/// items, line 5, column size: "x"</c>. The context of a BEFORE trigger has the trigger's lines first.
/// </summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">null where none is named.</param>
internal readonly partial record struct CopyPlace(int Line, string? Column)
{
    /// <summary>null where PostgreSQL names none.</summary>
    public static CopyPlace? Of(PostgresException error)
    {
        if (error.Where is not { } context || Place().Match(context) is not { Success: true } match) return null;
        var (line, column) = (match.Groups["line"], match.Groups["column"]);
        return int.TryParse(line.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new CopyPlace(number, column.Success ? column.Value : null)
            : null;
    }

    // The words for "line" and "column" are those of its translations; Japanese and Korean have other orders, too.
    [GeneratedRegex(
        """
        ^(?:COPY\ .*?|.*?のCOPY)[,、]\ ?\p{L}+\ (?<line>\d+)(?:[,、]\ ?\p{L}+\ (?<column>[^:\n]+?)\s*(?::|$))?
        |^.*?\ 복사,\ (?<line>\d+)번째\ 줄(?:,\ (?<column>[^:\n]+?)\ 열)?
        """,
        RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Place();
}
