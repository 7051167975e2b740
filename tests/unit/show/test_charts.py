"""Drawings: deterministic, self-contained, and hostile labels stay labels."""

from __future__ import annotations

import dataclasses
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tckr_bench.show.charts import (
    Curve,
    Point,
    ScoreSample,
    histogram_svg,
    pareto_front,
    roc_svg,
    tradeoff_svg,
)
from tckr_bench.show.drawing import colours
from tckr_bench.show.pictures import pair_png

HOSTILE = '</svg><script>alert("$x$")</script> $\\frac{1}{0}$ _a'


def points(label="lora"):
    rates = [(0.05, 0.03, 0.07), (0.012, 0.006, 0.02), (0.011, 0.005, 0.019)]
    return [
        Point("real data", "baseline", (0.84, 0.82, 0.86), (0.62, 0.60, 0.64), "#010101", rates[0]),
        Point("dp-sgd", "defended", (0.74, 0.72, 0.76), (0.52, 0.50, 0.54), "#050002", rates[2]),
        Point(label, "method", (0.82, 0.80, 0.84), (0.53, 0.51, 0.55), "#050001", rates[1]),
    ]


def samples(label="lora"):
    generator = np.random.default_rng(0)
    return [ScoreSample(name, generator.normal(1, 1, 200), generator.normal(size=100)) for name in ("real data", label)]


def curves(label="lora"):
    alarms = np.linspace(0, 1, 4001)
    return [
        Curve("real data", "baseline", alarms, np.sqrt(alarms), "#010101"),
        Curve(label, "method", alarms, alarms, "#050001"),
        Curve("noise", "control", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "#020202"),
    ]


def parsed(svg):
    return ElementTree.fromstring(svg.replace("<svg", '<svg xmlns:xlink="x"', 1))


@pytest.mark.parametrize(("draw", "what"), [(tradeoff_svg, points), (roc_svg, curves), (histogram_svg, samples)])
class TestDrawings:
    def test_drawing_again_gives_the_same_bytes(self, draw, what):
        assert draw(what(), identity="a") == draw(what(), identity="a")

    def test_ids_of_two_drawings_do_not_meet(self, draw, what):
        ids = [set(re.findall(r'\bid="([^"]+)"', draw(what(), identity=name))) for name in ("a", "b")]
        assert ids[0]
        assert not ids[0] & ids[1]

    def test_links_lead_to_ids_of_the_drawing(self, draw, what):
        svg = draw(what(), identity="a")
        used = re.findall(r'(?:url\(|href=")#([^)"]+)', svg)
        assert used
        assert set(used) <= set(re.findall(r'\bid="([^"]+)"', svg))

    def test_nothing_leads_outside_and_nothing_dates_it(self, draw, what):
        svg = draw(what(), identity="a")
        assert "http" not in svg
        assert "<metadata" not in svg

    def test_colours_are_variables_of_the_page(self, draw, what):
        svg = draw(what(), identity="a")
        assert "var(--ink)" in svg
        assert "var(--series-" in svg
        assert not re.search(r"#0[1-5]0[0-5]0[0-9]\b", svg)

    def test_hostile_labels_stay_text(self, draw, what):
        svg = draw(what(HOSTILE), identity="a")
        texts = ["".join(element.itertext()) for element in parsed(svg).iter() if element.tag.endswith("text")]
        assert any(text.strip("\u200b \n") == HOSTILE for text in texts)
        assert "<script" not in svg

    def test_a_single_point_can_be_drawn(self, draw, what):
        assert draw(what()[:1], identity="a").startswith("<svg")


def test_a_panel_more_is_drawn_where_found_members_are_known():
    both = tradeoff_svg(points(), identity="a")
    assert "members found at 1 % false alarms" in both
    assert both.count(">real data<") == 2
    unknown = tradeoff_svg([dataclasses.replace(point, tpr=None) for point in points()], identity="a")
    assert "members found at 1 % false alarms" not in unknown


def test_the_front_is_drawn_unless_nothing_is_ranked():
    wide = "stroke-width: 5"
    assert wide in tradeoff_svg(points(), identity="a")
    assert wide not in tradeoff_svg(points(), identity="a", front=False)


def test_the_front_leaves_out_what_another_beats_in_both():
    places = [(0.60, 84.0), (0.52, 80.0), (0.55, 79.0), (0.58, 82.0), (0.62, 83.0)]
    assert pareto_front(places, 0.5) == [(0.52, 80.0), (0.58, 82.0), (0.60, 84.0)]


def test_less_success_than_guessing_is_no_safer_than_guessing():
    # both count as 0.5, where the more accurate one is the better; it is drawn where it was found
    assert pareto_front([(0.45, 70.0), (0.49, 75.0), (0.6, 80.0)], 0.5) == [(0.49, 75.0), (0.6, 80.0)]


def test_scores_far_out_and_scores_all_alike_can_be_drawn():
    far = ScoreSample("far", np.array([*range(100), 1e12]), np.arange(100.0))
    alike = ScoreSample("alike", np.zeros(9), np.zeros(9))
    assert histogram_svg([far, alike, alike], identity="a").startswith("<svg")


def test_long_curves_are_thinned_to_what_can_be_seen():
    assert len(roc_svg(curves(), identity="a")) < 60_000


def test_each_method_has_a_colour_baseline_and_controls_none_of_theirs():
    rows = [("teacher", "baseline"), ("dp", "defended"), ("a", "method"), ("b", "method"), ("noise", "control")]
    chosen = colours(rows)
    assert len(set(chosen.values())) == 5


def test_pairs_are_enlarged_without_smoothing():
    real = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    png = pair_png(real, real[:1, :1], height=8)
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (8, 8 + 2 + 8, 4)
    np.testing.assert_array_equal(picture[:8, :8, :3], real.repeat(4, axis=0).repeat(4, axis=1))
    assert (picture[:, 10:, :3] == real[0, 0]).all()
    assert (picture[:, 8:10, 3] == 0).all()
    assert png == pair_png(real, real[:1, :1], height=8)
