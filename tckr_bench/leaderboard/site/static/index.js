// The index: reads the data once, draws everything from one state, and keeps that state in the address.
// Text from records enters the page as text nodes only.
const SCALE = 10000, FIRST = 100, FIRST_WIDE = 25, MOST_COMPARED = 6, MOST_BARS = 60, MOST_COLOURED = 5;
const MINUS = "\u2212", NOTHING = "\u00b7";
const byId = (id) => document.getElementById(id);
const boards = JSON.parse(byId("data").textContent);
for (const board of boards) {
  board.rows = board.entries.name.map((_, index) => {
    const row = { index };
    for (const [key, values] of Object.entries(board.entries)) row[key] = values[index];
    row.text = [row.name, row.recipe, row.family, row.labels].join(" ").toLowerCase();
    return row;
  });
}

// Numbers -----------------------------------------------------------------------------------------------------------
function decode(columns, index) {
  const value = columns[0][index];
  if (value === null || value === undefined) return null;
  return { value: value / SCALE, low: (value - columns[1][index]) / SCALE, high: (value + columns[2][index]) / SCALE };
}
function fixed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", MINUS);
}
function duration(seconds) {
  if (seconds < 60) return `${fixed(seconds, 1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds) % 60} s`;
  return `${grouped(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
const shown = (column, value) => fixed(value * (column.scale ?? 1), column.digits);
const reach = (column, estimate) => `${shown(column, estimate.low)} to ${shown(column, estimate.high)}`;
// The difference of two estimates that have nothing in common: intervals in quadrature.
function difference(one, other) {
  const value = one.value - other.value;
  return {
    value,
    low: value - Math.hypot(one.value - one.low, other.high - other.value),
    high: value + Math.hypot(one.high - one.value, other.value - other.low),
  };
}

// Columns: how each is called, sorted and shown. `better` says in words which way is better. ---------------------------
const percent = { scale: 100, digits: 1 }, plain = { scale: 1, digits: 3 };
const COLUMNS = [
  { key: "rank", title: "rank", left: true, better: "lower is better", sort: (row) => row.rank && row.rank[0] * 1e4 + row.index },
  { key: "name", title: "method", left: true, sort: (row) => row.name.toLowerCase() },
  { key: "family", title: "family", left: true, sort: (row) => row.family },
  { key: "accuracy", title: "accuracy, %", better: "higher is better", ...percent, most: true },
  { key: "gap", title: "lost against real data, points", better: "lower is better", ...percent },
  { key: "auc", title: "worst attack\u2019s AUC", better: "lower is better", ...plain },
  { key: "tpr", title: "found at 1 % FPR, %", better: "lower is better", ...percent },
  { key: "aop", title: "AOP", better: "higher is better", ...plain, most: true },
  { key: "seconds", title: "CPU time", better: "lower is better", sort: (row) => row.seconds },
  { key: "images", title: "images per seed", better: "lower is better", sort: (row) => row.images },
  { key: "pareto", title: "Pareto front", left: true, most: true, sort: (row) => row.pareto },
];
const FIGURES = COLUMNS.filter((column) => column.digits !== undefined);
const FAMILIES = ["real data", "defence", "synthetic"];

// State: what the address holds. ------------------------------------------------------------------------------------
const START = { track: 0, dataset: -1, family: "", cpu: "", images: "", q: "", sort: "rank", desc: false, all: false, heat: "gap", compare: [] };
let state = read();

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { ...START };
  const track = boards.findIndex((board) => board.name === given.get("track"));
  if (track >= 0) found.track = track;
  const board = boards[found.track];
  found.dataset = board.datasets.findIndex((dataset) => dataset.name === given.get("dataset"));
  if (FAMILIES.includes(given.get("family"))) found.family = given.get("family");
  for (const key of ["cpu", "images"]) if (given.has(key) && Number(given.get(key)) >= 0) found[key] = given.get(key);
  found.q = (given.get("q") ?? "").slice(0, 200);
  const sort = given.get("sort") ?? "";
  if (COLUMNS.some((column) => column.key === sort.replace(/^-/, ""))) {
    found.sort = sort.replace(/^-/, "");
    found.desc = sort.startsWith("-");
  }
  found.all = given.get("all") === "1";
  if (given.get("heat") === "auc") found.heat = "auc";
  const slugs = (given.get("compare") ?? "").split(",");
  found.compare = [...new Set(slugs)].filter((slug) => board.entries.slug.includes(slug)).slice(0, MOST_COMPARED);
  return found;
}
function address() {
  const board = boards[state.track], parts = new URLSearchParams();
  if (state.track) parts.set("track", board.name);
  if (state.dataset >= 0) parts.set("dataset", board.datasets[state.dataset].name);
  for (const key of ["family", "cpu", "images", "q"]) if (state[key]) parts.set(key, state[key]);
  if (state.sort !== START.sort || state.desc) parts.set("sort", (state.desc ? "-" : "") + state.sort);
  if (state.all) parts.set("all", "1");
  if (state.heat !== START.heat) parts.set("heat", state.heat);
  if (state.compare.length) parts.set("compare", state.compare.join(","));
  return `#${parts}`;
}
function change(changes, { replace = false, partial = false } = {}) {
  state = { ...state, ...changes };
  history[replace ? "replaceState" : "pushState"](null, "", address());
  draw({ partial });
}
function restore() {
  state = read();
  fill();
  draw();
}

// Selection ---------------------------------------------------------------------------------------------------------
const estimateOf = (row, key, dataset = state.dataset) => {
  const board = boards[state.track];
  return decode((dataset < 0 ? board.means : board.parts[dataset])[key], row.index);
};
function matches(row) {
  if (state.family && row.family !== state.family) return false;
  if (state.cpu !== "" && !(row.seconds <= 60 * Number(state.cpu))) return false;
  if (state.images !== "" && !(row.images <= Number(state.images))) return false;
  if (state.dataset >= 0 && estimateOf(row, "accuracy") === null) return false;
  return state.q.toLowerCase().split(/\s+/).every((word) => row.text.includes(word));
}
function ordered(rows) {
  const column = COLUMNS.find((one) => one.key === state.sort);
  const value = column.sort ?? ((row) => estimateOf(row, column.key)?.value ?? null);
  const keyed = rows.map((row) => [value(row), row]);
  const turn = state.desc ? -1 : 1;
  keyed.sort(([one, a], [other, b]) => {
    if (one === null || other === null) return (one === null) - (other === null) || a.index - b.index;
    return turn * (one < other ? -1 : one > other ? 1 : 0) || a.index - b.index;
  });
  return keyed.map(([, row]) => row);
}
function selection() {
  const rows = boards[state.track].rows;
  const ranked = rows.filter((row) => row.standing === "ranked");
  const others = rows.filter((row) => row.standing !== "ranked" && row.standing !== "control");
  return { total: ranked.length, ranked: ordered(ranked.filter(matches)), others: others.filter(matches) };
}

// Elements ----------------------------------------------------------------------------------------------------------
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function cellOf(column, estimate, attributes = {}) {
  if (!estimate) return make("td", attributes, NOTHING);
  return make("td", attributes, shown(column, estimate.value), make("span", { class: "interval" }, reach(column, estimate)));
}
function glyph(family) {
  const space = "http://www.w3.org/2000/svg";
  const shapes = { "real data": "M6 0L12 6L6 12L0 6Z", defence: "M1 1H11V11H1Z" };
  const drawing = document.createElementNS(space, "svg");
  const kind = family === "real data" ? "real" : family;
  for (const [name, value] of Object.entries({ class: `glyph ${kind}`, viewBox: "0 0 12 12", "aria-hidden": "true" })) drawing.setAttribute(name, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shapes[family] ?? "M6 0.5A5.5 5.5 0 1 1 5.99 0.5Z");
  drawing.append(path);
  return drawing;
}
const linkTo = (row) => make("a", { href: row.page }, row.name);

// The ranking -------------------------------------------------------------------------------------------------------
function headings() {
  const cells = COLUMNS.map((column) => {
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      const same = state.sort === column.key;
      change({ sort: column.key, desc: same ? !state.desc : Boolean(column.most) });
    });
    return make("th", { scope: "col", class: column.left ? "left" : null, "data-key": column.key }, button, column.better && make("span", { class: "better" }, column.better));
  });
  byId("leaders").tHead.replaceChildren(make("tr", {}, ...cells));
}
function rankOf(row) {
  if (!row.rank) return "";
  const [rank, low, high] = row.rank;
  return low === null ? String(rank) : `${rank} (${low}\u2013${high})`;
}
function leaderRow(row) {
  const chosen = state.compare.includes(row.slug);
  const box = make("input", { type: "checkbox", "aria-label": `Compare ${row.name}` });
  box.checked = chosen;
  box.addEventListener("change", () => choose(row.slug, box.checked));
  const cells = FIGURES.map((column) => cellOf(column, estimateOf(row, column.key)));
  return make("tr", { class: chosen ? "chosen" : null, "data-slug": row.slug },
    make("td", { class: "rank" }, row.rank ? String(row.rank[0]) : NOTHING, row.rank && row.rank[1] !== null ? make("span", { class: "interval" }, `(${row.rank[1]}\u2013${row.rank[2]})`) : null),
    make("th", { scope: "row", class: "name" }, make("span", { class: "pick" }, box, linkTo(row), make("span", { class: "phone" }, glyph(row.family), make("span", { class: "hidden" }, row.family)))),
    make("td", { class: "left" }, make("span", { class: "family" }, glyph(row.family), row.family)),
    ...cells,
    make("td", {}, row.seconds === null ? NOTHING : duration(row.seconds)),
    make("td", {}, grouped(row.images)),
    make("td", { class: "left" }, row.pareto ? make("span", { class: "mark front" }, "on it") : null));
}
function drawLeaders({ ranked, total }) {
  const table = byId("leaders"), visible = state.all ? ranked : ranked.slice(0, FIRST);
  for (const heading of table.tHead.rows[0].cells) {
    if (heading.dataset.key === state.sort) heading.setAttribute("aria-sort", state.desc ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  }
  table.tBodies[0].replaceChildren(...visible.map(leaderRow));
  document.documentElement.classList.toggle("long", visible.length > FIRST);
  byId("leaders-empty").hidden = ranked.length > 0;
  const all = byId("all");
  all.hidden = ranked.length <= Math.min(FIRST, FIRST_WIDE);
  all.textContent = state.all ? "Show the first ones only" : `Show all ${ranked.length} in every table`;
  const board = boards[state.track];
  const where = state.dataset < 0 ? "Figures are means over the track\u2019s datasets, each as heavy as the others." : `Figures are those on ${board.datasets[state.dataset].name}; ranks are of the whole track.`;
  byId("ranking-note").textContent = `${where} CPU time: to a trained classifier, over all datasets.`;
  const first = visible.length < ranked.length ? `, the first ${visible.length} in the table` : "";
  byId("status").textContent = `${ranked.length} of ${total} ranked methods shown${first}.`;
}
function drawOthers({ others }) {
  const table = byId("others");
  const words = { incomplete: "incomplete", untrusted: "not trusted", "test-chosen": "chosen on the test set" };
  table.tHead.replaceChildren(make("tr", {},
    ...[["entry", true], ["why", true], ["family", true], ["accuracy, %"], ["worst attack\u2019s AUC"]].map(([title, left]) => make("th", { scope: "col", class: left ? "left" : null }, title))));
  const visible = state.all ? others : others.slice(0, FIRST);
  table.tBodies[0].replaceChildren(...visible.map((row) => make("tr", {},
    make("th", { scope: "row", class: "name" }, linkTo(row)),
    make("td", { class: "words" }, make("span", { class: `mark ${row.standing === "untrusted" ? "fail" : "warn"}` }, words[row.standing] ?? row.standing), ...row.reasons.map((reason) => make("div", {}, reason))),
    make("td", { class: "left" }, make("span", { class: "family" }, glyph(row.family), row.family)),
    ...[FIGURES[0], FIGURES[2]].map((column) => cellOf(column, estimateOf(row, column.key))))));
  table.parentElement.hidden = others.length === 0;
  byId("others-empty").hidden = others.length > 0;
}

// Side by side ------------------------------------------------------------------------------------------------------
function choose(slug, wanted) {
  const kept = state.compare.filter((other) => other !== slug);
  if (wanted && kept.length >= MOST_COMPARED) {
    byId("status").textContent = `No more than ${MOST_COMPARED} methods can be compared.`;
    drawLeaders(selection());
    return;
  }
  change({ compare: wanted ? [...kept, slug] : kept }, { partial: true });
}
function drawCompared() {
  const board = boards[state.track];
  const rows = state.compare.map((slug) => board.rows[board.entries.slug.indexOf(slug)]);
  byId("compare").hidden = rows.length === 0;
  const jump = byId("compare-jump");
  jump.disabled = rows.length === 0;
  jump.textContent = rows.length ? `Compare ${rows.length} chosen` : "Choose methods to compare";
  const table = byId("compared");
  table.tHead.replaceChildren(make("tr", {}, make("td"), ...rows.map((row) => make("th", { scope: "col" }, linkTo(row)))));
  const lines = [line("rank", rows.map((row) => make("td", {}, rankOf(row) || NOTHING)))];
  for (const column of FIGURES) lines.push(line(`${column.title}`, rows.map((row) => comparedCell(column, row, rows[0]))));
  lines.push(line("CPU time", rows.map((row) => ratioCell(row, rows[0], "seconds", duration))));
  lines.push(line("images per seed", rows.map((row) => ratioCell(row, rows[0], "images", grouped))));
  table.tBodies[0].replaceChildren(...lines);
}
const line = (title, cells) => make("tr", {}, make("th", { scope: "row", class: "left" }, title), ...cells);
function comparedCell(column, row, first) {
  const estimate = estimateOf(row, column.key), against = estimateOf(first, column.key);
  const cell = cellOf(column, estimate);
  if (row !== first && estimate && against) {
    const change = difference(estimate, against);
    const sign = change.value > 0 ? "+" : "";
    cell.append(make("span", { class: `difference${change.low > 0 || change.high < 0 ? " apart" : ""}` }, `${sign}${shown(column, change.value)} (${reach(column, change)})`));
  }
  return cell;
}
function ratioCell(row, first, key, words) {
  const cell = make("td", {}, row[key] === null ? NOTHING : words(row[key]));
  if (row !== first && first[key] > 0 && row[key] > 0) cell.append(make("span", { class: "difference" }, `${fixed(row[key] / first[key], 2)} times`));
  return cell;
}

// Heat map and attacks ----------------------------------------------------------------------------------------------
const STEPS = { gap: [0.5, 2, 5, 10, 20], auc: [0.005, 0.02, 0.05, 0.1, 0.2] };
// Colour is for what chance does not explain: a cell whose interval holds zero stays grey.
function shade(estimate, scale, steps) {
  if (estimate.low <= 0 && estimate.high >= 0) return "b0";
  const value = scale * estimate.value;
  const level = steps.filter((step) => Math.abs(value) >= step).length;
  return level === 0 ? "b0" : `${value > 0 ? "w" : "b"}${level}`;
}
function heatCell(row, dataset) {
  if (state.heat === "gap") return [percent, estimateOf(row, "gap", dataset), 100];
  const own = estimateOf(row, "auc", dataset);
  const real = row.teacher === null ? null : estimateOf({ index: row.teacher }, "auc", dataset);
  return [plain, own && real && row.teacher !== row.index ? difference(own, real) : null, 1];
}
function drawHeat({ ranked }) {
  const board = boards[state.track], table = byId("heat"), steps = STEPS[state.heat];
  const rows = ranked.filter((row) => row.family !== "real data"), visible = state.all ? rows : rows.slice(0, FIRST_WIDE);
  byId("heat-note").textContent = (state.heat === "gap"
    ? "Accuracy lost against the real-data baseline of the same submission, in points; below zero is better. Grey: the interval holds zero."
    : "AUC of the worst attack less that on the real-data baseline of the same submission; below zero is safer. Unpaired; grey: the interval holds zero.")
    + (visible.length < rows.length ? ` The first ${visible.length} of ${rows.length}.` : "");
  table.tHead.replaceChildren(make("tr", {}, make("th", { scope: "col", class: "left" }, "method"),
    ...board.datasets.map((dataset) => make("th", { scope: "col" }, make("a", { href: dataset.page }, dataset.name)))));
  table.tBodies[0].replaceChildren(...visible.map((row) => make("tr", {}, make("th", { scope: "row", class: "name" }, linkTo(row)),
    ...board.datasets.map((_, place) => {
      const [column, estimate, scale] = heatCell(row, place);
      return cellOf(column, estimate, { class: estimate ? shade(estimate, scale, steps) : null });
    }))));
  const unit = state.heat === "gap" ? " points" : "";
  const worse = steps.map((step, place) => [`w${place + 1}`, `+${step}`]);
  const better = [...steps].reverse().map((step, place) => [`b${5 - place}`, `${MINUS}${step}`]);
  byId("heat-legend").replaceChildren(make("li", {}, "better"), ...[...better, ["b0", "\u2248"], ...worse].map(([kind, words]) => make("li", { class: `key ${kind}` }, words)), make("li", {}, `worse than real data${unit && ", points"}`));
}
function drawTried({ ranked }) {
  const board = boards[state.track], table = byId("tried");
  const visible = state.all ? ranked : ranked.slice(0, FIRST_WIDE);
  table.tHead.replaceChildren(make("tr", {}, make("th", { scope: "col", class: "left" }, "method"), ...board.attacks.map((attack) => make("th", { scope: "col" },
    attack.name, make("span", { class: "better" }, attack.surface === "classifier" ? (attack.adaptive ? "adaptive" : "") : `on the ${attack.surface}`)))));
  byId("tried-count").textContent = visible.length < ranked.length ? `The first ${visible.length} of ${ranked.length}.` : "";
  const onClassifier = board.attacks.map((attack) => attack.surface === "classifier");
  table.tBodies[0].replaceChildren(...visible.map((row) => {
    const estimates = board.tried.map((columns) => decode(columns, row.index));
    const worst = Math.max(...estimates.map((estimate, place) => (estimate && onClassifier[place] ? estimate.value : -1)));
    return make("tr", {}, make("th", { scope: "row", class: "name" }, linkTo(row)),
      ...estimates.map((estimate, place) => cellOf(plain, estimate, { class: estimate && onClassifier[place] && estimate.value === worst ? "strong" : null })));
  }));
}

// Charts ------------------------------------------------------------------------------------------------------------
let embed = null, waiting = 0;
const views = new Map();
function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ink: get("ink"), muted: get("muted"), rule: get("rule"), edge: get("edge"), paper: get("paper"), series: [1, 2, 3, 4, 5].map((place) => get(`series-${place}`)) };
}
function chartConfig(colour) {
  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
  return {
    background: null, font, aria: false, padding: { left: 4, right: 12, top: 8, bottom: 4 }, autosize: { type: "fit", contains: "padding" },
    view: { stroke: null },
    axis: { labelColor: colour.muted, titleColor: colour.muted, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, gridColor: colour.rule, domain: false, tickColor: colour.rule, labelPadding: 6, titlePadding: 10, tickCount: 6 },
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
function scatterPoints(rows) {
  return rows.flatMap((row) => {
    const accuracy = estimateOf(row, "accuracy"), auc = estimateOf(row, "auc");
    if (!accuracy || !auc) return [];
    return [{
      name: row.name, slug: row.slug, family: row.family, chosen: state.compare.includes(row.slug), best: Math.max(auc.value, 0.5),
      accuracy: 100 * accuracy.value, aLow: 100 * accuracy.low, aHigh: 100 * accuracy.high, auc: auc.value, uLow: auc.low, uHigh: auc.high,
      tip: [`accuracy ${shown(percent, accuracy.value)} % (${reach(percent, accuracy)})`, `worst AUC ${shown(plain, auc.value)} (${reach(plain, auc)})`],
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
    const accuracy = estimateOf(row, "accuracy"), auc = estimateOf(row, "auc"), place = coloured.indexOf(row.recipe);
    if (!accuracy || !auc) return [];
    return [{
      name: row.name, slug: row.slug, line: `${row.recipe}|${row.labels}`, labels: row.labels, cardinality: row.cardinality, x: row.cardinality * (row.labels === "hard" ? 1.02 : 0.98), place, strong: place >= 0,
      accuracy: 100 * accuracy.value, accuracyLow: 100 * accuracy.low, accuracyHigh: 100 * accuracy.high, auc: auc.value, aucLow: auc.low, aucHigh: auc.high,
      tip: [`cardinality ${row.cardinality}`, `accuracy ${shown(percent, accuracy.value)} % (${reach(percent, accuracy)})`, `worst AUC ${shown(plain, auc.value)} (${reach(plain, auc)})`],
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

// Copying -----------------------------------------------------------------------------------------------------------
function copied(kind) {
  const { ranked } = selection(), rows = state.all ? ranked : ranked.slice(0, FIRST);
  if (kind === "csv") return csv(rows);
  const titles = COLUMNS.map((column) => column.title);
  const cells = rows.map((row) => [rankOf(row), row.name, row.family, ...FIGURES.map((column) => {
    const estimate = estimateOf(row, column.key);
    return estimate ? `${shown(column, estimate.value)} (${reach(column, estimate)})` : "";
  }), row.seconds === null ? "" : duration(row.seconds), grouped(row.images), row.pareto ? "yes" : ""]);
  return kind === "latex" ? latex(titles, cells) : markdown(titles, cells);
}
function csv(rows) {
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const titles = ["rank", "rank_low", "rank_high", "method", "family", ...FIGURES.flatMap(({ key }) => [key, `${key}_low`, `${key}_high`]), "cpu_seconds", "images", "pareto"];
  const lines = rows.map((row) => [...(row.rank ?? ["", "", ""]), row.name, row.family, ...FIGURES.flatMap(({ key }) => {
    const estimate = estimateOf(row, key);
    return estimate ? [estimate.value, estimate.low, estimate.high].map((value) => Number(value.toFixed(4))) : ["", "", ""];
  }), row.seconds, row.images, Boolean(row.pareto)]);
  return [titles, ...lines].map((cells) => cells.map(quoted).join(",")).join("\n") + "\n";
}
function markdown(titles, lines) {
  const safe = (text) => text.replace(/[\\`*_[\]<>|~&#@!$:]/g, "\\$&").replaceAll("www.", "www\\.");
  const written = (cells) => `| ${cells.map(safe).join(" | ")} |`;
  return [written(titles), `|${COLUMNS.map((column) => (column.left ? " --- |" : " ---: |")).join("")}`, ...lines.map(written)].join("\n") + "\n";
}
function latex(titles, lines) {
  const special = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", [MINUS]: "$-$", "\u00b7": "$\\cdot$", "<": "\\textless{}", ">": "\\textgreater{}" };
  const safe = (text) => text.replace(/[\\~^<>\u2212\u00b7]|[&%$#_{}]/g, (found) => special[found] ?? `\\${found}`);
  const written = (cells) => `  ${cells.map(safe).join(" & ")} \\\\`;
  const sides = COLUMNS.map((column) => (column.left ? "l" : "r")).join("");
  return [`\\begin{tabular}{${sides}}`, "  \\hline", written(titles), "  \\hline", ...lines.map(written), "  \\hline", "\\end{tabular}", ""].join("\n");
}
async function copy(kind) {
  const text = copied(kind), said = byId("copied");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "hidden", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) { said.textContent = "The browser does not let this page copy."; return; }
  }
  said.textContent = `Copied ${text.trimEnd().split("\n").length - (kind === "latex" ? 6 : kind === "csv" ? 1 : 2)} rows as ${{ csv: "CSV", latex: "LaTeX", markdown: "Markdown" }[kind]}.`;
}

// Everything from the state -----------------------------------------------------------------------------------------
function options(select, choices, chosen) {
  select.replaceChildren(...choices.map(([value, words]) => make("option", { value }, words)));
  select.value = chosen;
}
function fill() {
  const board = boards[state.track];
  options(byId("dataset"), [["-1", "mean of all datasets"], ...board.datasets.map((dataset, place) => [String(place), dataset.name])], String(state.dataset));
  options(byId("family"), [["", "all families"], ...FAMILIES.map((family) => [family, family])], state.family);
  for (const [id, value] of [["search", state.q], ["cpu", state.cpu], ["images", state.images]]) if (byId(id).value !== value) byId(id).value = value;
  if (byId("track")) byId("track").value = board.name;
  for (const input of document.getElementsByName("heat")) input.checked = input.value === state.heat;
}
function draw({ partial = false } = {}) {
  const found = selection();
  for (const part of document.querySelectorAll("[data-track]")) part.hidden = part.dataset.track !== boards[state.track].name;
  if (partial) {
    for (const row of byId("leaders").tBodies[0].rows) row.classList.toggle("chosen", state.compare.includes(row.dataset.slug));
  } else {
    drawLeaders(found);
    drawOthers(found);
    drawHeat(found);
    drawTried(found);
  }
  drawCompared();
  clearTimeout(waiting);
  waiting = setTimeout(() => drawCharts(selection()), 60);
}
function listen() {
  const on = (id, kind, act) => byId(id)?.addEventListener(kind, act);
  let typing = 0;
  for (const [id, key] of [["search", "q"], ["cpu", "cpu"], ["images", "images"]]) {
    on(id, "input", () => {
      clearTimeout(typing);
      const value = byId(id).value;
      typing = setTimeout(() => change({ [key]: value }, { replace: true }), 80);
    });
  }
  on("filters", "submit", (event) => event.preventDefault());
  on("track", "change", () => { change({ track: boards.findIndex((board) => board.name === byId("track").value), dataset: -1, compare: [] }); fill(); });
  on("dataset", "change", () => change({ dataset: Number(byId("dataset").value) }));
  on("family", "change", () => change({ family: byId("family").value }));
  on("reset", "click", () => { change({ ...START, track: state.track }); fill(); byId("search").focus(); });
  on("all", "click", () => change({ all: !state.all }));
  on("compare-jump", "click", () => go(byId("compare")));
  on("compare-clear", "click", () => { change({ compare: [] }); byId("compare-jump").scrollIntoView({ block: "nearest" }); });
  on("heat-choice", "change", (event) => change({ heat: event.target.value }));
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));
  // Links within the page must not replace the state in the address.
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.('a[href^="#"]')?.getAttribute("href");
    if (!target) return;
    event.preventDefault();
    go(byId(target.slice(1)));
  });
  addEventListener("popstate", restore);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(selection()));
  addEventListener("load", () => {
    embed = window.vegaEmbed;
    delete window.vegaEmbed;
    drawCharts(selection());
  });
}
function go(part) {
  part?.scrollIntoView();
  part?.focus({ preventScroll: true });
}
headings();
fill();
draw();
listen();
document.documentElement.dataset.ready = "yes";
performance.mark("ready");
