using System.Text;
using CsCheck;

namespace Ingest.Tests.Catalog.Codecs;

/// <summary>Generators of JSON documents, and of arrays of any other generator's values.</summary>
public static class NestedValues
{
    private static readonly Gen<string> Space = Gen.OneOf("", "", " ", "\n\t");

    private static readonly Gen<string> Leaf = Gen.OneOf(
        Gen.OneOf("null", "true", "false", "\"\"", "\"\\u0041\\n\\\"\"", "\"\\ud83d\\ude00\"", "1e5", "-0.0", "1E-3"),
        Gen.OneOf("\"\\u0000\"", "\"\\ud83d\"", "\"\\ude00x\"", "9e131072", "1e-16384", "0e131073"),
        Gen.Long.Select(value => $"{value}"),
        Values.Text.Select(value => value.Json));

    private static readonly Gen<string> Common = Gen.OneOf(
        Gen.OneOf("null", "true", "12", "-1.50", "\"a\\tb\""), Values.Text.Select(value => value.Json), Leaf);

    public static Gen<Value> Json { get; } = Document(3).Where(json => json != "null").Select(json => new Value(json, json));

    /// <summary>JSON with one character taken out or doubled, or with something behind it.</summary>
    public static Gen<Value> BrokenJson { get; } = Gen.Select(Json, Gen.Int[0, 1000], Gen.Int[0, 3]).Select(given =>
    {
        var text = given.Item1.Json;
        var at = given.Item2 % text.Length;
        // A cut through a surrogate pair would not even be text.
        if (char.IsSurrogate(text[at])) return given.Item1;
        var broken = given.Item3 switch
        {
            0 => text.Remove(at, 1),
            1 => text.Insert(at, text[at..(at + 1)]),
            2 => text + "]",
            _ => $" {text}\n",
        };
        return new Value(broken, broken);
    });

    /// <summary>The text form of arrays of text put together from its parts, most of them malformed or nearly.</summary>
    public static Gen<Value> ArrayText { get; } = Gen.Select(
        Gen.OneOf("{", "{", "{{", " { ", ""),
        Gen.OneOf("a", "a b", " a ", "\"a\"", "\"\"", "\"a,}{\"", "\"a\\\"b\"", "\\ ", "a\\,b", "NULL", "null", "\"NULL\"", "\\NULL", "N ULL", ",", "",
            "{", "}", "\"", "é😀", "\\", "\t").Array[0, 4],
        Gen.OneOf(",", ",", ",", " , ", "},{", ""),
        Gen.OneOf("}", "}", "}}", " } ", "}x", ""),
        (open, parts, between, close) => new Value("null", open + string.Join(between, parts) + close));

    /// <summary>Arrays of up to three dimensions, in PostgreSQL's text form all elements quoted.</summary>
    /// <param name="isFlat">One dimension only: in JSON, an array of JSON values is never more.</param>
    public static Gen<Value> ArrayOf(Gen<Value> element, bool isFlat)
    {
        var nullable = Gen.OneOf(element, element, element, Gen.Const(new Value("null", "NULL")));
        var items = nullable.Select(value => value.Json == "null" ? value : new Value(value.Json, Quote(value.Text)));
        var flat = items.Array[0, 5].Select(Join);
        return isFlat ? flat : Gen.OneOf(
            flat,
            Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3]).SelectMany((rows, columns) => items.Array[columns].Select(Join).Array[rows].Select(Join)),
            items.Array[0, 2].Select(Join).Array[0, 2].Select(Join),
            Gen.OneOf(items, items.Array[1].Select(Join)).Array[0, 2].Select(Join),
            items.Array[2].Select(Join).Array[2].Select(Join).Array[2].Select(Join));
    }

    private static Gen<string> Document(int depth)
    {
        if (depth == 0) return Common;
        var inner = Document(depth - 1);
        return Gen.OneOf(
            Common,
            Gen.Select(inner.Array[0, 4], Space, (items, space) => $"[{space}{string.Join($",{space}", items)}]"),
            Gen.Select(Values.Text, inner, Space).Array[0, 3].Select(members =>
                $"{{{string.Join(',', members.Select(member => $"{member.Item3}{member.Item1.Json}:{member.Item3}{member.Item2}"))}}}"));
    }

    private static Value Join(Value[] values) => new(
        $"[{string.Join(", ", values.Select(value => value.Json))}]", $"{{{string.Join(',', values.Select(value => value.Text))}}}");

    private static string Quote(string text) =>
        new StringBuilder(text).Replace("\\", "\\\\").Replace("\"", "\\\"").Insert(0, '"').Append('"').ToString();
}
