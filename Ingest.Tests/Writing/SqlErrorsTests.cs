using Ingest.Node.Writing;

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
}
