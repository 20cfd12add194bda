// What was seen of each table in the last minutes, so that a chart is not empty when a table is chosen.

const POINTS = 300;
const TABLES = 60;

/** The figures that are drawn; null where there is none. */
const FIGURES = {
    received: (one) => one.receivedRate,
    committed: (one) => one.committedRate,
    rejected: (one) => one.rejectedRate,
    p50: (one) => one.latency?.p50 ?? null,
    p90: (one) => one.latency?.p90 ?? null,
    p99: (one) => one.latency?.p99 ?? null,
    p999: (one) => one.latency?.p999 ?? null,
    write: (one) => one.writeTime?.p50 ?? null,
    batch50: (one) => one.batchRows?.p50 ?? null,
    batch99: (one) => one.batchRows?.p99 ?? null,
    batchMax: (one) => one.batchRows?.max ?? null,
    rows: (one) => one.rowsShare ?? null,
    bytes: (one) => one.bytesShare ?? null,
};

class Ring {
    constructor() {
        this.times = [];
        this.values = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, []]));
    }

    add(time, one) {
        this.times.push(time);
        for (const [name, read] of Object.entries(FIGURES)) this.values[name].push(read(one));
        if (this.times.length <= POINTS) return;
        this.times.shift();
        for (const values of Object.values(this.values)) values.shift();
    }

    get last() {
        return this.times.at(-1) ?? 0;
    }
}

export class History {
    #rings = new Map();

    /** The ring of a table; "" for all together. */
    of(table) {
        if (!this.#rings.has(table)) this.#rings.set(table, new Ring());
        return this.#rings.get(table);
    }

    add(sample) {
        const time = Date.parse(sample.at) / 1000;
        const { inFlight } = sample;
        const shares = {
            rowsShare: (100 * inFlight.rows) / inFlight.maxRows,
            bytesShare: (100 * inFlight.bytes) / inFlight.maxBytes,
        };
        this.of("").add(time, { ...sample.total, ...slowest(sample.tables), ...shares });
        const tables = new Map(sample.tables.map((table) => [table.table, table]));
        if (sample.selected) tables.set(sample.selected.table, sample.selected);
        for (const [name, table] of tables) this.of(name).add(time, { ...table, ...shares });
        this.#forget();
    }

    #forget() {
        const all = [...this.#rings].filter(([name]) => name !== "").sort(([, a], [, b]) => b.last - a.last);
        for (const [name] of all.slice(TABLES)) this.#rings.delete(name);
    }
}

/** Percentiles of several tables cannot be added up: all tables together show the largest of them. */
function slowest(tables) {
    return {
        latency: largest(tables, "latency"),
        writeTime: largest(tables, "writeTime"),
        batchRows: largest(tables, "batchRows"),
    };
}

function largest(tables, name) {
    const all = tables.map((table) => table[name]).filter(Boolean);
    if (all.length === 0) return undefined;
    return Object.fromEntries(Object.keys(all[0]).map((key) => [key, Math.max(...all.map((one) => one[key]))]));
}
