"""Laws of the plan: what is here is planned as it is, what is not as it was published, and a run needs it here."""

import dataclasses

import pytest

from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.plan import make_plan
from tckr_bench.engine.store import Store
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import DatasetDescription

PUBLISHED = DatasetDescription("elsewhere", ("a", "b"), {"train": 700, "test": 300}, "published", "8x8", "a hub", "MIT")


class Elsewhere:
    def describe(self):
        raise DatasetError("the dataset 'elsewhere' is not here")


@pytest.fixture
def registry():
    found = Registry(dict(default_registry().registrations))
    entry = found.get("dataset", "digits")
    for name, load, known in (("elsewhere", Elsewhere, PUBLISHED), ("nowhere", Elsewhere, None)):
        component = dataclasses.replace(
            entry.component, name=name, load=lambda _, load=load: load(), published=lambda _, known=known: known
        )
        found.add(dataclasses.replace(entry, component=component))
    return found


def plan(registry, tmp_path, *datasets, **options):
    matrix = load_matrix("smoke", registry, datasets=datasets)
    return make_plan(matrix, registry, Store(tmp_path), jobs=1, **options)


def test_a_plan_to_look_at_takes_published_sizes_for_what_is_not_here(registry, tmp_path):
    made = plan(registry, tmp_path, "digits", "elsewhere", "nowhere", lenient=True)
    assert set(made.published) == {"elsewhere"}
    assert made.descriptions["elsewhere"] == PUBLISHED
    assert set(made.unavailable) == {"nowhere"}
    assert {cell.dataset.label for cell in made.graph.cells.values()} == {"digits", "elsewhere"}


def test_a_run_needs_every_dataset_here(registry, tmp_path):
    with pytest.raises(DatasetError, match="not here"):
        plan(registry, tmp_path, "digits", "elsewhere")


def test_published_sizes_can_be_asked_for(registry, tmp_path):
    entry = registry.registrations.pop(("dataset", "digits"))
    registry.add(
        dataclasses.replace(entry, component=dataclasses.replace(entry.component, published=lambda _: PUBLISHED))
    )
    assert plan(registry, tmp_path, "digits", lenient=True).published == set()
    assert plan(registry, tmp_path, "digits", lenient=True, published=True).published == {"digits"}
