using System.Globalization;

namespace Ingest.Messages;

/// <summary>
/// How a row says that it replays a dead letter: by an idempotency key that no caller can give, since a caller's key
/// has no space in front. Its digest is that of the letter's payload, so that a letter which was edited meanwhile is
/// told apart.
/// </summary>
public static class LetterKey
{
    /// <summary>
    /// What stands for SQLSTATE when the letter is not there any more; the class DL is not one of PostgreSQL's.
    /// </summary>
    public const string Gone = "DL001";

    /// <summary>What stands for SQLSTATE when the letter has another payload than the row.</summary>
    public const string Changed = "DL002";

    private const string Prefix = " letter ";

    /// <summary>The key of a row that replays a letter.</summary>
    public static string Of(long letter) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{letter}");

    /// <summary>Reads the letter's id from a key.</summary>
    /// <returns>False where the key is a caller's.</returns>
    public static bool TryRead(string key, out long letter)
    {
        letter = 0;
        return key.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(key.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out letter);
    }
}
