// The page: its views, and the samples that they show.

import { byId, announce, setAttribute, setText } from "./dom.js";
import { Cluster } from "./cluster.js";
import { Letters } from "./letters.js";
import { Overview } from "./overview.js";
import { Settings } from "./settings.js";
import { Stream } from "./stream.js";

const views = {
    overview: new Overview(watch),
    "dead-letters": new Letters(),
    cluster: new Cluster(),
    settings: new Settings(),
};

const WORDS = { Degraded: "The node is ready, but something is wrong", Unhealthy: "The node is not ready" };

const stream = new Stream(take, setState);
let state = "connecting";
let health = "";

/** Watches with what the overview wants to see. */
function watch() {
    stream.watch(views.overview.query);
}

function take(sample) {
    views.overview.show(sample);
    views.cluster.show(sample);
    const now = sample.state;
    if (!now || now.health === health) return;
    health = now.health;
    const reasons = now.checks.filter((check) => check.status !== "Healthy").map((check) => check.reason);
    if (health !== "Healthy") announce(`${WORDS[health]}. ${reasons.join(" ")}`);
    setState(state);
}

function setState(now, reason = "") {
    const wasLost = state === "lost";
    state = now;
    const isIll = now === "live" && health in WORDS;
    setAttribute(byId("status"), "data-state", isIll ? health.toLowerCase() : now);
    setText(
        byId("status-text"),
        isIll ? WORDS[health] : now === "live" ? "Live" : now === "lost" ? "Reconnecting" : "Connecting",
    );
    setAttribute(byId("status"), "title", reason);
    if (now === "lost" && !wasLost) announce(`The connection to the node is lost. ${reason}`);
    if (now === "live" && wasLost) announce("The connection to the node is back.");
}

/** Shows the view that the address names. */
function route(event) {
    const [name, ...rest] = location.hash.slice(1).split("/");
    const shown = name in views ? name : "overview";
    for (const id of Object.keys(views)) {
        byId(`view-${id}`).hidden = id !== shown;
        const link = document.querySelector(`nav a[href="#${id}"]`);
        if (id === shown) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    views[shown].open?.(rest.map(decodeURIComponent).join("/"));
    // Who came by keyboard goes on in the view, not behind it.
    if (event) byId("main").focus({ preventScroll: true });
}

addEventListener("hashchange", route);
route();
watch();
