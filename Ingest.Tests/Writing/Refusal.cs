namespace Ingest.Tests.Writing;

/// <summary>One reason for which PostgreSQL refuses a row, with a table of its own to show it.</summary>
/// <param name="Tables">Makes the table, whose name is <c>{0}</c>, with the columns <c>id</c> and <c>v</c>.</param>
/// <param name="Good">The value of <c>v</c> in a good row, as JSON; <c>{0}</c> is the row's id.</param>
/// <param name="Bad">The value of <c>v</c> in a bad row, as JSON.</param>
internal sealed record Refusal(
    string Tables, string Good, string Bad, string SqlState, string? Constraint = null, string? Column = null)
{
    /// <summary>What happens between the encoding of the rows and their writing.</summary>
    public string Meanwhile { get; init; } = "SELECT 1";

    /// <summary>The rows can only be written, or found, by way of a temporary table.</summary>
    public bool NeedsStaging { get; init; }

    /// <summary>A bad row is one that repeats a good one of its batch, and comes later.</summary>
    public bool IsRepeat { get; init; }

    private const string Plain = "CREATE TABLE {0} (id int PRIMARY KEY, v int";

    /// <summary>Every class of refusal, by name, which is the name of its table too.</summary>
    public static readonly Dictionary<string, Refusal> All = new()
    {
        ["taken"] = new(Plain + " UNIQUE)", "{0}", "-5", "23505", "taken_v_key")
        {
            Meanwhile = "INSERT INTO {0} VALUES (-1, -5)",
        },
        ["repeated"] = new(Plain + " UNIQUE)", "{0}", "1", "23505", "repeated_v_key") { IsRepeat = true },
        ["partial_unique"] = new(
            Plain + "); CREATE UNIQUE INDEX only_negative ON {0} ((v * 2), (v % 2)) WHERE v < 0",
            "5", "-5", "23505", "only_negative") { Meanwhile = "INSERT INTO {0} VALUES (-1, -5)" },
        ["deferred_unique"] = new(
            Plain + " UNIQUE DEFERRABLE INITIALLY DEFERRED)", "{0}", "-5", "23505", "deferred_unique_v_key")
        {
            Meanwhile = "INSERT INTO {0} VALUES (-1, -5)",
        },
        ["not_null"] = new(
            // With a BEFORE trigger, the node leaves a missing value to PostgreSQL.
            Plain + " NOT NULL);" + Trigger("BEFORE", "PERFORM 1"), "1", "null", "23502", null, "v"),
        ["checked"] = new(Plain + " CONSTRAINT small CHECK (v < 1000))", "1", "1000", "23514", "small"),
        ["foreign_key"] = new(
            "CREATE TABLE {0}_parent (id int PRIMARY KEY); INSERT INTO {0}_parent VALUES (1);"
            + Plain + " REFERENCES {0}_parent)", "1", "2", "23503", "foreign_key_v_fkey"),
        ["deferred_foreign_key"] = new(
            "CREATE TABLE {0}_parent (id bigint PRIMARY KEY); INSERT INTO {0}_parent VALUES (1);"
            + Plain + " REFERENCES {0}_parent DEFERRABLE INITIALLY DEFERRED)",
            "1", "2", "23503", "deferred_foreign_key_v_fkey"),
        ["exclusion"] = new(
            Plain + ", CONSTRAINT apart EXCLUDE USING btree (v WITH =))", "{0}", "-5", "23P01", "apart")
        {
            Meanwhile = "INSERT INTO {0} VALUES (-1, -5)",
        },
        ["domain"] = new(
            "CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE {0} (id int PRIMARY KEY, v positive)",
            "1", "-1", "23514", "positive_check", "v"),
        ["enum"] = new(
            "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE {0} (id int PRIMARY KEY, v mood)",
            "\"sad\"", "\"glad\"", "22000", null, "v")
        {
            Meanwhile = "ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'",
        },
        ["homeless"] = new(
            "CREATE TABLE {0} (id int, v int, PRIMARY KEY (id, v)) PARTITION BY LIST (v);"
            + "CREATE TABLE {0}_1 PARTITION OF {0} FOR VALUES IN (1)", "1", "2", "23514"),
        ["generated"] = new(Plain + ", w int GENERATED ALWAYS AS (10 / v) STORED)", "1", "0", "22012"),
        ["before_trigger"] = new(
            Plain + ");" + Trigger("BEFORE", "IF NEW.v = 2 THEN RAISE 'not two'; END IF"), "1", "2", "P0001"),
        ["before_trigger_coded"] = new(
            Plain + ");" + Trigger("BEFORE", "IF NEW.v = 2 THEN RAISE 'not two' USING ERRCODE = 'MY002'; END IF"),
            "1", "2", "MY002"),
        ["after_trigger"] = new(
            Plain + ");" + Trigger("AFTER", "IF NEW.v = 2 THEN RAISE 'not two'; END IF"), "1", "2", "P0001"),
        ["after_trigger_coded"] = new(
            Plain + ");" + Trigger("AFTER", "IF NEW.v = 2 THEN RAISE SQLSTATE '5A001'; END IF"), "1", "2", "5A001"),
        ["after_trigger_borrowed"] = new(
            Plain + ");"
            + Trigger("AFTER", "IF NEW.v = 2 THEN RAISE 'not two' USING ERRCODE = 'check_violation'; END IF"),
            "1", "2", "23514"),
        ["before_trigger_privilege"] = Borrowed("BEFORE", "42501"),
        ["after_trigger_privilege"] = Borrowed("AFTER", "42501"),
        ["after_trigger_feature"] = Borrowed("AFTER", "0A000"),
        ["after_trigger_table"] = Borrowed("AFTER", "42P01"),
        ["before_trigger_state"] = Borrowed("BEFORE", "55000"),
        // Npgsql gives the connection up for it, so that only the server's loop can go on.
        ["after_trigger_internal"] = Borrowed("AFTER", "XX000") with { NeedsStaging = true },
        ["before_trigger_server"] = Borrowed("BEFORE", "28000"),
        ["deferred_trigger"] = new(
            Plain + ");" + Trigger("AFTER", "IF NEW.v = 2 THEN RAISE 'not two'; END IF")
                .Replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", StringComparison.Ordinal)
                .Replace("FOR EACH", "DEFERRABLE INITIALLY DEFERRED FOR EACH", StringComparison.Ordinal),
            "1", "2", "P0001"),
        ["talkative_trigger"] = new(
            Plain + ");" + Trigger("AFTER", """
                IF NEW.v = 2 THEN
                    RAISE '%', repeat('long ', 100000) USING CONSTRAINT = 'a' || repeat('b', 600), COLUMN = 'v';
                END IF
                """),
            "1", "2", "P0001", "a" + new string('b', 499), "v"),
        ["asserting_trigger"] = new(
            Plain + ");" + Trigger("BEFORE", "ASSERT NEW.v <> 2"), "1", "2", "P0004"),
        ["policy"] = new(
            Plain + "); ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;"
            + "CREATE POLICY odd ON {0} FOR INSERT WITH CHECK (v = 1)", "1", "2", "42501")
        {
            NeedsStaging = true,
        },
        ["value"] = new(
            "CREATE TABLE {0} (id int PRIMARY KEY, v point)", "\"(1,2)\"", "\"nowhere\"", "22P02")
        {
            NeedsStaging = true,
        },
        ["query"] = new("CREATE TABLE {0} (id int PRIMARY KEY, v tsquery)", "\"a\"", "\"a b\"", "42601")
        {
            NeedsStaging = true,
        },
        ["index_row"] = new(
            "CREATE TABLE {0} (id int PRIMARY KEY, v int[]); CREATE INDEX ON {0} (v)",
            "[1]", $"[{string.Join(',', Enumerable.Range(0, 3000).Select(n => n * 7919 % 100_003))}]", "54000"),
    };

    /// <summary>A trigger that raises what PostgreSQL says of tables, of sessions or of itself otherwise.</summary>
    private static Refusal Borrowed(string when, string sqlState) => new(
        Plain + ");" + Trigger(when, $"IF NEW.v = 2 THEN RAISE 'not two' USING ERRCODE = '{sqlState}'; END IF"),
        "1", "2", sqlState);

    private static string Trigger(string when, string body) =>
        $"""
        CREATE FUNCTION {"{0}"}_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$;
        CREATE TRIGGER refuse {when} INSERT ON {"{0}"} FOR EACH ROW EXECUTE FUNCTION {"{0}"}_trigger()
        """;
}
