using Ingest.Node.Writing;
using Npgsql;

namespace Ingest.Tests.Writing;

public sealed class CopyPlaceTests
{
    [Theory]
    [InlineData("COPY items, line 5", null)]
    [InlineData("COPY items, line 5: \"1, 2\"", null)]
    [InlineData("COPY items, line 5, column size", "size")]
    [InlineData("COPY items, line 5, column size: \"x, line 7\"", "size")]
    [InlineData("PL/pgSQL function f() line 3 at RAISE\nCOPY items, line 5", null)]
    [InlineData("COPY items, Zeile 5, Spalte size: \"x\"", "size")]
    [InlineData("COPY items, línea 5, columna size: \"x\"", "size")]
    [InlineData("COPY items, ligne 5, colonne size : « x »", "size")]
    [InlineData("COPY items, riga 5, colonna size: \"x\"", "size")]
    [InlineData("COPY items, строка 5, столбец size: \"x\"", "size")]
    [InlineData("COPY items, рядок 5, стовпець size: \"x\"", "size")]
    [InlineData("COPY items, rad 5, kolumn size: \"x\"", "size")]
    [InlineData("COPY items, ხაზი 5, სვეტი size: \"x\"", "size")]
    [InlineData("COPY items, 行 5, 列 size: \"x\"", "size")]
    [InlineData("itemsのCOPY、行 5", null)]
    [InlineData("itemsのCOPY、行 5、列 size: \"x\"", "size")]
    [InlineData("items 복사, 5번째 줄", null)]
    [InlineData("items 복사, 5번째 줄, size 열: \"x\"", "size")]
    public void Should_be_read_in_each_language_of_PostgreSQL(string context, string? column) =>
        Assert.Equal(new CopyPlace(5, column), CopyPlace.Of(ErrorWith(context)));

    [Theory]
    [InlineData(null)]
    [InlineData("PL/pgSQL function f() line 3 at RAISE")]
    [InlineData("COPY items, line 99999999999")]
    public void Should_be_nowhere_where_none_is_named(string? context) =>
        Assert.Null(CopyPlace.Of(ErrorWith(context)));

    private static PostgresException ErrorWith(string? context) =>
        new("no", "ERROR", "ERROR", "22P02", where: context);
}
