// Charts ------------------------------------------------------------------------------------------------------------
let embed = null, waiting = 0;
const views = new Map();
function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: get("ink"), muted: get("muted"), rule: get("rule"), edge: get("edge"), paper: get("paper"), series: [1, 2, 3, 4, 5].map((place) => get(`series-${place}`)) };
}
// A canvas knows neither the page's variables nor its font.
function chartConfig(colour) {
  const style = getComputedStyle(document.documentElement);
  const known = (key, value) => typeof value === "string" && value.startsWith("var(") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
  return {
    ...JSON.parse(byId("chart-config").textContent, known), autosize: { type: "fit", contains: "padding" },
    font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
    legend: { labelColor: colour.ink, labelFontSize: 12, title: null, orient: "top", symbolSize: 90, symbolOpacity: 1, offset: 12 },
  };
}
const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";
function front(points) {
  const found = [];
  for (const point of [...points].sort((one, other) => one.auc - other.auc || other.accuracy - one.accuracy)) {
    if (!found.length || point.accuracy > found[found.length - 1].accuracy) found.push(point);
  }
  return found;
}
function told(...estimates) {
  return [ACCURACY, AUC].map((key, place) => [columnOf(key), estimates[place]]).map(([column, estimate]) =>
    `${column.title} ${shown(column, estimate.value)} (${reach(column, estimate)})`);
}
function scatterPoints(rows) {
  return rows.flatMap((row) => {
    const accuracy = estimateOf(row, ACCURACY), auc = estimateOf(row, AUC);
    if (!accuracy || !auc) return [];
    return [{
      name: row.name, slug: row.slug, family: row.family, chosen: state.compare.includes(row.slug), best: Math.max(auc.value, 0.5),
      accuracy: 100 * accuracy.value, aLow: 100 * accuracy.low, aHigh: 100 * accuracy.high, auc: auc.value, uLow: auc.low, uHigh: auc.high,
      tip: told(accuracy, auc),
    }];
  });
}
function scatterSpec(points, colour) {
  const steps = front(points.map((point) => ({ accuracy: point.accuracy, auc: point.best })));
  const kept = new Set(steps.map((point) => `${point.accuracy} ${point.auc}`));
  const few = points.length <= MOST_BARS;
  points.sort((one, other) => (one.family !== "synthetic") - (other.family !== "synthetic"));
  for (const point of points) point.bars = few || point.chosen || kept.has(`${point.accuracy} ${point.best}`);
  const x = { field: "auc", type: "quantitative", title: "AUC of the worst attack (lower is more private)", scale: { zero: false, nice: true, padding: 8 } };
  const y = { field: "accuracy", type: "quantitative", title: "accuracy, % (higher is better)", scale: { zero: false, nice: true, padding: 8 } };
  const family = { field: "family", type: "nominal" };
  const color = { ...family, scale: { domain: FAMILIES, range: [colour.ink, colour.series[1], colour.series[0]] } };
  const thin = { size: 1, opacity: few ? 0.55 : 0.4 };
  return {
    $schema: SCHEMA, width: "container", height: "container", config: chartConfig(colour), data: { values: points },
    layer: [
      { data: { values: [{ x: 0.5 }] }, mark: { type: "rule", strokeDash: [2, 4], color: colour.edge }, encoding: { x: { field: "x", type: "quantitative" } } },
      { data: { values: steps }, mark: { type: "line", interpolate: "step-after", color: colour.edge, size: 1.5 }, encoding: { x: { field: "auc", type: "quantitative" }, y: { field: "accuracy", type: "quantitative" } } },
      { transform: [{ filter: "datum.bars" }], mark: { type: "rule", ...thin }, encoding: { x: { field: "uLow", type: "quantitative" }, x2: { field: "uHigh" }, y, color } },
      { transform: [{ filter: "datum.bars" }], mark: { type: "rule", ...thin }, encoding: { x, y: { field: "aLow", type: "quantitative" }, y2: { field: "aHigh" }, color } },
      { mark: { type: "point", filled: true, opacity: few ? 1 : 0.75, stroke: colour.paper, strokeWidth: 1, cursor: "pointer" }, encoding: { x, y, color, size: { condition: { test: "datum.family !== 'synthetic'", value: 130 }, value: few ? 110 : 45 }, shape: { ...family, scale: { domain: FAMILIES, range: ["diamond", "square", "circle"] } } } },
      { transform: [{ filter: "datum.chosen" }], mark: { type: "point", filled: false, size: 260, strokeWidth: 2, color: colour.ink }, encoding: { x, y } },
    ],
  };
}
function curvePoints(rows) {
  const lines = new Map();
  for (const row of rows) {
    if (!row.recipe || row.cardinality === null) continue;
    const key = `${row.recipe}|${row.labels}`;
    if (!lines.has(key)) lines.set(key, []);
    lines.get(key).push(row);
  }
  const curves = [...lines.values()].filter((members) => new Set(members.map((row) => row.cardinality)).size > 1);
  const recipes = [...new Set(curves.flat().sort((one, other) => one.index - other.index).map((row) => row.recipe))];
  const coloured = recipes.slice(0, MOST_COLOURED);
  const points = curves.flat().flatMap((row) => {
    const accuracy = estimateOf(row, ACCURACY), auc = estimateOf(row, AUC), place = coloured.indexOf(row.recipe);
    if (!accuracy || !auc) return [];
    return [{
      name: row.name, slug: row.slug, line: `${row.recipe}|${row.labels}`, labels: row.labels, cardinality: row.cardinality, x: row.cardinality * (row.labels === "hard" ? 1.02 : 0.98), place, strong: place >= 0,
      accuracy: 100 * accuracy.value, accuracyLow: 100 * accuracy.low, accuracyHigh: 100 * accuracy.high, auc: auc.value, aucLow: auc.low, aucHigh: auc.high,
      tip: [`cardinality ${row.cardinality}`, ...told(accuracy, auc)],
    }];
  });
  return { points, coloured, others: recipes.length - coloured.length };
}
function curveSpec(points, key, colour, many) {
  const values = [...new Set(points.map((point) => point.cardinality))].sort((one, other) => one - other);
  const x = { field: "x", type: "quantitative", title: "cardinality", scale: { type: "log", base: 2, nice: false, padding: 16 }, axis: { values, grid: false, format: "~g" } };
  const y = { field: key, type: "quantitative", title: key === "accuracy" ? "accuracy, %" : "AUC of the worst attack", scale: { zero: false, nice: true } };
  const color = { field: "place", type: "nominal", legend: null, scale: { domain: [0, 1, 2, 3, 4], range: colour.series } };
  const strokeDash = { field: "labels", type: "nominal", legend: null, scale: { domain: ["soft", "hard"], range: [[1, 0], [5, 4]] } };
  const detail = { field: "line", type: "nominal" };
  return {
    $schema: SCHEMA, width: "container", height: "container", config: chartConfig(colour), data: { values: points },
    layer: [
      { transform: [{ filter: "!datum.strong" }], mark: { type: "line", size: 1, color: colour.edge, opacity: many ? 0.13 : 0.4 }, encoding: { x, y, detail, strokeDash } },
      { transform: [{ filter: "datum.strong" }], mark: { type: "line", size: 2 }, encoding: { x, y, detail, color, strokeDash } },
      { transform: [{ filter: "datum.strong" }], mark: { type: "rule", opacity: 0.6 }, encoding: { x, y: { field: `${key}Low`, type: "quantitative" }, y2: { field: `${key}High` }, color } },
      { transform: [{ filter: "datum.strong" }], mark: { type: "point", filled: true, size: 60, opacity: 1, stroke: colour.paper, strokeWidth: 1, cursor: "pointer" }, encoding: { x, y, color } },
    ],
  };
}
async function place(id, spec) {
  const settings = { ast: true, actions: false, renderer: "canvas", defaultStyle: false, tooltip: () => {}, mode: "vega-lite", logLevel: 1 };
  const made = await embed(byId(id), spec, settings);
  views.get(id)?.finalize();
  views.set(id, made);
  made.view.addEventListener("mousemove", (event, item) => tip(event, item?.datum));
  made.view.addEventListener("mouseout", () => tip(null));
  made.view.addEventListener("click", (_, item) => {
    const slug = item?.datum?.slug;
    if (slug) { choose(slug, !state.compare.includes(slug)); drawLeaders(selection()); }
  });
}
function tip(event, datum) {
  const box = byId("tip");
  box.hidden = !datum?.tip;
  if (box.hidden) return;
  box.replaceChildren(make("strong", {}, datum.name), ...datum.tip.map((words) => make("span", {}, words)));
  const across = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8), down = Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 8);
  box.style.transform = `translate(${Math.max(4, across)}px, ${Math.max(4, down)}px)`;
}
async function drawCharts({ ranked }) {
  if (!embed) return;
  const colour = colours(), points = scatterPoints(ranked), curves = curvePoints(ranked);
  byId("scatter").setAttribute("aria-label", `Scatter chart of ${points.length} methods: accuracy against the AUC of the worst attack, with intervals. The same numbers are in the table of the ranking.`);
  byId("scatter-note").textContent = points.length > MOST_BARS ? "Intervals are drawn for those on the steps and for chosen methods." : "Bars: 95 % intervals.";
  byId("curves").hidden = curves.points.length === 0;
  byId("curves-legend").replaceChildren(...curves.coloured.map((recipe, index) => make("li", {}, make("span", { class: `swatch s${index + 1}` }), recipe)));
  byId("curves-note").textContent = curves.others ? `Grey: ${curves.others} more recipes, which rank lower.` : "";
  await place("scatter", scatterSpec(points, colour));
  for (const [id, key, words] of [["curve-accuracy", "accuracy", "accuracy"], ["curve-auc", "auc", "AUC of the worst attack"]]) {
    byId(id).setAttribute("aria-label", `Line chart: ${words} against cardinality for ${curves.coloured.length} recipes, hard and soft labels. The same numbers are in the table of the ranking.`);
    if (curves.points.length) await place(id, curveSpec(curves.points, key, colour, curves.others > 15));
  }
  performance.mark("charts");
  document.documentElement.dataset.charts = String(Number(document.documentElement.dataset.charts ?? 0) + 1);
}

