using System.Globalization;

namespace Ingest.Messages;

/// <summary>
/// Names one lane: the sharded entity that writes a fixed share of one table. Its text form, <c>table/number</c>, is
/// the entity id in cluster sharding and the key in the ledger, so it must never change for a lane that has written.
/// </summary>
/// <param name="Table">The table's served name, for example <c>clicks</c> or <c>sales.orders</c>.</param>
/// <param name="Number">0 up to, not including, the table's number of lanes.</param>
public readonly record struct LaneId(string Table, int Number)
{
    /// <summary>Reads <c>table/number</c>; a table's name may itself contain slashes.</summary>
    /// <exception cref="FormatException">The text has no slash, or no number behind the last one.</exception>
    public static LaneId Parse(string text)
    {
        var slash = text.LastIndexOf('/');
        return slash > 0 && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new LaneId(text[..slash], number)
            : throw new FormatException($"'{text}' is not a lane id: expected table/number.");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Table}/{Number}");
}
