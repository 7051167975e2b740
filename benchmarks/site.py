"""Time the leaderboard's index in a browser: how large it is, and how long until it answers to people.

The board is made up, of any size. Milliseconds from the start of a load, medians over several, each in a fresh context;
`ready` is when the tables stand and every control works, `charts` when the charts are drawn as well; then how long a
sort and showing every method take, from the event to the next painted frame.

    python benchmarks/site.py --methods 500 --datasets 10
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
MARK = "name => performance.getEntriesByName(name)[0].startTime"
ACT = """async (act) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const acts = {
    sort: () => document.querySelector('#leaders th[data-key="auc"] button').click(),
    all: () => document.getElementById("all").click(),
  };
  await frame();
  const start = performance.now();
  acts[act]();
  await frame();
  return performance.now() - start;
}"""


def main() -> None:
    """Make a board, build its index, load it again and again, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", type=int, default=500)
    parser.add_argument("--datasets", type=int, default=10)
    parser.add_argument("--loads", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.html"
        seconds = _build(path, chosen.methods, chosen.datasets)
        print(f"{chosen.methods} methods on {chosen.datasets} datasets: {path.stat().st_size / 1e6:.2f} MB")
        print(f"building the index: {seconds:.1f} s")
        for name, values in _measure(path, chosen.loads).items():
            print(f"{name:8} {statistics.median(values):7.0f} ms   ({min(values):.0f} to {max(values):.0f})")


def _build(path: Path, methods: int, datasets: int) -> float:
    from made_standings import made_standings

    from tckr_bench.leaderboard.site.index import index_page

    board = made_standings(datasets, methods, seeds=1)
    start = time.perf_counter()
    path.write_text(index_page([board]), encoding="utf-8")
    return time.perf_counter() - start


def _measure(path: Path, loads: int) -> dict[str, list[float]]:
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        for _ in range(loads):
            context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
            for name, value in _load(context.new_page(), path).items():
                found.setdefault(name, []).append(value)
            context.close()
        browser.close()
    return found


def _load(page: Any, path: Path) -> dict[str, float]:  # noqa: ANN401 - a page of a browser
    page.goto(path.as_uri())
    page.locator("html[data-charts]").wait_for(state="attached")
    marks = {name: page.evaluate(MARK, name) for name in ("ready", "charts")}
    return {**marks, **{act: page.evaluate(ACT, act) for act in ("sort", "all")}}


if __name__ == "__main__":
    main()
