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
  const cells = MEASUREMENTS.map((column) => cellOf(column, estimateOf(row, column.key)));
  return make("tr", { class: chosen ? "chosen" : null, "data-slug": row.slug },
    make("td", { class: "rank" }, row.rank ? String(row.rank[0]) : NOTHING, row.rank && row.rank[1] !== null ? make("span", { class: "interval" }, `(${row.rank[1]}\u2013${row.rank[2]})`) : null),
    make("th", { scope: "row", class: "name" }, make("span", { class: "pick" }, box, linkTo(row), make("span", { class: "phone" }, glyph(row.family), make("span", { class: "hidden" }, row.family)))),
    make("td", { class: "left" }, make("span", { class: "family" }, glyph(row.family), row.family)),
    ...cells,
    ...COSTS.map((cost) => make("td", {}, cost.words(row))),
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
  const where = state.dataset < 0 ? "Measurements are means over the track\u2019s datasets, each as heavy as the others." : `Measurements are those on ${board.datasets[state.dataset].name}; ranks are of the whole track.`;
  byId("ranking-note").textContent = `${where} CPU time: to a trained classifier, over all datasets.`;
  const first = visible.length < ranked.length ? `, the first ${visible.length} in the table` : "";
  byId("status").textContent = `${ranked.length} of ${total} ranked methods shown${first}.`;
}
function drawOthers({ others }) {
  const table = byId("others");
  const words = { incomplete: "incomplete", untrusted: "not trusted", "test-chosen": "chosen on the test set" };
  table.tHead.replaceChildren(make("tr", {},
    ...[["entry", true], ["why", true], ["family", true], ...LEADING.map((column) => [column.title])].map(([title, left]) => make("th", { scope: "col", class: left ? "left" : null }, title))));
  const visible = state.all ? others : others.slice(0, FIRST);
  table.tBodies[0].replaceChildren(...visible.map((row) => make("tr", {},
    make("th", { scope: "row", class: "name" }, linkTo(row)),
    make("td", { class: "words" }, make("span", { class: `mark ${row.standing === "untrusted" ? "fail" : "warn"}` }, words[row.standing] ?? row.standing), ...row.reasons.map((reason) => make("div", {}, reason))),
    make("td", { class: "left" }, make("span", { class: "family" }, glyph(row.family), row.family)),
    ...LEADING.map((column) => cellOf(column, estimateOf(row, column.key))))));
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
  for (const column of MEASUREMENTS) lines.push(line(`${column.title}`, rows.map((row) => comparedCell(column, row, rows[0]))));
  for (const cost of COSTS) lines.push(line(cost.title, rows.map((row) => ratioCell(row, rows[0], cost))));
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
function ratioCell(row, first, cost) {
  const cell = make("td", {}, cost.words(row)), key = cost.key;
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
  if (state.heat === "gap") return [columnOf(GAP), estimateOf(row, GAP, dataset)];
  const own = estimateOf(row, AUC, dataset);
  const real = row.teacher === null ? null : estimateOf({ index: row.teacher }, AUC, dataset);
  return [columnOf(AUC), own && real && row.teacher !== row.index ? difference(own, real) : null];
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
      const [column, estimate] = heatCell(row, place);
      return cellOf(column, estimate, { class: estimate ? shade(estimate, column.scale, steps) : null });
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
      ...estimates.map((estimate, place) => cellOf(columnOf(AUC), estimate, { class: estimate && onClassifier[place] && estimate.value === worst ? "strong" : null })));
  }));
}

