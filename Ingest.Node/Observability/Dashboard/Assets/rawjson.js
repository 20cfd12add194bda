// The members of a JSON object with their values' own text: JSON.parse would round large numbers.

/** @returns a Map of name => the value's text, of a text that is known to be a valid JSON object */
export function membersOf(text) {
    const members = new Map();
    let at = skipBlank(text, text.indexOf("{") + 1);
    while (text[at] !== "}") {
        const nameEnd = endOf(text, at);
        const name = JSON.parse(text.slice(at, nameEnd));
        const start = skipBlank(text, skipBlank(text, nameEnd) + 1);
        const end = endOf(text, start);
        members.set(name, text.slice(start, end));
        at = skipBlank(text, end);
        if (text[at] === ",") at = skipBlank(text, at + 1);
    }
    return members;
}

function skipBlank(text, at) {
    while (" \t\r\n".includes(text[at])) at++;
    return at;
}

/** Where the value that begins here ends. */
function endOf(text, at) {
    let depth = 0;
    do {
        const c = text[at];
        if (c === '"') {
            at++;
            while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
            at++;
        } else if (c === "{" || c === "[") {
            depth++;
            at++;
        } else if (c === "}" || c === "]") {
            depth--;
            at++;
        } else {
            at++;
            if (depth === 0) while (at < text.length && !",]} \t\r\n".includes(text[at])) at++;
        }
    } while (depth > 0);
    return at;
}
