"""Drawings: deterministic, self-contained, and hostile labels stay labels."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from tckr_bench.board.charts import Curve, Point, beyond_frame, colours, pair_png, roc_svg, scatter_svg

HOSTILE = '</svg><script>alert("$x$")</script> $\\frac{1}{0}$ _a'


def points(label="lora"):
    return [
        Point("real data", "baseline", (0.84, 0.82, 0.86), (0.62, 0.60, 0.64), "#010101"),
        Point(label, "method", (0.82, 0.80, 0.84), (0.53, 0.51, 0.55), "#050001"),
        Point("memorizer", "control", (0.83, 0.81, 0.85), (0.61, 0.59, 0.63), "#020202"),
        Point("noise", "control", (0.10, 0.08, 0.12), (0.50, 0.48, 0.52), "#020202"),
    ]


def curves(label="lora"):
    alarms = np.linspace(0, 1, 4001)
    return [
        Curve("real data", "baseline", alarms, np.sqrt(alarms), "#010101"),
        Curve(label, "method", alarms, alarms, "#050001"),
        Curve("noise", "control", np.array([0.0, 1.0]), np.array([0.0, 1.0]), "#020202"),
    ]


def parsed(svg):
    return ElementTree.fromstring(svg.replace("<svg", '<svg xmlns:xlink="x"', 1))


@pytest.mark.parametrize(("draw", "what"), [(scatter_svg, points), (roc_svg, curves)])
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
        assert "var(--series-1)" in svg
        assert not re.search(r"#0[1-5]0[0-5]0[0-9]\b", svg)

    def test_hostile_labels_stay_text(self, draw, what):
        svg = draw(what(HOSTILE), identity="a")
        texts = ["".join(element.itertext()) for element in parsed(svg).iter() if element.tag.endswith("text")]
        assert any(text.strip("\u200b \n") == HOSTILE for text in texts)
        assert "<script" not in svg

    def test_a_single_point_can_be_drawn(self, draw, what):
        assert draw(what()[:1], identity="a").startswith("<svg")


def test_controls_far_from_everything_are_left_to_the_caption():
    assert [point.label for point in beyond_frame(points())] == ["noise"]
    svg = scatter_svg(points(), identity="a")
    assert ">memorizer<" in svg
    assert ">noise<" not in svg


def test_long_curves_are_thinned_to_what_can_be_seen():
    assert len(roc_svg(curves(), identity="a")) < 60_000


def test_each_method_has_a_colour_baseline_and_controls_none_of_theirs():
    chosen = colours([("teacher", "baseline"), ("a", "method"), ("b", "method"), ("noise", "control")])
    assert len(set(chosen.values())) == 4


def test_pairs_are_enlarged_without_smoothing():
    real = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    png = pair_png(real, real[:1, :1], height=8)
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (8, 8 + 2 + 8, 4)
    np.testing.assert_array_equal(picture[:8, :8, :3], real.repeat(4, axis=0).repeat(4, axis=1))
    assert (picture[:, 10:, :3] == real[0, 0]).all()
    assert (picture[:, 8:10, 3] == 0).all()
    assert png == pair_png(real, real[:1, :1], height=8)
