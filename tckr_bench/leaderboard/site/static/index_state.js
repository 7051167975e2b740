// The index: reads the data once, draws everything from one state, and keeps that state in the address.
// Text from records enters the page as text nodes only.
const SCALE = 10000, FIRST = 100, FIRST_WIDE = 25, MOST_COMPARED = 6, MOST_BARS = 60, MOST_COLOURED = 5;
const MINUS = "\u2212", NOTHING = "\u00b7";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent), boards = data.tracks;
for (const board of boards) {
  board.rows = board.entries.name.map((_, index) => {
    const row = { index };
    for (const [key, values] of Object.entries(board.entries)) row[key] = values[index];
    row.text = [row.name, row.recipe, row.family, row.labels].join(" ").toLowerCase();
    return row;
  });
}

// Numbers -----------------------------------------------------------------------------------------------------------
function decode(columns, index, factor = SCALE) {
  const value = columns[0][index];
  if (value === null || value === undefined) return null;
  return { value: value / factor, low: (value - columns[1][index]) / factor, high: (value + columns[2][index]) / factor };
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

// Columns: how each is called, sorted and shown. `better` says in words which way is better. What they are is data. ------
const WAYS = { higher: "higher is better", lower: "lower is better", neither: null };
const ACCURACY = "accuracy", GAP = "accuracy-gap", AUC = "worst-auc", CPU = "pipeline-cpu-seconds", IMAGES = "images";
const MEASUREMENTS = data.columns.map((column) => ({ ...column, better: WAYS[column.better], most: column.better === "higher" }));
const LEADING = MEASUREMENTS.filter((column) => column.lead);
const COSTS = data.costs.map((cost) => ({
  ...cost, better: WAYS[cost.better], most: cost.better === "higher", sort: (row) => row[cost.key],
  words: (row) => (row[cost.key] === null ? NOTHING : cost.unit === "s" ? duration(row[cost.key]) : grouped(row[cost.key])),
}));
const columnOf = (key) => MEASUREMENTS.find((column) => column.key === key);
const COLUMNS = [
  { key: "rank", title: "rank", left: true, better: "lower is better", sort: (row) => row.rank && row.rank[0] * 1e4 + row.index },
  { key: "name", title: "method", left: true, sort: (row) => row.name.toLowerCase() },
  { key: "family", title: "family", left: true, sort: (row) => row.family },
  ...MEASUREMENTS,
  ...COSTS,
  { key: "pareto", title: "Pareto front", left: true, most: true, sort: (row) => row.pareto },
];
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
  return decode((dataset < 0 ? board.means : board.parts[dataset])[key], row.index, columnOf(key).factor);
};
function matches(row) {
  if (state.family && row.family !== state.family) return false;
  if (state.cpu !== "" && !(row[CPU] <= 60 * Number(state.cpu))) return false;
  if (state.images !== "" && !(row[IMAGES] <= Number(state.images))) return false;
  if (state.dataset >= 0 && estimateOf(row, ACCURACY) === null) return false;
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

