"""The index as people use it, in a real browser: no network, no complaint, keyboard alone, nothing injected."""

import csv
import io
import re
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_standings import made_standings

from tckr_bench.leaderboard.site.build import build_site
from tckr_bench.leaderboard.site.index import index_page
from tckr_bench.leaderboard.site.server import site_server
from tckr_bench.leaderboard.site.sources import Sources

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
PATIENCE = 120_000
"""Milliseconds to wait for what must come; a busy machine is no fault of the page."""
expect.set_options(timeout=PATIENCE)
pytestmark = pytest.mark.slow
LINKS = "links => links.map(link => link.getAttribute('href'))"
HANDLERS = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => /^on/.test(a.name)).length"
INJECTED = """() => {
  const script = document.createElement("script");
  script.textContent = "window.taken = 1";
  document.body.append(script);
}"""
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    return build_site([made_standings(2, 12)], sources=Sources(folder / "none"), out=folder / "site").parent


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "index.html"
    path.write_text(index_page([made_standings(2, 12, hostile=True)]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "index.html"
    path.write_text(index_page([made_standings(10, 500, seeds=1)]), encoding="utf-8")
    return path


@contextmanager
def opened(browser, address, *, size=DESK, scheme="light", offline=True, charts=False):
    """Open a page; fails if it asks another host for anything or if the console says a word."""
    context = browser.new_context(viewport=size, color_scheme=scheme, offline=offline)
    context.set_default_timeout(PATIENCE)
    said, asked = [], []
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(str(address))
    page.locator("html[data-charts]" if charts else "html[data-ready]").wait_for(state="attached")
    yield page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "http://127.0.0.1:"))] == []


def address_of(path: Path, state: str = "") -> str:
    return path.as_uri() + state


def column(page, key: str) -> list[str]:
    """Return what a column of the ranking shows, without intervals."""
    place = page.locator(f'#leaders th[data-key="{key}"]').evaluate("cell => cell.cellIndex")
    cells = page.locator("#leaders tbody tr").evaluate_all(
        f"rows => rows.map(row => row.cells[{place}].childNodes[0]?.textContent ?? '')"
    )
    return [cell.replace("−", "-") for cell in cells]


def names(page) -> list[str]:
    return page.locator("#leaders tbody th a").all_text_contents()


def test_the_index_draws_its_charts_without_a_network_or_a_complaint(browser, site):
    with opened(browser, address_of(site / "index.html"), charts=True) as page:
        for chart in ("scatter", "curve-accuracy", "curve-auc"):
            drawn = page.locator(f"#{chart} canvas").evaluate(
                "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
            )
            assert drawn > 5, f"{chart} is blank"
        assert page.evaluate("typeof window.vegaEmbed") == "undefined"


def test_every_link_of_the_index_leads_to_a_page(browser, site):
    with opened(browser, address_of(site / "index.html")) as page:
        targets = set(page.locator("a").evaluate_all(LINKS))
    assert len(targets) > 15
    for target in targets:
        if not target.startswith("#"):
            assert (site / target).is_file(), target


@pytest.mark.parametrize("key", ["accuracy", "worst-auc", "aop", "accuracy-gap", "worst-tpr-at-1-fpr"])
def test_a_heading_sorts_by_its_column_and_says_so(browser, site, key):
    with opened(browser, address_of(site / "index.html")) as page:
        heading = page.locator(f'#leaders th[data-key="{key}"]')
        heading.get_by_role("button").focus()
        page.keyboard.press("Enter")
        first = heading.get_attribute("aria-sort")
        shown = [float(value) for value in column(page, key) if value != "·"]
        assert shown == sorted(shown, reverse=first == "descending")
        page.keyboard.press("Enter")
        again = [float(value) for value in column(page, key) if value != "·"]
        assert again == shown[::-1]
        assert {first, heading.get_attribute("aria-sort")} == {"ascending", "descending"}
        assert page.locator("#leaders th[aria-sort]").count() == 1


def test_filters_leave_what_fits_and_announce_how_many(browser, site):
    with opened(browser, address_of(site / "index.html")) as page:
        page.get_by_label("Family").select_option("defence")
        assert set(column(page, "family")) == {"defence"}
        assert names(page) == ["dp-sgd-8", "stopped", "dp-sgd-1"]
        status = page.locator("#status")
        assert status.get_attribute("aria-live") == "polite"
        assert status.text_content().startswith("3 of 9 ranked methods")
        page.get_by_label("CPU minutes at most").fill("1")
        expect(page.locator("#leaders tbody tr")).to_have_count(1)
        assert names(page) == ["stopped"]
        page.get_by_role("button", name="Reset").click()
        page.get_by_label("Search").fill("hard 0.5x")
        expect(page.locator("#leaders tbody tr")).to_have_count(1)
        page.get_by_label("Search").fill("nothing of the kind")
        expect(page.locator("#leaders tbody tr")).to_have_count(0)
        assert page.get_by_text("No ranked method fits these filters.").is_visible()


def test_a_chosen_dataset_shows_its_own_measurements(browser, site):
    board = made_standings(2, 12)
    with opened(browser, address_of(site / "index.html")) as page:
        page.get_by_label("Measurements").select_option(label="digits")
        shown = dict(zip(names(page), column(page, "accuracy"), strict=True))
    expected = {
        entry.name: f"{100 * entry.results['digits'].row.get('accuracy').value:.1f}"
        for entry in board.entries
        if entry.standing == "ranked"
    }
    assert shown == expected


def test_what_is_not_ranked_stands_below_with_its_reason(browser, site):
    board = made_standings(2, 12)
    with opened(browser, address_of(site / "index.html")) as page:
        rows = page.locator("#others tbody tr").all_text_contents()
    for entry in board.entries:
        if entry.standing not in ("ranked", "control"):
            assert any(entry.name in row and all(reason in row for reason in entry.reasons) for row in rows)
    assert len(rows) == 3


def test_two_chosen_methods_stand_side_by_side_with_their_difference(browser, site):
    first, second = (entry for entry in made_standings(2, 12).entries[:2])
    with opened(browser, address_of(site / "index.html")) as page:
        for entry in (first, second):
            page.get_by_label(f"Compare {entry.name}", exact=True).check()
        row = page.locator("#compared tbody tr", has_text="accuracy, %").text_content()
        words = page.locator("#compare").text_content()
        page.get_by_role("button", name="Compare 2 chosen").click()
        assert page.evaluate("document.activeElement.id") == "compare"
    change = 100 * (round(second.get("accuracy").value, 4) - round(first.get("accuracy").value, 4))
    assert f"{change:+.1f} (" in row
    assert "unpaired" in words


def test_the_address_holds_the_view_and_back_takes_a_step_back(browser, site):
    with opened(browser, address_of(site / "index.html")) as page:
        page.get_by_label("Family").select_option("synthetic")
        page.locator('#leaders th[data-key="worst-auc"] button').click()
        page.get_by_label("Measurements").select_option(label="digits")
        page.get_by_label("change in the worst AUC").check()
        page.locator("#leaders tbody input").first.check()
        seen, table = page.url, page.locator("#leaders").inner_text()
        page.reload()
        page.locator("html[data-ready]").wait_for(state="attached")
        assert page.url == seen
        assert page.locator("#leaders").inner_text() == table
        assert page.get_by_label("Family").input_value() == "synthetic"
        assert page.get_by_label("change in the worst AUC").is_checked()
        assert page.locator("#compared thead th").count() == 1
        page.go_back()
        expect(page.locator("#compare")).to_be_hidden()
        page.go_back()
        expect(page.get_by_label("accuracy lost, points")).to_be_checked()


def test_an_address_of_nonsense_shows_the_plain_board(browser, site):
    state = "#track=x&dataset=y&family=<b>&cpu=minus&images=-1&sort=__proto__&heat=z&compare=a,b"
    with opened(browser, address_of(site / "index.html", state)) as page:
        assert len(names(page)) == 9
        assert page.locator("#compare").is_hidden()


def test_links_within_the_page_keep_the_view(browser, site):
    with opened(browser, address_of(site / "index.html", "#family=synthetic")) as page:
        page.get_by_role("link", name="Controls").click()
        assert page.url.endswith("#family=synthetic")
        assert page.evaluate("document.activeElement.id") == "controls"


def test_the_shown_table_is_copied_as_csv_latex_and_markdown(browser, site):
    with site_server(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with opened(browser, f"http://127.0.0.1:{server.server_port}/#family=synthetic", offline=False) as page:
            page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            copied = {}
            for name in ("CSV", "LaTeX", "Markdown"):
                page.get_by_role("button", name=name).click()
                expect(page.locator("#copied")).to_have_text(f"Copied 5 rows as {name}.")
                copied[name] = page.evaluate("navigator.clipboard.readText()")
        server.shutdown()
    rows = list(csv.DictReader(io.StringIO(copied["CSV"])))
    best = made_standings(2, 12).entries[0]
    assert rows[0]["method"] == best.name
    assert float(rows[0]["accuracy"]) == round(best.get("accuracy").value, 4)
    assert float(rows[0]["worst_auc_low"]) == pytest.approx(best.get("worst-auc").low, abs=2e-4)
    assert copied["LaTeX"].count(r"\\") == 6
    assert "\\%" in copied["LaTeX"]
    assert len({line.count(" | ") for line in copied["Markdown"].splitlines()[2:]}) == 1


@pytest.mark.parametrize("kind", ["site", "hostile", "large"])
def test_a_phone_need_not_scroll_sideways(browser, site, hostile, large, kind):
    path = {"site": site / "index.html", "hostile": hostile, "large": large}[kind]
    with opened(browser, address_of(path), size=PHONE, charts=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_nobody_is_kept_out(browser, site, scheme, size):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with opened(browser, address_of(site / "index.html"), scheme=scheme, size=size, charts=True) as page:
        page.locator("#leaders tbody input").first.check()
        found = axe.run(page).response["violations"]
    serious = [
        (fault["id"], node["target"], node["failureSummary"])
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
    assert serious == []


def test_hostile_words_stay_words(browser, hostile):
    with opened(browser, address_of(hostile)) as page:
        assert page.title().startswith("Synthetic against real data")
        assert page.locator("img, iframe, object, main script, main style").count() == 0
        assert page.locator("script").count() == 4
        assert page.evaluate(HANDLERS) == 0
        hrefs = page.locator("a").evaluate_all(LINKS)
        text = page.locator("main").inner_text()
    assert all(re.fullmatch(r"(#|methods/|datasets/|index\.html)[\w./-]*", href) for href in hrefs)
    assert "<img src=x onerror=" in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", text)


def test_a_script_that_did_not_come_with_the_page_does_not_run(browser, site):
    context = browser.new_context(offline=True)
    page = context.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(address_of(site / "index.html"))
    page.evaluate(INJECTED)
    assert page.evaluate("window.taken") is None
    assert any("Content Security Policy" in words for words in refused)
    context.close()


def test_five_hundred_methods_on_ten_datasets_fit_into_two_megabytes_and_a_hundred_rows(browser, large):
    assert large.stat().st_size < 2_000_000
    with opened(browser, address_of(large)) as page:
        assert len(names(page)) == 100
        page.get_by_role("button", name="Show all 497 in every table").click()
        assert len(names(page)) == 497
        assert page.url.endswith("#all=1")
        assert page.locator("#paper table").count() == 1
