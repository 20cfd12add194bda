namespace Ingest.Bench.Compare.Refusals;

/// <summary>A reason for which PostgreSQL refuses a row, with a table to show it.</summary>
/// <param name="Definition">What the table has beside the columns of <c>clicks</c>, behind their list.</param>
/// <param name="Bad">A row that it refuses, as JSON.</param>
internal sealed record RefusalKind(string Name, string Title, string Definition, string Bad)
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
}

/// <summary>All of them; of the load's rows, all but the bad ones are taken by each table.</summary>
internal static class RefusalKinds
{
    /// <summary>The key of the rows whose keys are taken.</summary>
    public const string TakenId = "00000000-0000-0000-0000-000000000001";

    /// <summary>What the tables need.</summary>
    public const string Types =
        """
        CREATE DOMAIN not_negative AS double precision CHECK (VALUE >= 0);
        CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.amount < 0 THEN RAISE 'Not less than nothing.'; END IF; RETURN NEW; END $$
        """;

    private static readonly string Negative = RefusingNode.Row(amount: "-1");
    private static readonly string Repeated = RefusingNode.Row(id: $"\"{TakenId}\"");
    private static readonly string Orphan = RefusingNode.Row(userId: "0");

    public static IReadOnlyList<RefusalKind> All { get; } =
    [
        new("check", "a check", ", CHECK (amount >= 0))", Negative),
        Taken(new("unique", "a key that is taken", ")", Repeated)),
        Taken(new("deferrable-unique", "a deferred key that is taken",
            ", PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED)", Repeated) { IsBare = true }),
        new("not-null", "NOT NULL, seen by PostgreSQL only", ");" + Trigger("BEFORE"), RefusingNode.Row(url: "null")),
        new("foreign-key", "a foreign key", ", FOREIGN KEY (user_id) REFERENCES parents)", Orphan),
        new("deferred-foreign-key", "a deferred foreign key",
            ", FOREIGN KEY (user_id) REFERENCES parents DEFERRABLE INITIALLY DEFERRED)", Orphan),
        new("domain", "a domain", "); ALTER TABLE {0} ALTER amount TYPE not_negative", Negative),
        Taken(new("exclusion", "an exclusion constraint",
            ", EXCLUDE USING btree (user_id WITH =) WHERE (amount < 0))", Negative)),
        new("partition", "no partition for the row",
            $", PRIMARY KEY (id)) PARTITION BY RANGE (id); CREATE TABLE {"{0}"}_1 PARTITION OF {"{0}"} "
            + $"FOR VALUES FROM ('{TakenId}') TO (MAXVALUE)",
            RefusingNode.Row(id: $"\"{Guid.Empty}\"")) { IsBare = true },
        new("generated", "a generated column",
            ", share double precision GENERATED ALWAYS AS (1 / amount) STORED)", RefusingNode.Row(amount: "0")),
        new("before-trigger", "a BEFORE trigger", ");" + Trigger("BEFORE"), Negative),
        new("after-trigger", "an AFTER trigger", ");" + Trigger("AFTER"), Negative),
        new("policy", "row level security",
            "); ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;"
            + "CREATE POLICY own ON {0} FOR INSERT WITH CHECK (amount >= 0)",
            Negative),
        new("value", "a value that PostgreSQL alone understands",
            "); ALTER TABLE {0} ALTER url TYPE xml USING url::xml",
            RefusingNode.Row(url: "\"<\"")),
        new("refused-by-node", "a value that the node refuses", ")", RefusingNode.Row(url: "null")),
    ];

    public static RefusalKind Named(string name) => All.Single(kind => kind.Name == name);

    private static RefusalKind Taken(RefusalKind kind) => kind with
    {
        Taken = $"INSERT INTO {kind.Table} (id, url, user_id, amount) VALUES ('{TakenId}', 'taken', 1, -1)",
    };

    private static string Trigger(string when) =>
        $"CREATE TRIGGER refuse {when} INSERT ON {"{0}"} FOR EACH ROW EXECUTE FUNCTION judge()";
}
