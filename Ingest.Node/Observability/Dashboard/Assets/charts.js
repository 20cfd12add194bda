// Moving charts over the last minutes, drawn by uPlot. Their figures are beside them as text, too.

import { h, setAttribute, setText } from "./dom.js";
import { percent, short, time, timeOfDay } from "./format.js";

const SECONDS = 300;
const HEIGHT = 168;

/** Each chart: what it shows, in what unit, and its lines by the name of a figure and of a colour. */
const CHARTS = [
    {
        title: "Rows per second",
        format: short,
        lines: [
            ["received", "Received", "plain"],
            ["committed", "Committed", "good"],
            ["rejected", "Rejected", "bad"],
        ],
    },
    {
        title: "Latency",
        format: time,
        note: "Latency of the slowest table",
        lines: [
            ["p50", "p50", "first"],
            ["p90", "p90", "second"],
            ["p99", "p99", "third"],
            ["p999", "p99.9", "bad"],
            ["write", "Write p50", "plain"],
        ],
    },
    {
        title: "Rows of a batch",
        format: short,
        note: "Rows of a batch, largest of all tables",
        lines: [
            ["batch50", "p50", "first"],
            ["batch99", "p99", "second"],
            ["batchMax", "Largest", "third"],
        ],
    },
    {
        title: "In flight on this node, of its limits",
        format: percent,
        lines: [
            ["rows", "Rows", "first"],
            ["bytes", "Bytes", "second"],
        ],
    },
];

export class Charts {
    #charts;

    constructor(parent) {
        this.#charts = CHARTS.map((chart) => new Chart(parent, chart));
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
            for (const chart of this.#charts) chart.build();
        });
    }

    /** @param isAll all tables together are shown, not one */
    show(ring, isAll) {
        for (const chart of this.#charts) chart.show(ring, isAll);
    }
}

class Chart {
    constructor(parent, chart) {
        this.chart = chart;
        this.title = h("h2", {}, chart.title);
        this.values = chart.lines.map(() => h("dd", {}, "–"));
        this.place = h("div", { class: "plot", role: "img" });
        const legend = chart.lines.map(([, label, colour], index) =>
            h("div", { "data-colour": colour }, h("dt", {}, label), this.values[index]),
        );
        parent.append(
            h(
                "section",
                { class: "card chart" },
                h("header", {}, this.title, h("dl", { class: "legend" }, ...legend)),
                this.place,
            ),
        );
        this.data = [[], ...chart.lines.map(() => [])];
        this.build();
        new ResizeObserver(() => this.plot.setSize(this.#size())).observe(this.place);
    }

    build() {
        const style = getComputedStyle(document.documentElement);
        const colour = (name) => style.getPropertyValue(`--${name}`).trim();
        this.plot?.destroy();
        const axis = {
            stroke: colour("quiet"),
            font: "11px system-ui, sans-serif",
            grid: { stroke: colour("line"), width: 1 },
            ticks: { show: false },
        };
        this.plot = new uPlot(
            {
                ...this.#size(),
                legend: { show: false },
                cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
                scales: {
                    x: {
                        time: true,
                        range: (_, least, most) => [most - Math.min(SECONDS, Math.max(30, most - least)), most],
                    },
                    y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] },
                },
                axes: [
                    {
                        ...axis,
                        size: 24,
                        gap: 2,
                        space: 58,
                        incrs: [10, 15, 30, 60, 120, 300],
                        values: (_, times) => times.map((at) => timeOfDay(new Date(at * 1000)).replace(/:00$/, "")),
                    },
                    {
                        ...axis,
                        size: 62,
                        gap: 4,
                        space: 34,
                        values: (_, values) => values.map((value) => this.chart.format(value)),
                    },
                ],
                series: [
                    {},
                    ...this.chart.lines.map(([, label, name]) => ({
                        label,
                        stroke: colour(name),
                        width: 1.6,
                        points: { show: false },
                        spanGaps: true,
                    })),
                ],
                hooks: { setCursor: [(plot) => this.#read(plot.cursor.idx)] },
            },
            this.data,
            this.place,
        );
    }

    show(ring, isAll) {
        const { chart } = this;
        setText(this.title, isAll && chart.note ? chart.note : chart.title);
        this.data = [ring.times, ...chart.lines.map(([figure]) => ring.values[figure])];
        this.plot.setData(this.data);
        if (this.plot.cursor.idx == null) this.#read(null);
        const now = chart.lines.map(([, label], index) => `${label} ${this.values[index].textContent}`);
        setAttribute(this.place, "aria-label", `${chart.title}, the last minutes. Now: ${now.join(", ")}.`);
    }

    /** Shows the figures under the cursor, or the newest. */
    #read(index) {
        const at = index ?? this.data[0].length - 1;
        this.values.forEach((element, line) => setText(element, this.chart.format(this.data[line + 1][at] ?? null)));
    }

    #size() {
        return { width: Math.max(this.place.clientWidth, 120), height: HEIGHT };
    }
}
