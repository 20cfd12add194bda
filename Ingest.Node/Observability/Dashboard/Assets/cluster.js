// The nodes, their lanes, this node's health, and the database.

import { byId, h } from "./dom.js";
import { integer, span, time } from "./format.js";

const LANES_SHOWN = 12;

export class Cluster {
    #shown = "";

    show({ state, at }) {
        // Read every few seconds, and seldom another than before: made anew only where it is.
        const text = JSON.stringify(state);
        if (!state || text === this.#shown || byId("cluster").contains(document.activeElement)) return;
        this.#shown = text;
        byId("cluster").replaceChildren(
            h(
                "section",
                { class: "card" },
                h("header", {}, h("h2", {}, "Nodes"), h("span", { class: "hint" }, "as this node sees its cluster")),
                h("div", { class: "scroll" }, members(state.members)),
            ),
            h("div", { class: "pair" }, health(state), database(state.database, Date.parse(at))),
        );
    }
}

function members(list) {
    const rows = list.map((one) =>
        h(
            "tr",
            {},
            h("th", { scope: "row" }, one.address, one.self ? h("span", { class: "tag" }, "this node") : null),
            h(
                "td",
                {},
                h(
                    "span",
                    { class: "state", "data-good": String(one.reachable && one.status === "Up") },
                    one.reachable ? one.status : `${one.status}, unreachable`,
                ),
            ),
            h("td", {}, one.roles),
            h("td", {}, lanes(one)),
        ),
    );
    return h(
        "table",
        { class: "list wide" },
        h(
            "thead",
            {},
            h("tr", {}, ...["Address", "Status", "Roles", "Lanes"].map((text) => h("th", { scope: "col" }, text))),
        ),
        h("tbody", {}, ...rows),
    );
}

function lanes({ lanes: names, laneCount }) {
    if (!names) return h("span", { class: "hint" }, "unknown");
    if (laneCount === 0) return h("span", { class: "hint" }, "none");
    const chips = (some) => some.map((name) => h("span", { class: "chip" }, name));
    if (names.length <= LANES_SHOWN) return h("div", { class: "chips" }, ...chips(names));
    const more =
        laneCount > names.length ? h("span", { class: "hint" }, `and ${integer(laneCount - names.length)} more`) : null;
    return h(
        "details",
        {},
        h("summary", {}, `${integer(laneCount)} lanes`),
        h("div", { class: "chips" }, ...chips(names), more),
    );
}

function health(state) {
    return h(
        "section",
        { class: "card" },
        h("header", {}, h("h2", {}, "Health of this node")),
        h(
            "ul",
            { class: "checks" },
            ...state.checks.map((check) =>
                h(
                    "li",
                    {},
                    h("span", { class: "state", "data-good": String(check.status === "Healthy") }, check.name),
                    h("span", {}, check.reason ?? ""),
                ),
            ),
        ),
    );
}

function database(state, now) {
    const facts = state
        ? [
              ["Version", `PostgreSQL ${state.version}`],
              ["Running for", span(now - Date.parse(state.since))],
              ["Takes writes", state.readOnly ? "no: it is read-only" : "yes"],
              [
                  "Connections",
                  `${integer(state.connections)} to this database, of ${integer(state.maxConnections)} in all`,
              ],
              ["Round trip", time(state.roundTrip)],
          ]
        : [["State", "It did not answer within two seconds."]];
    return h(
        "section",
        { class: "card" },
        h("header", {}, h("h2", {}, "Database")),
        h(
            "dl",
            { class: "facts" },
            ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
        ),
    );
}
