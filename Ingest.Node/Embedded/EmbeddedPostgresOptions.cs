using System.ComponentModel.DataAnnotations;

namespace Ingest.Node.Embedded;

/// <summary>Where and how the embedded PostgreSQL runs.</summary>
public sealed class EmbeddedPostgresOptions
{
    /// <summary>The node's data directory; the server keeps everything that it has in <c>postgres</c> below
    /// it.</summary>
    [Required]
    public required string DataDirectory { get; init; }

    /// <summary>The directory of <c>initdb</c> and <c>postgres</c>; null looks for the newest installed.</summary>
    public string? BinariesDirectory { get; init; }

    /// <summary>The TCP port on 127.0.0.1; 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int Port { get; init; }

    /// <summary>How long the server may take to accept connections; crash recovery after much WAL takes
    /// minutes.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a fast shutdown may take before the immediate one, which loses nothing either.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the supervisor looks whether the server lives.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The first wait before a start that follows a failed start; it doubles up to the longest.</summary>
    public TimeSpan ShortestBackoff { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait between two attempts to start a server that died.</summary>
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromSeconds(30);
}
