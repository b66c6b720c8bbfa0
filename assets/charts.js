// Draws every [data-chart] with uPlot, and redraws it when it changes. The attribute is JSON:
// {kind: "area" | "bars" | "spark", x: [unix seconds], series: [{label, values, tone}], unit}.
import uPlot from "uplot";
import { colours } from "./colours.js";
import { dayOf, figure, momentOf, timeOf } from "./figures.js";

const HEIGHT = 176;
const DAY = 86400;
const drawn = new Map();

const summed = (all, upTo) =>
  all[0].values.map((_, place) => all.slice(0, upTo + 1).reduce((sum, one) => sum + (one.values[place] ?? 0), 0));

// Stacked bars: the total is drawn first, then the partial sums over it.
const layers = ({ kind, series }) =>
  kind === "bars"
    ? series.map((one, place) => ({ ...one, drawn: summed(series, place) })).reverse()
    : series.map((one) => ({ ...one, drawn: one.values }));

const total = ({ values }) => values.reduce((sum, value) => sum + (value ?? 0), 0);

// Without a pointer on the chart, the legend of counts has their totals.
const hasTotals = ({ kind, unit }) => kind === "bars" && !unit;

// Fill the area only under a single line: fills of several lines would overlap.
const line = (one, { kind, series, unit = "" }) => ({
  label: one.label,
  value: (_, __, ___, place) => figure(place != null ? one.values[place] : hasTotals({ kind, unit }) ? total(one) : null, unit),
  points: { show: false },
  ...(kind === "bars"
    ? { fill: colours.tone(one.tone), paths: uPlot.paths.bars({ size: [0.8, 48], gap: 1 }) }
    : { stroke: colours.tone(one.tone), fill: series.length === 1 ? colours.wash(one.tone) : undefined, width: 2 }),
});

// Counts are whole: no grid lines between them.
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

const days = (_, splits, __, ___, step) => splits.map((at) => (step >= DAY ? dayOf(at) : timeOf(at)));

function axes(unit) {
  const shared = { stroke: colours.text(), font: colours.font(), ticks: { show: false } };
  const grid = { stroke: colours.grid(), width: 1 };
  const wide = (_, values) => 14 + 7 * Math.max(0, ...(values ?? []).map((value) => value.length));
  const values = (_, splits) => splits.map((split) => figure(split, unit));
  return [{ ...shared, grid: { show: false }, size: 34, gap: 10, values: days }, { ...shared, grid, size: wide, values, ...(unit ? {} : { incrs: WHOLE }) }];
}

// Half a step of margin on both sides, so that the first and last bars are not cut.
const around = (x, kind) => (_, low, high) => {
  const half = kind === "bars" ? (x.length > 1 ? x[1] - x[0] : 60) / 2 : 0;
  return low === high ? [low - 30, high + 30] : [low - half, high + half];
};
const fromNought = (_, __, high) => (high > 0 ? uPlot.rangeNum(0, high, 0.1, true) : [0, 1]);

function options(element, given, shown) {
  const { kind, x, unit = "" } = given;
  const spark = kind === "spark";
  return {
    width: Math.max(element.clientWidth, 40),
    height: parseFloat(getComputedStyle(element).getPropertyValue("--chart-height")) || (spark ? 32 : HEIGHT),
    scales: { x: { range: around(x, kind) }, y: { range: fromNought } },
    axes: spark ? [{ show: false }, { show: false }] : axes(unit),
    legend: { show: !spark },
    cursor: { show: !spark, drag: { x: false, y: false }, points: { show: kind === "area" } },
    series: [{ label: "", value: (_, at) => (at != null ? momentOf(at) : hasTotals({ kind, unit }) ? "in all" : "–") }, ...shown.map((one) => line(one, given))],
  };
}

function draw(element) {
  const text = element.dataset.chart;
  const given = JSON.parse(text);
  const shown = layers(given);
  const covered = [...element.children].filter((child) => !child.hidden);
  covered.forEach((child) => { child.hidden = true; });
  const data = [given.x, ...shown.map((one) => one.drawn)];
  const plot = new uPlot(options(element, given, shown), data, element);
  const sized = new ResizeObserver(() => {
    const width = Math.max(element.clientWidth, 40);
    if (width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  sized.observe(element);
  drawn.set(element, { covered, plot, sized, text });
}

function erase(element) {
  const { covered, plot, sized } = drawn.get(element);
  sized.disconnect();
  plot.destroy();
  covered.forEach((child) => { child.hidden = false; });
  drawn.delete(element);
}

const attempt = (element) => {
  try {
    draw(element);
  } catch (error) {
    reportError(error);
  }
};

// Synchronize the plots with the page: draw new and changed charts, and destroy removed ones.
function settle() {
  for (const [element, { text }] of [...drawn]) {
    if (!element.isConnected || element.dataset.chart !== text) erase(element);
  }
  for (const element of document.querySelectorAll("[data-chart]")) if (!drawn.has(element)) attempt(element);
}

const eraseAll = () => [...drawn.keys()].forEach(erase);
const again = () => { eraseAll(); settle(); };

const start = () => {
  settle();
  for (const name of ["htmx:afterSwap", "htmx:sseMessage", "htmx:historyRestore"]) document.addEventListener(name, settle);
  document.addEventListener("htmx:beforeHistorySave", eraseAll);
  document.addEventListener("htmx:beforeCleanupElement", ({ target }) => { if (drawn.has(target)) erase(target); });
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
