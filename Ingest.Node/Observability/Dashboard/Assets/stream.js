// Server-sent events over fetch, which can send a key where EventSource cannot.

import { askForKey } from "./api.js";
import { headers } from "./key.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const SILENCE = 5_000;

export class Stream {
    #onSample;
    #onState;
    #query = "";
    #abort = null;
    #pause = FIRST_PAUSE;

    /** @param onState connecting, live, or lost, with a reason for people */
    constructor(onSample, onState) {
        this.#onSample = onSample;
        this.#onState = onState;
    }

    /** Watches, from now on with this query. */
    async watch(query) {
        this.#query = query;
        this.#abort?.abort();
        const abort = (this.#abort = new AbortController());
        while (abort === this.#abort) {
            try {
                await this.#read(abort);
                this.#onState("lost", "The node ended the stream");
            } catch (error) {
                if (abort !== this.#abort) return;
                this.#onState("lost", error.name === "AbortError" ? "The node is silent" : error.message);
            }
            if (abort.signal.aborted) return this.watch(this.#query);
            await new Promise((resolve) => setTimeout(resolve, this.#pause));
            this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
        }
    }

    async #read(abort) {
        const response = await fetch(`/v1/events?${this.#query}`, { headers: headers(), signal: abort.signal });
        if (response.status === 401) {
            this.#onState("lost", "The node asks who you are");
            await askForKey();
            return;
        }
        if (!response.ok) throw new Error(await reasonOf(response));
        let watchdog = this.#silence(abort);
        let text = "";
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        try {
            while (true) {
                const { done, value } = await reader.read();
                if (done) return;
                clearTimeout(watchdog);
                watchdog = this.#silence(abort);
                const events = (text + value).split("\n\n");
                text = events.pop();
                for (const event of events) this.#take(event, abort);
            }
        } finally {
            clearTimeout(watchdog);
        }
    }

    #take(event, abort) {
        if (abort !== this.#abort || !event.startsWith("data: ")) return;
        this.#pause = FIRST_PAUSE;
        this.#onState("live");
        this.#onSample(JSON.parse(event.slice(6)));
    }

    #silence(abort) {
        return setTimeout(() => abort.abort(), SILENCE);
    }
}

async function reasonOf(response) {
    const problem = await response.json().catch(() => null);
    return problem?.detail ?? `The node answered ${response.status}`;
}
