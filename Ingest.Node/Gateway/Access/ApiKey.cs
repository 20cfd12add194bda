using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Ingest.Node.Gateway.Access;

/// <summary>
/// The form of an API key: <c>ingest_</c>, 16 hexadecimal digits that name the key, <c>_</c>, and 64 that are the
/// secret.
/// </summary>
/// <remarks>
/// What is stored is the key's SHA-256. A slow hash such as bcrypt protects what people choose for themselves from
/// being guessed; 256 random bits cannot be guessed at any speed, and each request would pay for the slowness.
/// </remarks>
internal static class ApiKey
{
    public const int HashLength = SHA256.HashSizeInBytes;

    private const string Prefix = "ingest_";
    private const int IdLength = 16;
    private const int SecretLength = 64;
    private const int Length = IdEnd + 1 + SecretLength;
    private const int IdEnd = 7 + IdLength;

    /// <summary>Makes a key. It is nowhere but in the answer.</summary>
    public static (string Key, string Id, byte[] Hash) Create()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdLength / 2));
        var key = $"{Prefix}{id}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretLength / 2))}";
        return (key, id, SHA256.HashData(Encoding.ASCII.GetBytes(key)));
    }

    /// <summary>The part of a key that names it; false for what is no key.</summary>
    public static bool TryGetId([NotNullWhen(true)] string? key, out ReadOnlySpan<char> id)
    {
        id = default;
        if (key is not { Length: Length } || !key.StartsWith(Prefix, StringComparison.Ordinal) || key[IdEnd] != '_')
            return false;
        id = key.AsSpan(Prefix.Length, IdLength);
        return true;
    }

    /// <summary>Whether a key has this hash. Takes the same time whatever it has.</summary>
    /// <param name="key">One that <see cref="TryGetId"/> takes for a key.</param>
    public static bool Matches(string key, ReadOnlySpan<byte> hash)
    {
        Span<byte> text = stackalloc byte[Length];
        Span<byte> found = stackalloc byte[HashLength];
        // What is not ASCII becomes a question mark, which no key has.
        SHA256.HashData(text[..Encoding.ASCII.GetBytes(key, text)], found);
        return CryptographicOperations.FixedTimeEquals(found, hash);
    }
}
