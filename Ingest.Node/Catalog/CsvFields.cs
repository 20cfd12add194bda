namespace Ingest.Node.Catalog;

/// <summary>
/// Splits one CSV record into its fields: RFC 4180, and as in PostgreSQL's CSV an empty field without quotes is NULL
/// while <c>""</c> is the empty string.
/// </summary>
/// <param name="record">The record without its line end; quoted fields may hold line ends.</param>
/// <param name="unquoted">Space for quoted fields with quotes in them.</param>
internal ref struct CsvFields(ReadOnlySpan<byte> record, TupleWriter unquoted)
{
    private const byte Quote = (byte)'"';
    private const byte Comma = (byte)',';

    private ReadOnlySpan<byte> rest = record;
    private bool isAtEnd;

    /// <summary>The number of fields read so far.</summary>
    public int Count { get; private set; }

    /// <summary>The last field was empty and without quotes.</summary>
    public bool IsNull { get; private set; }

    /// <summary>What is wrong with the record, in words that follow its name; null where nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads the next field; it is valid until the next one is read.</summary>
    /// <returns>False at the end of the record, or where it is malformed.</returns>
    public bool TryRead(out ReadOnlySpan<byte> field)
    {
        field = default;
        if (isAtEnd) return false;
        Count++;
        var isQuoted = !rest.IsEmpty && rest[0] == Quote;
        field = isQuoted ? ReadQuoted() : ReadPlain();
        IsNull = !isQuoted && field.IsEmpty;
        if (Error is not null)
        {
            isAtEnd = true;
            return false;
        }

        isAtEnd = rest.IsEmpty;
        if (!isAtEnd) rest = rest[1..];
        return true;
    }

    private ReadOnlySpan<byte> ReadPlain()
    {
        var end = rest.IndexOf(Comma);
        var field = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[end..];
        if (field.Contains(Quote)) Error = $"has a quote inside of field {Count}, which does not begin with one";
        return field;
    }

    private ReadOnlySpan<byte> ReadQuoted()
    {
        rest = rest[1..];
        unquoted.Truncate(0);
        while (true)
        {
            var end = rest.IndexOf(Quote);
            if (end < 0)
            {
                Error = $"has no closing quote in field {Count}";
                return default;
            }

            var piece = rest[..end];
            rest = rest[(end + 1)..];
            if (rest.IsEmpty || rest[0] != Quote) return Close(piece);
            unquoted.Write(piece);
            unquoted.WriteByte(Quote);
            rest = rest[1..];
        }
    }

    // Most quoted fields have no quotes in them and need no copy.
    private ReadOnlySpan<byte> Close(ReadOnlySpan<byte> piece)
    {
        if (!rest.IsEmpty && rest[0] != Comma) Error = $"goes on behind the closing quote of field {Count}";
        if (unquoted.Length == 0) return piece;
        unquoted.Write(piece);
        return unquoted.Written;
    }
}
