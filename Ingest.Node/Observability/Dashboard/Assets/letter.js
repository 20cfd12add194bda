// One dead letter: shows it, mends its row, replays or discards it.

import { call, fetchText } from "./api.js";
import { confirmed } from "./confirm.js";
import { announce, h } from "./dom.js";
import { moment } from "./format.js";
import { membersOf } from "./rawjson.js";

/** @param changed called when the letter is not what it was */
export async function openLetter(id, changed) {
    const path = `/v1/dead-letters/${id}`;
    const dialog = h("dialog", {
        class: "letter",
        "aria-labelledby": "letter-title",
        onclose: () => {
            dialog.remove();
            changed();
        },
    });
    document.body.append(dialog);
    try {
        await new Letter(path, dialog).load();
        dialog.showModal();
    } catch (error) {
        announce(error.message);
        dialog.remove();
        changed();
    }
}

class Letter {
    #path;
    #dialog;
    #tag = null;
    #fields = new Map();
    #result = h("p", { class: "result", role: "alert" });

    constructor(path, dialog) {
        this.#path = path;
        this.#dialog = dialog;
    }

    async load() {
        const { text, headers } = await fetchText(this.#path);
        this.#tag = headers.get("ETag");
        const letter = JSON.parse(text);
        const payload = letter.payload === null ? null : membersOf(membersOf(text).get("payload"));
        const columns = payload && (await columnsOf(letter.table, payload));
        this.#fields = new Map(columns?.map((name) => [name, field(name, payload.get(name))]));
        this.#dialog.replaceChildren(this.#form(letter));
    }

    #form(letter) {
        const { error } = letter;
        const fields =
            this.#fields.size === 0
                ? h("p", { class: "hint" }, "The row itself could not be kept: its table has changed too much.")
                : h(
                      "fieldset",
                      {},
                      h("legend", {}, "The row, as JSON values; an empty one is left out"),
                      ...[...this.#fields.values()].map(({ element }) => element),
                  );
        return h(
            "form",
            { method: "dialog", onsubmit: (event) => this.#submit(event) },
            h("h2", { id: "letter-title" }, `Letter #${letter.id}, for ${letter.table}`),
            h("p", { class: "why" }, error.detail ?? error.title),
            h(
                "p",
                { class: "hint" },
                [
                    error.sqlstate,
                    error.constraint,
                    error.column && `column ${error.column}`,
                    `refused ${moment(letter.occurredAt)}`,
                    letter.attempts > 1 && `tried ${letter.attempts} times`,
                ]
                    .filter(Boolean)
                    .join(" · "),
            ),
            fields,
            this.#result,
            h(
                "div",
                { class: "actions" },
                h("button", { class: "primary", value: "replay" }, "Save and replay"),
                h("button", { value: "save" }, "Save"),
                h("button", { class: "danger", value: "discard" }, "Discard"),
                h("span", { class: "gap" }),
                h("button", { value: "close", formnovalidate: true }, "Close"),
            ),
        );
    }

    async #submit(event) {
        const verb = event.submitter?.value ?? "save";
        if (verb === "close") return;
        event.preventDefault();
        this.#clear();
        if (verb === "discard" && !(await confirmed("Discard this letter?", "Its row is gone then.", "Discard")))
            return;
        try {
            if (verb === "discard") await this.#send("DELETE", this.#path);
            else if (!(await this.#save())) return;
            if (verb === "replay") await this.#send("POST", `${this.#path}/replay`);
            if (verb === "save") {
                await this.load();
                this.#say("Saved.");
            } else {
                announce(verb === "replay" ? "The row is in its table." : "The letter is discarded.");
                this.#dialog.close();
            }
        } catch (error) {
            this.#show(error);
        }
    }

    /** Sends what differs, in the text that it was given in. */
    async #save() {
        const changes = [];
        for (const [name, { input, before }] of this.#fields) {
            const now = input.value.trim();
            if (now === before) continue;
            if (now !== "" && !isJson(now)) {
                this.#mark(name, "is not JSON; text needs quotes");
                return false;
            }
            changes.push(`${JSON.stringify(name)}:${now === "" ? "null" : now}`);
        }
        if (changes.length === 0) return true;
        const { text } = await fetchText(this.#path, {
            method: "PATCH",
            headers: {
                "Content-Type": "application/merge-patch+json",
                ...(this.#tag ? { "If-Match": this.#tag } : {}),
            },
            body: `{"payload":{${changes.join(",")}}}`,
        });
        // What was saved stays so, even if the replay is refused.
        const payload = membersOf(membersOf(text).get("payload"));
        for (const [name, one] of this.#fields) one.before = payload.get(name) ?? "";
        this.#tag = null;
        return true;
    }

    #send(method, path) {
        return call(path, { method });
    }

    #show(error) {
        for (const [name, messages] of Object.entries(error.errors ?? {})) this.#mark(name, messages.join("; "));
        this.#say(error.message);
    }

    #mark(name, message) {
        const one = this.#fields.get(name);
        if (!one) return this.#say(`${name} ${message}`);
        one.problem.textContent = message;
        one.input.setAttribute("aria-invalid", "true");
        one.input.focus();
    }

    #clear() {
        this.#say("");
        for (const { input, problem } of this.#fields.values()) {
            problem.textContent = "";
            input.removeAttribute("aria-invalid");
        }
    }

    #say(text) {
        this.#result.textContent = text;
    }
}

/** The columns of the row, and those that its table has beside. */
async function columnsOf(table, payload) {
    try {
        const { columns } = await call(`/v1/tables/${encodeURIComponent(table)}`);
        const known = columns.filter((column) => !column.refusesInput).map((column) => column.name);
        return [...new Set([...known, ...payload.keys()])];
    } catch {
        return [...payload.keys()];
    }
}

function field(name, text = "") {
    const input = h("input", {
        class: "field",
        autocomplete: "off",
        spellcheck: "false",
        placeholder: "left out",
        value: text,
    });
    const problem = h("span", { class: "problem" });
    return { input, problem, before: text, element: h("label", {}, h("span", {}, name), input, problem) };
}

function isJson(text) {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}
