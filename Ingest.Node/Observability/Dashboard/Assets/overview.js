// Figures of the node, its tables, and charts of the one that is chosen.

import { Bars } from "./bars.js";
import { Charts } from "./charts.js";
import { byId, h, keyed, setAttribute, setText } from "./dom.js";
import { bytes, integer, moment, percent, short, span, time } from "./format.js";
import { History } from "./history.js";

const SEARCH_PAUSE = 250;
const SORT_EVERY = 5;

const BOOKS = [
    ["received", "Received", ""],
    ["committed", "Committed", "="],
    ["rejected", "Rejected", "+"],
    ["notWritten", "Not written", "+"],
    ["unknown", "Unknown", "+"],
    ["pending", "Pending", "+"],
];

export class Overview {
    #watch;
    #history = new History();
    #charts = new Charts(byId("charts"));
    #bars = new Bars(byId("bars"));
    #selected = "";
    #search = "";
    #order = [];
    #samples = 0;
    #tiles = {};
    #books = {};
    #last = null;

    /** @param watch called when something else is to be watched */
    constructor(watch) {
        this.#watch = watch;
        this.#makeTiles();
        this.#makeBooks();
        let pause;
        byId("search").addEventListener("input", (event) => {
            clearTimeout(pause);
            pause = setTimeout(() => {
                this.#search = event.target.value.trim();
                this.#order = [];
                this.#watch();
            }, SEARCH_PAUSE);
        });
    }

    /** What to ask the node for. */
    get query() {
        return new URLSearchParams({ table: this.#selected, search: this.#search }).toString();
    }

    /** @param table the table to show; "" for all */
    open(table) {
        if (table === this.#selected) return;
        this.#selected = table;
        this.#watch();
        if (this.#last) this.#showDetails(this.#last);
        if (this.#last) this.#showTables(this.#last);
    }

    show(sample) {
        this.#last = sample;
        this.#history.add(sample);
        this.#showTiles(sample);
        this.#showTables(sample);
        this.#showDetails(sample);
    }

    #makeTiles() {
        const tile = (name, label, hasMeter) => {
            const value = h("span", { class: "value", "data-tile": name }, "–");
            const note = h("span", { class: "hint" }, " ");
            const meter = hasMeter
                ? h("meter", { min: 0, max: 1, high: 0.75, optimum: 0, value: 0, "aria-label": label })
                : null;
            this.#tiles[name] = { value, note, meter };
            byId("tiles").append(h("div", { class: "card tile" }, h("dt", {}, label), h("dd", {}, value, meter, note)));
        };
        tile("committed", "Committed per second");
        tile("rejected", "Rejected per second");
        tile("waiting", "Oldest row waits");
        tile("rows", "Rows in flight", true);
        tile("bytes", "Bytes in flight", true);
        tile("flushes", "Batches per second");
    }

    #makeBooks() {
        for (const [name, label, sign] of BOOKS) {
            const value = h("dd", { "data-book": name }, "–");
            this.#books[name] = value;
            byId("books").append(
                h(
                    "div",
                    {},
                    sign ? h("span", { class: "sign", "aria-hidden": true }, sign) : null,
                    h("div", {}, h("dt", {}, label), value),
                ),
            );
        }
    }

    #showTiles({ total, inFlight }) {
        const set = (name, value, note) => {
            setText(this.#tiles[name].value, value);
            setText(this.#tiles[name].note, note);
        };
        set("committed", short(total.committedRate), `${short(total.receivedRate)} received`);
        set("rejected", short(total.rejectedRate), `${integer(total.rejected)} in all`);
        setAttribute(this.#tiles.rejected.value, "data-bad", String(total.rejectedRate > 0));
        set(
            "waiting",
            time(Math.max(total.oldestCaller, total.oldestInLane) || null),
            `${integer(total.pending)} rows pending`,
        );
        const share = (name, now, most, format) => {
            set(name, format(now), `${percent((100 * now) / most)} of ${format(most)}`);
            this.#tiles[name].meter.value = Math.min(1, now / most);
        };
        share("rows", inFlight.rows, inFlight.maxRows, integer);
        share("bytes", inFlight.bytes, inFlight.maxBytes, bytes);
        const flushes = Object.values(total.flushes).reduce((sum, [, rate]) => sum + rate, 0);
        set(
            "flushes",
            short(flushes),
            flushes > 0 ? `${short(total.committedRate / flushes)} rows each` : `${integer(total.lanes)} lanes here`,
        );
    }

    #showTables(sample) {
        const { tables, total, tableCount, found } = sample;
        setText(
            byId("tables-hint"),
            found > tables.length
                ? `the busiest ${tables.length} of ${integer(found)}`
                : `${integer(tableCount)} with rows since the start`,
        );
        keyed(
            byId("table-rows"),
            [{ ...total, table: "" }, ...this.#sorted(tables)],
            (one) => one.table,
            (name) => this.#makeRow(name),
        );
    }

    /** The busiest first; but rows do not move under who is about to choose one, and not at each sample. */
    #sorted(tables) {
        const list = byId("tables");
        const isBusy = list.matches(":hover") || list.contains(document.activeElement);
        if (this.#order.length === 0 || (!isBusy && this.#samples++ % SORT_EVERY === 0))
            this.#order = tables.map((one) => one.table);
        const place = new Map(this.#order.map((name, index) => [name, index]));
        return tables.toSorted((a, b) => (place.get(a.table) ?? Infinity) - (place.get(b.table) ?? Infinity));
    }

    #makeRow(name) {
        const link = h("a", { href: `#overview${name && `/${encodeURIComponent(name)}`}` }, name || "All tables");
        const cells = ["rate", "p99", "rejected", "pending"].map((figure) =>
            h("td", { class: "number", "data-figure": figure }),
        );
        const row = h("tr", { "data-table": name }, h("th", { scope: "row" }, link), ...cells);
        row.update = (one) => {
            if (this.#selected === name) link.setAttribute("aria-current", "true");
            else link.removeAttribute("aria-current");
            setText(cells[0], short(one.receivedRate));
            setText(cells[1], name ? time(one.latency?.p99) : "");
            setText(cells[2], integer(one.rejected));
            setText(cells[3], integer(one.pending));
            setAttribute(cells[2], "data-bad", String(one.rejectedRate > 0));
        };
        return row;
    }

    #showDetails(sample) {
        const selected = this.#selected;
        const isAll = selected === "";
        const shown = isAll
            ? sample.total
            : sample.selected?.table === selected
              ? sample.selected
              : sample.tables.find((one) => one.table === selected);
        setText(byId("books-of"), isAll ? "all tables" : selected);
        const since = `since ${moment(sample.since)} (${span(Date.parse(sample.at) - Date.parse(sample.since))})`;
        const repeated = shown?.repeated ? `; ${integer(shown.repeated)} repeats beside` : "";
        setText(byId("books-since"), since + repeated);
        for (const [name] of BOOKS) setText(this.#books[name], shown ? integer(shown[name]) : "0");
        this.#charts.show(this.#history.of(selected), isAll);
        if (!shown || shown.flushes) this.#bars.show(shown);
    }
}
