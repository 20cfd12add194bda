namespace Ingest.Node.Gateway.Access;

/// <summary>The files of a certificate, in PEM (RFC 7468).</summary>
/// <param name="Certificate">The certificate, and behind it those that lead from it to its authority.</param>
/// <param name="Key">Its private key, without a password.</param>
internal sealed record TlsOptions(string Certificate, string Key);
