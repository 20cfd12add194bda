namespace Ingest.Tests.Writing;

/// <summary>A table that can refuse a row for many reasons, and rows of which 1 % are refused for each of
/// them.</summary>
/// <param name="Tables">Makes the table, and what it needs.</param>
/// <param name="Good">The members of a good row beside its id.</param>
/// <param name="Bad">By the last two digits of a row's number: what is bad about it, and what its caller is to be
/// told.</param>
internal sealed record Mixture(string Table, string Tables, IReadOnlyList<string> Good, IReadOnlyList<BadRow> Bad)
{
    /// <summary>What a row that was there before has in its columns, and nobody else may learn.</summary>
    public const string Secret = "another-row-s-secret";

    /// <summary>Constraints of all kinds, and triggers.</summary>
    public static readonly Mixture Constraints = new(
        "mixed",
        $"""
        CREATE TABLE parents (id int PRIMARY KEY);
        INSERT INTO parents VALUES (1);
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE TABLE mixed (
            id bigint PRIMARY KEY,
            code text UNIQUE,
            slot int UNIQUE DEFERRABLE INITIALLY DEFERRED,
            spot int, CONSTRAINT apart EXCLUDE USING btree (spot WITH =),
            must text NOT NULL,
            size int CONSTRAINT small CHECK (size < 1000),
            parent int REFERENCES parents,
            late int REFERENCES parents DEFERRABLE INITIALLY DEFERRED,
            amount positive,
            divisor int, quotient int GENERATED ALWAYS AS (100 / divisor) STORED,
            word text,
            note text DEFAULT 'none');
        INSERT INTO mixed (id, code, slot, spot, must) VALUES (-5, 'taken', -5, -5, '{Secret}');
        CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.word = 'before' AND TG_WHEN = 'BEFORE' THEN RAISE 'Not before.'; END IF;
            IF NEW.word = 'coded' THEN RAISE 'Not coded.' USING ERRCODE = 'MY002'; END IF;
            IF NEW.word = 'after' AND TG_WHEN = 'AFTER' THEN RAISE 'Not after.'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER judge_before BEFORE INSERT ON mixed FOR EACH ROW EXECUTE FUNCTION judge();
        CREATE TRIGGER judge_after AFTER INSERT ON mixed FOR EACH ROW EXECUTE FUNCTION judge();
        """,
        ["\"must\":\"something\"", "\"divisor\":1"],
        [
            new("\"id\":-5", 409, "23505", "mixed_pkey"),
            new("\"code\":\"taken\"", 409, "23505", "mixed_code_key"),
            new("\"id\":{before}", 409, "23505", "mixed_pkey"),
            new("\"slot\":-5", 409, "23505", "mixed_slot_key"),
            new("\"spot\":-5", 409, "23P01", "apart"),
            new("\"must\":null", 422, "23502", Column: "must"),
            new("\"size\":1000", 422, "23514", "small"),
            new("\"parent\":2", 422, "23503", "mixed_parent_fkey"),
            new("\"late\":2", 422, "23503", "mixed_late_fkey"),
            new("\"amount\":-1", 422, "23514", "positive_check", "amount"),
            new("\"divisor\":0", 400, "22012"),
            new("\"word\":\"before\"", 422, "P0001", Detail: "Not before."),
            new("\"word\":\"coded\"", 422, "MY002", Detail: "Not coded."),
            new("\"word\":\"after\"", 422, "P0001", Detail: "Not after."),
        ]);

    /// <summary>A partitioned table under row level security, which only takes rows by way of another one.</summary>
    public static readonly Mixture Rules = new(
        "governed",
        """
        CREATE TABLE governed (
            id bigint, region int, owner int, spot point, size int CONSTRAINT modest CHECK (size < 1000), word text,
            note text DEFAULT 'none', PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE governed_1 PARTITION OF governed FOR VALUES IN (1);
        ALTER TABLE governed ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON governed FOR INSERT WITH CHECK (owner = 1);
        CREATE FUNCTION govern() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.word = 'after' THEN RAISE 'Not after.'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER govern AFTER INSERT ON governed FOR EACH ROW EXECUTE FUNCTION govern();
        """,
        ["\"region\":1", "\"owner\":1", "\"spot\":\"(1,2)\""],
        [
            new("\"region\":2", 422, "23514"),
            new("\"owner\":2", 422, "42501"),
            new("\"spot\":\"nowhere\"", 400, "22P02"),
            new("\"id\":{before}", 409, "23505", "governed_1_pkey"),
            new("\"size\":1000", 422, "23514", "modest"),
            new("\"word\":\"after\"", 422, "P0001", Detail: "Not after."),
        ]);

    /// <summary>What is wrong with the row of this number; null where nothing is.</summary>
    public BadRow? BadAt(int number) => number > 100 && number % 100 < Bad.Count ? Bad[number % 100] : null;

    /// <summary>The JSON of the row of this number, from 1 on. Good ones are of two shapes.</summary>
    public string Row(int number)
    {
        // The row before is a good one of the same shape: rows of one shape keep their order.
        var bad = BadAt(number)?.Field.Replace("{before}", $"{number - 48}", StringComparison.Ordinal);
        var fields = new List<string> { $"\"id\":{number}" };
        fields.AddRange(Good);
        if (bad is not null)
        {
            var name = bad[..bad.IndexOf(':', StringComparison.Ordinal)];
            fields.RemoveAll(field => field.StartsWith(name, StringComparison.Ordinal));
            fields.Add(bad);
        }

        if (number % 3 == 0) fields.Add("\"note\":\"mine\"");
        return $"{{{string.Join(',', fields)}}}";
    }
}

/// <param name="Field">The JSON member that makes the row bad.</param>
internal sealed record BadRow(
    string Field, int Status, string SqlState, string? Constraint = null, string? Column = null, string? Detail = null);
