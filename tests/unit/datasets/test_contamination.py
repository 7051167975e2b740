"""Laws of contamination: images before classes, and nothing is clean that is not known to be."""

import dataclasses

import pytest

from tckr_bench.datasets.contamination import judge_contamination
from tckr_bench.records import DatasetDescription, Pretraining

SEEN = Pretraining({"cifar100": ("beaver", "aquarium fish")}, ("beaver", "aquarium fish", "zero"), "public images")


def dataset(name, *classes):
    return DatasetDescription(name, classes, {"train": 1, "test": 1}, "f", "32x32", "here", "none")


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (dataset("cifar100", "apple", "beaver"), "images"),
        (dataset("cifar100", "apple", "crab"), "none"),
        (dataset("animals", "Aquarium_Fish", "crab"), "classes"),
        (dataset("animals", "crab", "fox"), "none"),
    ],
)
def test_a_dataset_is_judged_by_the_classes_it_has(given, verdict):
    assert judge_contamination(SEEN, given) == verdict


def test_what_is_not_known_is_never_called_clean():
    clean = dataset("animals", "crab", "fox")
    assert judge_contamination(None, clean) == "unknown"
    assert judge_contamination(dataclasses.replace(SEEN, known=False), clean) == "unknown"


def test_images_that_are_known_to_be_in_count_even_where_the_rest_is_unknown():
    partly = dataclasses.replace(SEEN, known=False)
    assert judge_contamination(partly, dataset("cifar100", "beaver")) == "images"
