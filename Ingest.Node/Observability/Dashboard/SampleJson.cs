using System.Text.Json;

namespace Ingest.Node.Observability.Dashboard;

/// <summary>
/// What one who watches is sent each second: the node, the sum of all tables, the busiest tables, and the one that is
/// looked at. Rates are a second; times are microseconds. Its size does not grow with the number of tables.
/// </summary>
internal static class SampleJson
{
    /// <summary>Tables listed at most.</summary>
    public const int MostTables = 50;

    private const int MostLanes = 200;

    /// <param name="search">Part of the names of the tables to list.</param>
    /// <param name="selected">The table to tell all about; null for the sum of all.</param>
    public static void Write(Utf8JsonWriter json, Sample sample, string search, string? selected)
    {
        var now = sample.Now;
        var found = sample.Busiest(search);
        json.WriteStartObject();
        json.WriteString("since"u8, now.Since);
        json.WriteString("at"u8, now.At);
        WriteInFlight(json, now.InFlight);
        json.WritePropertyName("total"u8);
        WriteSum(json, sample);
        json.WriteNumber("tableCount"u8, now.Tables.Count);
        json.WriteNumber("found"u8, found.Count);
        json.WriteStartArray("tables"u8);
        foreach (var table in found.Take(MostTables)) WriteTable(json, sample, table);
        json.WriteEndArray();
        if (selected is not null && now.Tables.FirstOrDefault(table => table.Table == selected) is { } chosen)
        {
            json.WritePropertyName("selected"u8);
            WriteDetails(json, sample, chosen);
        }

        if (sample.State is { } state) WriteState(json, state);
        json.WriteEndObject();
    }

    private static void WriteInFlight(Utf8JsonWriter json, InFlight inFlight)
    {
        json.WriteStartObject("inFlight"u8);
        json.WriteNumber("rows"u8, inFlight.Rows);
        json.WriteNumber("maxRows"u8, inFlight.MaxRows);
        json.WriteNumber("bytes"u8, inFlight.Bytes);
        json.WriteNumber("maxBytes"u8, inFlight.MaxBytes);
        json.WriteEndObject();
    }

    private static void WriteSum(Utf8JsonWriter json, Sample sample)
    {
        var tables = sample.Now.Tables;
        json.WriteStartObject();
        WriteCounts(json, sample, tables);
        WriteMaps(json, sample, tables);
        json.WriteEndObject();
    }

    private static void WriteTable(Utf8JsonWriter json, Sample sample, TableSnapshot table)
    {
        json.WriteStartObject();
        WriteSummary(json, sample, table);
        json.WriteEndObject();
    }

    private static void WriteSummary(Utf8JsonWriter json, Sample sample, TableSnapshot table)
    {
        json.WriteString("table"u8, table.Table);
        WriteCounts(json, sample, [table]);
        WriteDistribution(json, "latency", table.Latency);
        WriteDistribution(json, "batchRows", table.BatchRows);
        WriteDistribution(json, "writeTime", table.WriteTime);
    }

    private static void WriteDetails(Utf8JsonWriter json, Sample sample, TableSnapshot table)
    {
        json.WriteStartObject();
        WriteSummary(json, sample, table);
        WriteDistribution(json, "batchBytes", table.BatchBytes);
        WriteMaps(json, sample, [table]);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, Sample sample, IReadOnlyList<TableSnapshot> tables)
    {
        Count("received", table => table.Received);
        Count("committed", table => table.Committed);
        Count("rejected", table => table.Rejected);
        Count("notWritten", table => table.NotWritten);
        Count("unknown", table => table.Unknown);
        Count("repeated", table => table.Repeated);
        Gauge("pending", table => table.Pending);
        Gauge("lanes", table => table.Lanes);
        Gauge("laneRows", table => table.LaneRows);
        Gauge("laneBytes", table => table.LaneBytes);
        json.WriteNumber("oldestCaller"u8, Longest(table => table.OldestCaller));
        json.WriteNumber("oldestInLane"u8, Longest(table => table.OldestInLane));

        void Count(string name, Func<TableSnapshot, long> counter)
        {
            Gauge(name, counter);
            json.WriteNumber(name + "Rate", RateOf(sample, tables, counter));
        }

        void Gauge(string name, Func<TableSnapshot, long> value) => json.WriteNumber(name, tables.Sum(value));

        long Longest(Func<TableSnapshot, TimeSpan> age) =>
            tables.Count == 0 ? 0 : tables.Max(age).Ticks / TimeSpan.TicksPerMicrosecond;
    }

    private static void WriteMaps(Utf8JsonWriter json, Sample sample, IReadOnlyList<TableSnapshot> tables)
    {
        WriteMap(json, sample, tables, "flushes", table => table.Flushes);
        WriteMap(json, sample, tables, "rejections", table => table.RejectedByReason);
        WriteMap(json, sample, tables, "events", table => table.Events);
    }

    /// <summary>What was counted by cause, reason or event: the count and its rate, for each that ever was.</summary>
    private static void WriteMap(
        Utf8JsonWriter json,
        Sample sample,
        IReadOnlyList<TableSnapshot> tables,
        string name,
        Func<TableSnapshot, IReadOnlyDictionary<string, long>> map)
    {
        json.WriteStartObject(name);
        var keys = tables.Count == 0 ? [] : map(tables[0]).Keys;
        foreach (var key in keys)
        {
            var count = tables.Sum(table => map(table)[key]);
            if (count == 0) continue;
            json.WriteStartArray(key);
            json.WriteNumberValue(count);
            json.WriteNumberValue(RateOf(sample, tables, table => map(table)[key]));
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static double RateOf(
        Sample sample, IReadOnlyList<TableSnapshot> tables, Func<TableSnapshot, long> counter) =>
        Math.Round(tables.Sum(table => sample.Rate(table, counter)), 1);

    private static void WriteDistribution(Utf8JsonWriter json, string name, Distribution values)
    {
        // Without a value there is nothing to draw; zero would look like very fast.
        if (values.Count == 0) return;
        json.WriteStartObject(name);
        json.WriteNumber("p50"u8, values.P50);
        json.WriteNumber("p90"u8, values.P90);
        json.WriteNumber("p99"u8, values.P99);
        json.WriteNumber("p999"u8, values.P999);
        json.WriteNumber("max"u8, values.Max);
        json.WriteEndObject();
    }

    private static void WriteState(Utf8JsonWriter json, NodeState state)
    {
        json.WriteStartObject("state"u8);
        json.WriteString("health"u8, state.Health.Status.ToString());
        json.WriteStartArray("checks"u8);
        foreach (var (name, entry) in state.Health.Entries)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, name);
            json.WriteString("status"u8, entry.Status.ToString());
            json.WriteString("reason"u8, Gateway.Http.HealthAnswers.ReasonOf(entry));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteMembers(json, state);
        WriteDatabase(json, state.Database);
        json.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter json, NodeState state)
    {
        json.WriteStartArray("members"u8);
        foreach (var member in state.Members)
        {
            json.WriteStartObject();
            json.WriteString("address"u8, member.Address);
            json.WriteString("status"u8, member.Status);
            json.WriteBoolean("reachable"u8, member.IsReachable);
            json.WriteBoolean("self"u8, member.IsSelf);
            json.WriteString("roles"u8, string.Join(", ", member.Roles));
            if (member.Lanes is { } lanes)
            {
                json.WriteNumber("laneCount"u8, lanes.Count);
                json.WriteStartArray("lanes"u8);
                foreach (var lane in lanes.Take(MostLanes)) json.WriteStringValue(lane);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDatabase(Utf8JsonWriter json, Writing.DatabaseState? database)
    {
        if (database is null) return;
        json.WriteStartObject("database"u8);
        json.WriteString("version"u8, database.Version);
        json.WriteString("since"u8, database.Since);
        json.WriteBoolean("readOnly"u8, database.IsReadOnly);
        json.WriteNumber("connections"u8, database.Connections);
        json.WriteNumber("maxConnections"u8, database.MaxConnections);
        json.WriteNumber("roundTrip"u8, database.RoundTrip.Ticks / TimeSpan.TicksPerMicrosecond);
        json.WriteEndObject();
    }
}
