// Dead letters: rows that were refused and kept. Lists them, and what can be done with many at once.

import { call, fetchText } from "./api.js";
import { confirmed } from "./confirm.js";
import { byId, announce, h } from "./dom.js";
import { integer, moment } from "./format.js";
import { openLetter } from "./letter.js";

const PAGE = 50;
const PATH = "/v1/dead-letters";

export class Letters {
    #table = h("input", {
        class: "field",
        name: "table",
        autocomplete: "off",
        spellcheck: "false",
        "aria-label": "Table",
        placeholder: "Table",
    });
    #sqlstate = h("input", {
        class: "field",
        name: "sqlstate",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: "5",
        "aria-label": "SQLSTATE",
        placeholder: "SQLSTATE, as 23505",
    });
    #rows = h("tbody");
    #more = h("button", { type: "button", onclick: () => this.#load(this.#next) }, "Show older ones");
    #result = h("p", { class: "result", role: "status" });
    #next = null;
    #isBuilt = false;

    open() {
        if (!this.#isBuilt) this.#build();
        return this.#load(null);
    }

    #build() {
        this.#isBuilt = true;
        const find = h(
            "form",
            {
                class: "filter",
                onsubmit: (event) => {
                    event.preventDefault();
                    this.#load(null);
                },
            },
            this.#table,
            this.#sqlstate,
            h("button", {}, "Find"),
            h("span", { class: "gap" }),
            h("button", { type: "button", onclick: () => this.#replayAll() }, "Replay all found"),
            h("button", { type: "button", class: "danger", onclick: () => this.#discardAll() }, "Discard all found"),
        );
        byId("letters").replaceChildren(
            h(
                "section",
                { class: "card" },
                find,
                this.#result,
                h(
                    "div",
                    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Dead letters, the newest first" },
                    h(
                        "table",
                        { class: "list wide letters" },
                        h(
                            "thead",
                            {},
                            h(
                                "tr",
                                {},
                                ...["Letter", "Table", "Refused", "Why", "Tried"].map((text) =>
                                    h("th", { scope: "col" }, text),
                                ),
                            ),
                        ),
                        this.#rows,
                    ),
                ),
                h("div", { class: "actions" }, this.#more),
            ),
        );
    }

    /** The filter as a query; without one, "all" must be said for what changes letters. */
    #query(more = {}) {
        const query = new URLSearchParams(more);
        if (this.#table.value.trim()) query.set("table", this.#table.value.trim());
        if (this.#sqlstate.value.trim()) query.set("sqlstate", this.#sqlstate.value.trim());
        return query;
    }

    #bulk(more = {}) {
        const query = this.#query(more);
        if (!query.has("table") && !query.has("sqlstate")) query.set("all", "true");
        return query;
    }

    async #load(after) {
        try {
            const page = await call(`${PATH}?${this.#query({ limit: PAGE, ...(after ? { after } : {}) })}`);
            const rows = page.deadLetters.map((letter) => this.#row(letter));
            if (after) this.#rows.append(...rows);
            else this.#rows.replaceChildren(...rows);
            this.#next = page.next;
            this.#more.hidden = !page.next;
            if (!this.#rows.firstChild)
                this.#rows.append(h("tr", {}, h("td", { colspan: 5, class: "hint" }, "There are none.")));
        } catch (error) {
            this.#say(error.message);
        }
    }

    #row(letter) {
        const { error } = letter;
        const facts = [error.sqlstate, error.constraint, error.column].filter(Boolean).join(" · ");
        return h(
            "tr",
            { "data-letter": letter.id },
            h(
                "th",
                { scope: "row" },
                h(
                    "button",
                    { type: "button", class: "plain", onclick: () => openLetter(letter.id, () => this.#load(null)) },
                    `#${letter.id}`,
                ),
            ),
            h("td", {}, letter.table),
            h("td", {}, moment(letter.occurredAt)),
            h("td", {}, error.detail ?? error.title, facts ? h("span", { class: "hint block" }, facts) : null),
            h("td", { class: "number" }, integer(letter.attempts)),
        );
    }

    async #replayAll() {
        if (
            !(await confirmed(
                "Replay every letter that was found?",
                "Each row is tried once more, the oldest first.",
                "Replay",
            ))
        )
            return;
        await this.#run(async () => {
            const { text } = await fetchText(`${PATH}/replay?${this.#bulk({ verdicts: "none" })}`, { method: "POST" });
            const summary = JSON.parse(text.trim().split("\n").at(-1));
            const parts = ["replayed", "rejected", "skipped", "notWritten", "unknown"]
                .filter((name) => summary[name])
                .map((name) => `${integer(summary[name])} ${name === "notWritten" ? "not written" : name}`);
            return `${parts.join(", ") || "There was none"}.${summary.error ? ` ${summary.error.detail}` : ""}`;
        });
    }

    async #discardAll() {
        if (
            !(await confirmed(
                "Discard every letter that was found?",
                "Their rows are gone then. This cannot be undone.",
                "Discard",
            ))
        )
            return;
        await this.#run(async () => {
            const { discarded } = await call(`${PATH}?${this.#bulk()}`, { method: "DELETE" });
            return `${integer(discarded)} discarded.`;
        });
    }

    async #run(work) {
        this.#say("Working …");
        try {
            this.#say(await work());
        } catch (error) {
            this.#say(error.message);
        }
        await this.#load(null);
    }

    #say(text) {
        this.#result.textContent = text;
        announce(text);
    }
}
