using System.Runtime.CompilerServices;

namespace Ingest.Node.Catalog.Codecs;

/// <summary>
/// Writes the field of an array while its elements come in: the count of dimensions, whether there are nulls, the oid of
/// the elements' type, for each dimension its length and lower bound (1), and the elements, each behind its length.
/// Checks that nested arrays are all of one length, since PostgreSQL's arrays are rectangular.
/// </summary>
internal ref struct ArrayBuilder(TupleWriter writer, uint elementOid)
{
    // MAXDIM of PostgreSQL.
    private const int MaxDimensions = 6;
    private const int HeaderBytes = 12;
    private const int DimensionBytes = 8;
    private const int NullsOffset = 4;
    private const int Unknown = -1;
    private const string Ragged = "has nested arrays of different lengths";

    private readonly int start = writer.Length;
    private Dimensions lengths = Dimensions.Filled(Unknown);
    private Dimensions counts;
    private int depth;
    private int deepest;
    private int elementStart;

    /// <summary>How many dimensions the array has; 0 until its first element is there.</summary>
    private int dimensions;

    /// <summary>How many elements have been begun.</summary>
    public int Elements { get; private set; }

    /// <summary>True while an array is open, also before the first one was closed.</summary>
    public readonly bool IsOpen => depth > 0;

    /// <summary>A nested array begins, or the outermost.</summary>
    public string? Open()
    {
        if (depth == MaxDimensions) return "has more than 6 dimensions";
        if (dimensions > 0 && depth == dimensions) return Ragged;
        counts[depth++] = 0;
        deepest = Math.Max(deepest, depth);
        return null;
    }

    /// <summary>The innermost open array ends.</summary>
    public string? Close()
    {
        depth--;
        if (lengths[depth] == Unknown) lengths[depth] = counts[depth];
        if (lengths[depth] != counts[depth]) return Ragged;
        if (depth > 0) counts[depth - 1]++;
        return null;
    }

    /// <summary>An element begins; its bytes are written next, then <see cref="EndElement"/>.</summary>
    public string? BeginElement()
    {
        if (depth < deepest) return Ragged;
        if (dimensions == 0)
        {
            dimensions = depth;
            writer.WriteInt32(dimensions);
            writer.WriteInt32(0);
            writer.WriteInt32(unchecked((int)elementOid));
            writer.Append(dimensions * DimensionBytes);
        }
        counts[depth - 1]++;
        Elements++;
        writer.WriteInt32(Unknown);
        elementStart = writer.Length;
        return null;
    }

    public readonly void EndElement() => writer.PatchInt32(elementStart - sizeof(int), writer.Length - elementStart);

    /// <summary>The element that has been begun is NULL.</summary>
    public readonly void EndNull() => writer.PatchInt32(start + NullsOffset, 1);

    /// <summary>The outermost array has ended.</summary>
    public readonly void Finish()
    {
        if (dimensions == 0)
        {
            writer.WriteInt32(0);
            writer.WriteInt32(0);
            writer.WriteInt32(unchecked((int)elementOid));
        }
        for (var dimension = 0; dimension < dimensions; dimension++)
        {
            var offset = start + HeaderBytes + dimension * DimensionBytes;
            writer.PatchInt32(offset, lengths[dimension]);
            writer.PatchInt32(offset + sizeof(int), 1);
        }
    }

    [InlineArray(MaxDimensions)]
    private struct Dimensions
    {
        private int first;

        public static Dimensions Filled(int value)
        {
            var filled = new Dimensions { first = value };
            ((Span<int>)filled).Fill(value);
            return filled;
        }
    }
}
