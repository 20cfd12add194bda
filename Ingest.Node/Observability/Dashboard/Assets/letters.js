import { byId, h } from "./dom.js";

export class Letters {
  open() {
    byId("letters").replaceChildren(h("p", { class: "card" }, "This node keeps no dead letters."));
  }
}
