"""Drawings: deterministic, self-contained, and hostile labels stay labels."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tckr_bench.leaderboard.site.galleries import beside_png
from tckr_bench.show import charts
from tckr_bench.show.chart_parts import INK, LONG, MUTED, SERIES, colours, shortened
from tckr_bench.show.charts import (
    LABELLED,
    LOWEST_RATE,
    Curve,
    Point,
    ScoreSample,
    histogram_svg,
    pareto_front,
    roc_svg,
    tradeoff_svg,
)
from tckr_bench.show.label_places import Box, Spot, place_labels

HOSTILE = '</svg><script>alert("$x$")</script> $\\frac{1}{0}$ _a'
ANY_LABEL = [
    HOSTILE,
    "$x$ {{x}}",
    "datum.x; alert(1)",
    "two\nlines\x1b[31m",
    "'\"",
    "x" * 500,
    "_",
    "null",
    "1e3",
    "&amp;",
]


def points(label="lora"):
    rates = [(0.05, 0.03, 0.07), (0.012, 0.006, 0.02), (0.011, 0.005, 0.019)]
    return [
        Point("real data", "baseline", (0.84, 0.82, 0.86), (0.62, 0.60, 0.64), INK, rates[0]),
        Point("dp-sgd", "defended", (0.74, 0.72, 0.76), (0.52, 0.50, 0.54), SERIES[1], rates[2]),
        Point(label, "method", (0.82, 0.80, 0.84), (0.53, 0.51, 0.55), SERIES[0], rates[1]),
    ]


def samples(label="lora"):
    generator = np.random.default_rng(0)
    return [ScoreSample(name, generator.normal(1, 1, 200), generator.normal(size=100)) for name in ("real data", label)]


def curves(label="lora"):
    alarms = np.linspace(0, 1, 4001)
    return [
        Curve("real data", "baseline", alarms, np.sqrt(alarms), INK),
        Curve(label, "method", alarms, alarms, SERIES[0]),
        Curve("noise", "control", np.array([0.0, 1.0]), np.array([0.0, 1.0]), MUTED),
    ]


def words_of(svg):
    """Parse SVG and return the texts that can be seen."""
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()) for element in elements if element.get("opacity") != "0"]


@pytest.mark.parametrize(("draw", "what"), [(tradeoff_svg, points), (roc_svg, curves), (histogram_svg, samples)])
class TestCharts:
    def test_drawing_again_gives_the_same_bytes(self, draw, what):
        assert draw(what()) == draw(what())

    def test_many_may_stand_in_a_page_since_none_has_ids(self, draw, what):
        assert not re.search(r"""\sid=|url\(|href=""", draw(what()))

    def test_a_policy_without_inline_styles_and_scripts_is_kept(self, draw, what):
        svg = draw(what(HOSTILE))
        assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=", svg)
        for elements in ElementTree.fromstring(svg).iter():
            assert elements.tag.removeprefix("{http://www.w3.org/2000/svg}") in {"svg", "g", "path", "line", "text"}

    def test_nothing_leads_outside(self, draw, what):
        assert set(re.findall(r'http[^"]*', draw(what()))) == {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }

    def test_it_is_a_picture_with_a_name(self, draw, what):
        root = ElementTree.fromstring(draw(what()))
        assert root.get("role") == "img"
        assert len(root.get("aria-label")) > 10

    def test_colours_are_variables_of_the_page(self, draw, what):
        painted = set(re.findall(r'(?:fill|stroke)="([^"]*)"', draw(what())))
        assert {"var(--ink)", "var(--rule)", "var(--muted)"} <= painted
        assert all(
            re.fullmatch(r"none|transparent|var\(--(ink|muted|rule|paper|series-[1-6])\)", paint) for paint in painted
        )

    def test_no_font_is_asked_for(self, draw, what):
        assert set(re.findall(r'font-family="([^"]*)"', draw(what()))) == {"sans-serif"}

    @pytest.mark.parametrize("label", ANY_LABEL)
    def test_any_label_stays_text(self, draw, what, label):
        words = words_of(draw(what(label)))
        assert any(text.removesuffix(", lira") in (shortened(label), shortened(label, LONG)) for text in words)

    def test_a_single_one_can_be_drawn(self, draw, what):
        assert draw(what()[:1]).startswith("<svg")


def test_a_panel_more_is_drawn_where_found_members_are_known():
    both = words_of(tradeoff_svg(points()))
    assert any("members the worst attack finds at 1 % false alarms" in text for text in both)
    assert both.count("real data") == 2
    unknown = words_of(tradeoff_svg([dataclasses.replace(point, tpr=None) for point in points()]))
    assert unknown.count("real data") == 1
    assert not any("members the worst attack finds at 1 % false alarms" in text for text in unknown)


def test_the_front_is_drawn_unless_nothing_is_ranked():
    wide = 'stroke-width="5"'
    assert wide in tradeoff_svg(points())
    assert wide not in tradeoff_svg(points(), front=False)


def test_of_many_points_those_of_the_front_and_real_data_are_named():
    worse = [
        Point(f"worse {place}", "method", (0.5, 0.4, 0.6), (0.6, 0.5, 0.7), SERIES[2]) for place in range(LABELLED)
    ]
    words = words_of(tradeoff_svg([*points(), *worse]))
    assert {"real data", "lora"} <= set(words)
    assert not any(text.startswith("worse") for text in words)
    assert "worse 3" in words_of(tradeoff_svg([*points(), *worse[: LABELLED - 3]][::-1]))


def test_the_front_leaves_out_what_another_beats_in_both():
    places = [(0.60, 84.0), (0.52, 80.0), (0.55, 79.0), (0.58, 82.0), (0.62, 83.0)]
    assert pareto_front(places, 0.5) == [(0.52, 80.0), (0.58, 82.0), (0.60, 84.0)]


def test_less_success_than_guessing_is_no_safer_than_guessing():
    # both count as 0.5, where the more accurate one is the better; it is drawn where it was found
    assert pareto_front([(0.45, 70.0), (0.49, 75.0), (0.6, 80.0)], 0.5) == [(0.49, 75.0), (0.6, 80.0)]


def test_scores_far_out_and_scores_all_alike_can_be_drawn():
    far = ScoreSample("far", np.array([*range(100), 1e12]), np.arange(100.0))
    alike = ScoreSample("alike", np.zeros(9), np.zeros(9))
    assert histogram_svg([far, alike, alike]).startswith("<svg")


def drawn_rates(curve):
    """Return the true positive rates that the drawn steps of a curve have at rising false positive rates."""
    alarms, hits = charts._visible(curve)
    rates = np.geomspace(LOWEST_RATE, 1, 1000)
    place = np.searchsorted(alarms, rates, side="right")
    return rates, np.where(place > 0, hits[place - 1], LOWEST_RATE)


@pytest.mark.parametrize("power", [0.3, 1.0, 2.0])
def test_long_curves_are_thinned_to_what_can_be_seen(power):
    alarms = np.linspace(0, 1, 100_001)
    curve = Curve("a", "method", alarms, alarms**power, INK)
    assert len(charts._visible(curve)[0]) < 400
    rates, drawn = drawn_rates(curve)
    dots = 130 * np.abs(np.log10(drawn) - np.log10(np.maximum(rates**power, LOWEST_RATE)))
    assert dots.max() < 4 * max(1, power)


def test_a_curve_without_false_alarms_starts_at_its_height():
    curve = Curve("a", "method", np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.4, 0.7, 1.0]), INK)
    rates, drawn = drawn_rates(curve)
    np.testing.assert_array_equal(drawn, np.where(rates < 0.5, 0.4, np.where(rates < 1, 0.7, 1.0)))


def test_a_curve_that_finds_nobody_rises_only_where_the_last_are_accused():
    curve = Curve("a", "method", np.array([0.0, 1.0]), np.array([0.0, 1.0]), INK)
    alarms, hits = charts._visible(curve)
    assert (alarms.tolist(), hits.tolist()) == ([LOWEST_RATE, 1.0], [LOWEST_RATE, 1.0])


def test_a_curve_below_the_axes_rises_from_them():
    curve = Curve("a", "method", np.array([0.0, 0.02, 0.02, 1.0]), np.array([0.0, 0.0, 0.3, 1.0]), INK)
    alarms, hits = charts._visible(curve)
    assert (alarms.tolist(), hits.tolist()) == ([0.02, 0.02, 1.0], [LOWEST_RATE, 0.3, 1.0])


def test_names_of_neighbours_do_not_cover_each_other_nor_leave_the_panel():
    random = np.random.default_rng(0)
    for _ in range(20):
        places = random.uniform(40, 260, size=(8, 2))
        spots = [Spot("a name", INK, x, y, Box(x - 9, y - 9, x + 9, y + 9)) for x, y in places]
        found = place_labels(spots, width=300, height=300)
        boxes = [Box(place.x, place.y - 6, place.x + 37, place.y + 6) for place in found]
        assert len(boxes) == 8
        assert all(one.overlap(other) == 0 for one, other in itertools.combinations(boxes, 2))
        assert all(box.left >= 0 and box.right <= 300 and box.top >= 0 and box.bottom <= 300 for box in boxes)


def test_each_method_has_a_colour_baseline_and_controls_none_of_theirs():
    rows = [("teacher", "baseline"), ("dp", "defended"), ("a", "method"), ("b", "method"), ("noise", "control")]
    chosen = colours(rows)
    assert len(set(chosen.values())) == 5


def test_pairs_are_enlarged_without_smoothing():
    real = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    png = beside_png([real, real[:1, :1]], height=8)
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (8, 8 + 2 + 8, 4)
    np.testing.assert_array_equal(picture[:8, :8, :3], real.repeat(4, axis=0).repeat(4, axis=1))
    assert (picture[:, 10:, :3] == real[0, 0]).all()
    assert (picture[:, 8:10, 3] == 0).all()
    assert png == beside_png([real, real[:1, :1]], height=8)
