using Ingest.Messages;
using Ingest.Node.Catalog;

namespace Ingest.Node.Gateway;

/// <summary>
/// Rows that one caller hands in together, one for a single create, some hundreds for a piece of a stream, and their
/// verdicts. Pooled by <see cref="IRowGateway"/>.
/// </summary>
public sealed class Submission
{
    private Verdict[] verdicts = new Verdict[1];

    /// <summary>The table that the rows are for.</summary>
    public TableDescriptor Table { get; internal set; } = null!;

    /// <summary>The rows; filled by the endpoint before admission, not to be touched while submitted.</summary>
    public RowBlock Rows { get; } = new();

    /// <summary>The verdict of a row, once the submission is complete.</summary>
    public Verdict this[int row]
    {
        get => verdicts[row];
        internal set
        {
            if (row >= verdicts.Length) Array.Resize(ref verdicts, Math.Max(row + 1, 2 * verdicts.Length));
            verdicts[row] = value;
        }
    }
}
