using System.Text.Json;
using Ingest.Tests.Writing;

namespace Ingest.Tests.Node;

/// <summary>What callers are told of rows that PostgreSQL refuses.</summary>
public sealed class RefusedRowTests(RefusedRowTests.Fixture fixture) : IClassFixture<RefusedRowTests.Fixture>
{
    private const int Rows = 100_000;

    [Fact]
    public async Task Should_answer_each_bad_row_of_100_000_with_its_own_error_and_commit_the_others()
    {
        var answer = await fixture.Node.PostAsync(
            "mixed",
            string.Join('\n', Enumerable.Range(1, Rows).Select(Mixture.Constraints.Row)),
            "application/x-ndjson");

        var lines = answer.Lines;
        for (var line = 1; line <= Rows; line++)
        {
            var verdict = lines[line - 1];
            Assert.Equal(line, verdict.GetProperty("line").GetInt32());
            if (Mixture.Constraints.BadAt(line) is { } bad) AssertProblem(bad, verdict.GetProperty("error"));
            else Assert.Equal(201, verdict.GetProperty("status").GetInt32());
        }

        var good = Enumerable.Range(1, Rows).Count(row => Mixture.Constraints.BadAt(row) is null);
        Assert.Equal(good, lines[^1].GetProperty("committed").GetInt32());
        Assert.Equal(Rows - good, lines[^1].GetProperty("rejected").GetInt32());
        Assert.Equal(good, await fixture.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM mixed WHERE id BETWEEN 1 AND {Rows}"));
        AssertTellsNothing(answer.Body);
    }

    [Fact]
    public async Task Should_answer_a_single_bad_row_of_each_kind_as_a_line_of_a_stream()
    {
        // One of the bad rows repeats it.
        await fixture.Node.PostAsync("mixed", Mixture.Constraints.Row(1_000_054));
        foreach (var (bad, number) in Mixture.Constraints.Bad.Select((bad, number) => (bad, 1_000_100 + number)))
        {
            var answer = await fixture.Node.PostAsync("mixed", Mixture.Constraints.Row(number));

            Assert.Equal(bad.Status, answer.Status);
            AssertProblem(bad, answer.Json);
            AssertTellsNothing(answer.Body);
        }
    }

    [Fact]
    public async Task Should_refuse_a_value_for_a_generated_column_before_it_comes_to_a_batch()
    {
        var answer = await fixture.Node.PostAsync("mixed", """{"id":2000001,"must":"x","quotient":1}""");

        Assert.Equal(400, answer.Status);
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty("quotient", out _), answer.Body);
    }

    private static void AssertProblem(BadRow bad, JsonElement problem)
    {
        Assert.Equal(
            (bad.Status, bad.SqlState, bad.Constraint, bad.Column),
            (problem.GetProperty("status").GetInt32(), Text("sqlstate"), Text("constraint"), Text("column")));
        var detail = problem.GetProperty("detail").GetString();
        Assert.False(string.IsNullOrEmpty(detail));
        if (bad.Detail is not null) Assert.Equal(bad.Detail, detail);
        if (bad.Column is not null) Assert.True(problem.GetProperty("errors").TryGetProperty(bad.Column, out _));

        string? Text(string name) => problem.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    /// <summary>Nothing of other rows, and nothing of how rows are written.</summary>
    private static void AssertTellsNothing(string answer)
    {
        string[] telling = [Mixture.Secret, "Failing row", "Key (", "COPY", "PL/pgSQL", "pg_temp", "ingest."];
        foreach (var word in telling)
            Assert.DoesNotContain(word, answer, StringComparison.Ordinal);
    }

    // One lane, so that of two rows with one key it is the later one that repeats the other.
    public sealed class Fixture() : NodeFixture(Mixture.Constraints.Tables, ("INGEST_LANES", "1"));
}
