using System.Text.Json.Serialization;

namespace Ingest.Bench.Compare.Baselines;

/// <summary>A row of the demo table, as a hand-written service would declare it.</summary>
internal sealed record Click
{
    [JsonPropertyName("url")]
    public required string Url { get; init; }

    [JsonPropertyName("user_id")]
    public long? UserId { get; init; }

    [JsonPropertyName("amount")]
    public double? Amount { get; init; }

    [JsonPropertyName("at")]
    public DateTime At { get; init; }
}

/// <summary>The answer to a create.</summary>
internal sealed record Created([property: JsonPropertyName("id")] Guid Id);

[JsonSerializable(typeof(Click))]
[JsonSerializable(typeof(Created))]
internal sealed partial class ClickJson : JsonSerializerContext;
