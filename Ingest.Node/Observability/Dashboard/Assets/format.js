// Numbers as people read them.

const whole = new Intl.NumberFormat("en");
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const integer = (value) => whole.format(value);

/** A rate or another number that is looked at, not added up. */
export function short(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size >= 1e9) return `${tenth.format(value / 1e9)} G`;
    if (size >= 1e6) return `${tenth.format(value / 1e6)} M`;
    if (size >= 1e4) return `${tenth.format(value / 1e3)} k`;
    return size >= 100 ? whole.format(Math.round(value)) : tenth.format(value);
}

/** A time given in microseconds. */
export function time(micros) {
    if (micros === null || micros === undefined) return "–";
    if (micros < 1000) return `${Math.round(micros)} µs`;
    if (micros < 1e6) return `${tenth.format(micros / 1e3)} ms`;
    return `${tenth.format(micros / 1e6)} s`;
}

export function bytes(value) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${tenth.format(value)} ${units[unit]}`;
}

export const percent = (value) =>
    value === null || value === undefined ? "–" : `${(value < 1 ? digits : tenth).format(value)} %`;

/** A span given in milliseconds, in its two largest units. */
export function span(millis) {
    const seconds = Math.max(0, Math.floor(millis / 1000));
    const parts = [
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
    ];
    const first = parts.findIndex(([size]) => seconds >= size);
    if (first < 0) return "0 s";
    return parts
        .slice(first, first + 2)
        .map(([size, unit], index) => [Math.floor((index ? seconds % parts[first][0] : seconds) / size), unit])
        .filter(([count], index) => index === 0 || count > 0)
        .map(([count, unit]) => `${count} ${unit}`)
        .join(" ");
}

export const timeOfDay = (date) => clock.format(date);
export const moment = (text) => day.format(new Date(text));
