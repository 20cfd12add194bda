using System.Text.Json.Nodes;
using Ingest.Bench.Load;

namespace Ingest.Bench.Compare.Refusals;

/// <summary>A reason for which PostgreSQL refuses a row, with a table to show it.</summary>
/// <param name="Definition">What the table has beside the columns of <c>clicks</c>, behind their list.</param>
/// <param name="Spoil">Makes a row that it refuses of a good one, which it tells from others by a number.</param>
internal sealed record RefusalKind(string Name, string Title, string Definition, Action<JsonObject, int> Spoil)
{
    public string Table => $"bench_{Name.Replace('-', '_')}";

    /// <summary>Has the columns of <c>clicks</c> alone, without its key.</summary>
    public bool IsBare { get; init; }

    /// <summary>Makes the table; the definition's <c>{0}</c> is its name.</summary>
    public string Create =>
        $"CREATE TABLE {Table} (LIKE clicks INCLUDING {(IsBare ? "DEFAULTS" : "ALL")}"
        + Definition.Replace("{0}", Table, StringComparison.Ordinal);

    /// <summary>The row, if any, whose key is taken.</summary>
    public string Taken { get; init; } = "";

    public BadRows Bad(int every) => new(Spoil, every);
}

/// <summary>All of them; of the load's rows, all but the bad ones are taken by each table.</summary>
internal static class RefusalKinds
{
    /// <summary>The key of the rows whose keys are taken.</summary>
    public const string TakenId = "00000000-0000-0000-0000-000000000001";

    // A prime: bad rows at any distance have all of them in turn.
    private const int ClosedAccounts = 17;

    /// <summary>What the tables need.</summary>
    public static string Types { get; } =
        $"""
        CREATE TABLE closed_accounts AS
            SELECT n * {Account(1)} AS user_id FROM generate_series(1::bigint, {ClosedAccounts}) n;
        CREATE DOMAIN not_negative AS double precision CHECK (VALUE >= 0);
        CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.amount < 0 THEN RAISE 'Not less than nothing.'; END IF; RETURN NEW; END $$;
        CREATE FUNCTION judge_end() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.url LIKE '%refused' THEN RAISE 'A bad end.'; END IF; RETURN NEW; END $$;
        CREATE FUNCTION judge_account() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN
                IF EXISTS (SELECT FROM closed_accounts c WHERE c.user_id = NEW.user_id) THEN RAISE 'Closed.'; END IF;
                RETURN NEW;
            END $$
        """;

    public static IReadOnlyList<RefusalKind> All { get; } =
    [
        new("check", "a check", ", CHECK (amount >= 0))", Negate),
        Taken(new("unique", "a key that is taken", ")", Repeat)),
        Taken(new("deferrable-unique", "a deferred key that is taken",
            ", PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED)", Repeat) { IsBare = true }),
        new("not-null", "NOT NULL, seen by PostgreSQL only", ");" + Trigger("BEFORE"), Unset),
        new("foreign-key", "a foreign key", ", FOREIGN KEY (user_id) REFERENCES parents)", Orphan),
        new("deferred-foreign-key", "a deferred foreign key",
            ", FOREIGN KEY (user_id) REFERENCES parents DEFERRABLE INITIALLY DEFERRED)", Orphan),
        new("domain", "a domain", "); ALTER TABLE {0} ALTER amount TYPE not_negative", Negate),
        Taken(new("exclusion", "an exclusion constraint",
            ", EXCLUDE USING btree (user_id WITH =) WHERE (amount < 0))", Exclude)),
        new("partition", "no partition for the row",
            $", PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE {"{0}"}_1 PARTITION OF {"{0}"} "
            + $"FOR VALUES FROM ('{TakenId}') TO (MAXVALUE)",
            (row, _) => row["id"] = Guid.Empty.ToString()) { IsBare = true },
        new("generated", "a generated column",
            ", share double precision GENERATED ALWAYS AS (1 / amount) STORED)", (row, _) => row["amount"] = 0),
        new("before-trigger", "a BEFORE trigger", ");" + Trigger("BEFORE"), Negate),
        new("after-trigger", "an AFTER trigger", ");" + Trigger("AFTER"), Negate),
        new("closed-account", "a BEFORE trigger, for what another table says",
            ");" + Trigger("BEFORE", "judge_account"),
            (row, number) => row["user_id"] = Account(1 + (number % ClosedAccounts))),
        new("untold", "a BEFORE trigger, for what no column's range tells",
            ");" + Trigger("BEFORE", "judge_end"),
            // As long as it was.
            (row, _) => row["url"] = string.Concat(((string)row["url"]!).AsSpan()[..^7], "refused")),
        new("policy", "row level security",
            "); ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;"
            + "CREATE POLICY own ON {0} FOR INSERT WITH CHECK (amount >= 0)",
            Negate),
        new("value", "a value that PostgreSQL alone understands",
            "); ALTER TABLE {0} ALTER url TYPE xml USING url::xml",
            (row, _) => row["url"] = "<"),
        new("refused-by-node", "a value that the node refuses", ")", Unset),
    ];

    public static RefusalKind Named(string name) => All.Single(kind => kind.Name == name);

    private static RefusalKind Taken(RefusalKind kind) => kind with
    {
        Taken = $"INSERT INTO {kind.Table} (id, url, user_id, amount) VALUES ('{TakenId}', 'taken', 1, -1)",
    };

    private static string Trigger(string when, string function = "judge") =>
        $"CREATE TRIGGER refuse {when} INSERT ON {"{0}"} FOR EACH ROW EXECUTE FUNCTION {function}()";

    // Among those of good rows.
    private static long Account(int number) => number * 300_000_007L;

    private static void Negate(JsonObject row, int number) => row["amount"] = -(double)row["amount"]!;

    private static void Orphan(JsonObject row, int number) => row["user_id"] = -number;

    private static void Repeat(JsonObject row, int number) => row["id"] = TakenId;

    private static void Unset(JsonObject row, int number) => row["url"] = null;

    // The one that is there has this user.
    private static void Exclude(JsonObject row, int number) => (row["user_id"], row["amount"]) = (1, -1);
}
