// Talks to the node, with the key that the user has given where the node asks for one.

import { byId, setText } from "./dom.js";
import { hasKey, headers, keep } from "./key.js";

/** An answer that is an error; message is for people. */
export class Problem extends Error {
    constructor(status, body) {
        super(body?.detail ?? body?.title ?? `The node answered ${status}.`);
        this.status = status;
        this.errors = body?.errors;
    }
}

/**
 * An answer's text and headers; asks for a key, and tries again, where the node wants one.
 * @throws Problem where the answer is an error
 */
export async function fetchText(path, options = {}) {
    while (true) {
        const response = await fetch(path, { ...options, headers: headers(options.headers) });
        if (response.status === 401) {
            await askForKey();
            continue;
        }
        const text = await response.text();
        if (!response.ok) throw new Problem(response.status, text.startsWith("{") ? JSON.parse(text) : null);
        return { text, headers: response.headers };
    }
}

/** An answer's body, parsed. */
export const call = async (path, options) => {
    const { text } = await fetchText(path, options);
    return text === "" ? null : JSON.parse(text);
};

let asking = null;

/** Shows the dialog for a key; all who need one wait for the same answer. */
export function askForKey() {
    return (asking ??= new Promise((resolve) => {
        const dialog = byId("key-dialog");
        if (hasKey()) setText(byId("key-problem"), "The node does not know this key. Give another one.");
        byId("key-form").onsubmit = () => {
            keep(byId("key").value);
            byId("key").value = "";
            asking = null;
            resolve();
        };
        // Without a key there is nothing to see.
        dialog.oncancel = (event) => event.preventDefault();
        dialog.showModal();
    }));
}
