// What happened, by cause, reason or event: counts as bars, and how many there are a second now.

import { h, keyed, setText } from "./dom.js";
import { integer, short } from "./format.js";

const GROUPS = [
    [
        "flushes",
        "Batches, by what made them due",
        "No batch yet",
        {
            count: "flush-every reached",
            bytes: "flush-bytes reached",
            age: "flush-interval over, or the writer was free",
            drain: "asked to finish",
        },
    ],
    [
        "rejections",
        "Rejected rows, by reason",
        "No row was rejected",
        {
            invalid: "refused by the node's checks",
            value: "PostgreSQL could not take a value",
            not_null: "a value is missing",
            foreign_key: "refers to a row that is not there",
            unique: "the key is taken",
            check: "a check constraint",
            exclusion: "an exclusion constraint",
            permission: "not allowed to the node's role",
            table: "the table has changed or is gone",
            key_reused: "idempotency key of another row",
            raised: "a trigger or function",
            other: "another error of PostgreSQL",
        },
    ],
    [
        "events",
        "On the way",
        "Nothing out of the ordinary",
        {
            resend: "envelopes sent again",
            probe: "silent lanes asked",
            duplicate: "envelopes seen before",
            gap: "envelopes that were missing",
            full: "lanes that were full",
            retry: "attempts made again",
            in_doubt: "commits looked up in the ledger",
            fence: "lanes that another incarnation overtook",
        },
    ],
];

export class Bars {
    #groups;

    constructor(parent) {
        this.#groups = GROUPS.map(([name, title, none, words]) => {
            const list = h("ul", { class: "barlist", "data-bars": name });
            const empty = h("p", { class: "hint" }, none);
            parent.append(h("section", { class: "card" }, h("header", {}, h("h2", {}, title)), list, empty));
            return { name, list, empty, words };
        });
    }

    /** @param shown the counts of a table or of all; undefined for a table without any */
    show(shown) {
        for (const { name, list, empty, words } of this.#groups) {
            const counts = Object.entries(shown?.[name] ?? {}).sort(([, [a]], [, [b]]) => b - a);
            const most = Math.max(1, ...counts.map(([, [count]]) => count));
            empty.hidden = counts.length > 0;
            keyed(
                list,
                counts,
                ([key]) => key,
                (key) => make(key, words[key] ?? ""),
            );
            for (const [key, [count, rate]] of counts) list.keyedChildren.get(key).set(count, rate, count / most);
        }
    }
}

function make(key, words) {
    const count = h("span", { class: "count" });
    const bar = h("span", { class: "bar", "aria-hidden": true });
    const item = h(
        "li",
        { "data-key": key },
        h("span", { class: "label" }, key.replaceAll("_", " "), h("span", { class: "hint" }, words)),
        count,
        bar,
    );
    item.update = () => {};
    item.set = (value, rate, share) => {
        setText(count, rate > 0 ? `${integer(value)} · ${short(rate)}/s` : integer(value));
        bar.style.setProperty("--share", share);
    };
    return item;
}
