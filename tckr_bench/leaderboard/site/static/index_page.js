// Copying -----------------------------------------------------------------------------------------------------------
function copied(kind) {
  const { ranked } = selection(), rows = state.all ? ranked : ranked.slice(0, FIRST);
  if (kind === "csv") return csv(rows);
  const titles = COLUMNS.map((column) => column.title);
  const cells = rows.map((row) => [rankOf(row), row.name, row.family, ...MEASUREMENTS.map((column) => {
    const estimate = estimateOf(row, column.key);
    return estimate ? `${shown(column, estimate.value)} (${reach(column, estimate)})` : "";
  }), ...COSTS.map((cost) => cost.words(row)), row.pareto ? "yes" : ""]);
  return kind === "latex" ? latex(titles, cells) : markdown(titles, cells);
}
function csv(rows) {
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const named = (key) => key.replaceAll("-", "_");
  const titles = ["rank", "rank_low", "rank_high", "method", "family", ...MEASUREMENTS.flatMap(({ key }) => ["", "_low", "_high"].map((end) => named(key) + end)), ...COSTS.map(({ key }) => named(key)), "pareto"];
  const lines = rows.map((row) => [...(row.rank ?? ["", "", ""]), row.name, row.family, ...MEASUREMENTS.flatMap(({ key, factor }) => {
    const estimate = estimateOf(row, key);
    return estimate ? [estimate.value, estimate.low, estimate.high].map((value) => Math.round(value * factor) / factor) : ["", "", ""];
  }), ...COSTS.map(({ key }) => row[key]), Boolean(row.pareto)]);
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
