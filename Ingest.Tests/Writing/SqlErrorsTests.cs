using Ingest.Node.Writing;
using Npgsql;

namespace Ingest.Tests.Writing;

public sealed class SqlErrorsTests
{
    [Theory]
    [InlineData("P0001", null, null, null, "no -5")]
    [InlineData("MY001", null, null, null, "no -5")]
    [InlineData("23514", null, null, null, "no -5")]
    [InlineData("23505", null, null, null, "no -5")]
    [InlineData("23514", "t", null, null, "The table has no partition that takes the row.")]
    [InlineData("23514", "t", "t_check", null, "The row violates a check constraint.")]
    [InlineData("23514", null, "d_check", "d", "The row violates a check constraint.")]
    [InlineData("23502", null, null, "d", "A value is missing that must not be null.")]
    [InlineData("22023", null, null, null, "A value is not valid for its column.")]
    public void Should_tell_callers_a_triggers_own_words_and_no_others(
        string sqlState, string? table, string? constraint, string? domain, string message)
    {
        var error = new RowError(
            sqlState, "no -5", table is null ? null : "public", table, constraint, null, IsPolicy: false)
        {
            Domain = domain,
        };

        var rejection = SqlErrors.ToRejection(error);

        Assert.Equal((sqlState, constraint, message), (rejection.SqlState, rejection.Constraint, rejection.Message));
    }

    [Fact]
    public void Should_not_cut_a_character_in_two()
    {
        var message = new string('x', 499) + "\U0001F600 and more";

        var rejection = SqlErrors.ToRejection(new PostgresException(message, "ERROR", "ERROR", "P0001"));

        Assert.Equal(new string('x', 499), rejection.Message);
    }

    [Theory]
    [InlineData("40001", "ERROR", ErrorKind.Transient)]
    [InlineData("57014", "ERROR", ErrorKind.Transient)]
    [InlineData("53100", "ERROR", ErrorKind.Transient)]
    [InlineData("25006", "ERROR", ErrorKind.Transient)]
    [InlineData("28000", "FATAL", ErrorKind.Transient)]
    [InlineData("28000", "ERROR", ErrorKind.Row)]
    [InlineData("55000", "ERROR", ErrorKind.Row)]
    [InlineData("XX000", "ERROR", ErrorKind.Row)]
    [InlineData("XX001", "ERROR", ErrorKind.Transient)]
    [InlineData("42703", "ERROR", ErrorKind.Table)]
    [InlineData("23505", "ERROR", ErrorKind.Row)]
    [InlineData("MY001", "ERROR", ErrorKind.Row)]
    internal void Should_take_for_passing_only_what_passes(string sqlState, string severity, ErrorKind kind) =>
        Assert.Equal(kind, SqlErrors.KindOf(new PostgresException("no", severity, severity, sqlState)));

    [Theory]
    [InlineData("55000", null, "55000 the sequence is at its end")]
    [InlineData("55000", "PL/pgSQL function f() line 3 at RAISE", "55000 (exec_stmt_raise)")]
    [InlineData("22P02", null, "22P02 (exec_stmt_raise)")]
    public void Should_log_no_words_that_may_quote_a_row(string sqlState, string? where, string reason) =>
        Assert.Equal(reason, SqlErrors.ReasonOf(new PostgresException(
            "the sequence is at its end", "ERROR", "ERROR", sqlState, where: where, routine: "exec_stmt_raise")));
}
