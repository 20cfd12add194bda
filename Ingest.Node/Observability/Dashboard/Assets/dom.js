// Makes and changes elements. Text is always set as text: a table may be called anything.

export const byId = (id) => document.getElementById(id);

/** An element with attributes, listeners (on...: functions) and children (elements or text). */
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
}

/** Sets an element's text where it differs, so that nothing is laid out anew for nothing. */
export function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Keeps a child for each key, in the order of the items; makes, updates and removes what is needed.
 * @param make key => element, with a method update(item)
 */
export function keyed(parent, items, keyOf, make) {
    const known = (parent.keyedChildren ??= new Map());
    const wanted = new Set(items.map(keyOf));
    for (const [key, element] of known) {
        if (wanted.has(key)) continue;
        element.remove();
        known.delete(key);
    }
    let place = parent.firstElementChild;
    for (const item of items) {
        const key = keyOf(item);
        let element = known.get(key);
        if (!element) known.set(key, (element = make(key, item)));
        element.update(item);
        if (element === place) place = place.nextElementSibling;
        else parent.insertBefore(element, place);
    }
}

/** Tells those who listen to the page, without moving the focus. */
export function announce(text) {
    setText(byId("announcer"), text);
}
