import { h } from "./dom.js";

/** Asks before something that cannot be taken back. */
export function confirmed(question, consequence, verb) {
    return new Promise((resolve) => {
        const dialog = h(
            "dialog",
            {
                "aria-labelledby": "confirm-title",
                onclose: () => {
                    resolve(dialog.returnValue === "yes");
                    dialog.remove();
                },
            },
            h(
                "form",
                { method: "dialog" },
                h("h2", { id: "confirm-title" }, question),
                h("p", {}, consequence),
                h(
                    "div",
                    { class: "actions" },
                    h("button", { value: "yes", class: "primary" }, verb),
                    h("button", { value: "no", autofocus: true }, "Cancel"),
                ),
            ),
        );
        document.body.append(dialog);
        dialog.showModal();
    });
}
