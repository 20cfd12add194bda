// The settings in force on this node.

import { call } from "./api.js";
import { byId, h } from "./dom.js";

export class Settings {
    #rows = null;

    async open() {
        if (this.#rows) return;
        const place = byId("settings");
        try {
            const { settings } = await call("/v1/settings");
            this.#rows = Object.entries(settings).map(([name, value]) =>
                h(
                    "tr",
                    {},
                    h("th", { scope: "row" }, name),
                    h("td", {}, value === "" ? h("span", { class: "hint" }, "empty") : value),
                ),
            );
            place.replaceChildren(this.#card());
        } catch (error) {
            place.replaceChildren(h("p", { class: "card", role: "alert" }, error.message));
        }
    }

    #card() {
        const filter = h("input", {
            type: "search",
            placeholder: "Search settings",
            autocomplete: "off",
            spellcheck: "false",
            oninput: (event) => this.#filter(event.target.value.trim().toLowerCase()),
        });
        return h(
            "section",
            { class: "card" },
            h("label", { class: "search" }, h("span", { class: "unseen" }, "Search settings"), filter),
            h(
                "div",
                { class: "scroll", tabindex: "0", role: "region", "aria-label": "Settings" },
                h(
                    "table",
                    { class: "list wide settings" },
                    h(
                        "thead",
                        {},
                        h("tr", {}, h("th", { scope: "col" }, "Setting"), h("th", { scope: "col" }, "Value")),
                    ),
                    h("tbody", {}, ...this.#rows),
                ),
            ),
        );
    }

    #filter(text) {
        for (const row of this.#rows) row.hidden = !row.textContent.toLowerCase().includes(text);
    }
}
