import importlib.util
import json
from pathlib import Path

import pytest
from tckr_plugins.datasets.catalogue import CATALOGUE, CONVERTED
from tckr_plugins.datasets.naming import match_classes, spelling_key

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry

BY_NAME = {spec.name: spec for spec in CATALOGUE}
PAPER = Path(__file__).parents[4] / "../shared/paper"
CLASSES = {
    "cifar10": 10,
    "cifar100": 100,
    "oxford_pets": 37,
    "tiny_imagenet": 200,
    "stanford_cars": 196,
    "food101": 101,
    "stl10": 10,
    "imagewoof": 10,
    "imagenette": 10,
    "caltech101": 102,
}


def test_the_group_stands_for_all_ten():
    entries = default_registry().group("paper-ten", "dataset")
    assert [entry.component.name for entry in entries] == list(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_dataset_is_known_as_published_without_its_files(name):
    component = default_registry().get("dataset", name).component
    description = component.published(component.parse_options({}))
    assert description.name == name
    assert len(description.class_names) == CLASSES[name]
    assert description.fingerprint == "published"
    assert set(description.counts) == {"train", "test"}
    assert min(description.counts.values()) >= len(description.class_names)


def test_a_copy_without_a_test_split_is_published_as_it_is_split_here():
    component = default_registry().get("dataset", "oxford_pets").component
    options = component.parse_options({"source": "Isamu136/oxford_pets_with_l14_emb"})
    assert dict(component.published(options).counts) == {"train": 6_281, "test": 1_109}
    assert dict(component.published(component.parse_options({})).counts) == {"train": 3_680, "test": 3_669}


@pytest.mark.parametrize("name", CLASSES)
def test_every_spelling_means_one_class(name):
    spellings = BY_NAME[name].spellings
    keys = [spelling_key(text) for names in ([first, *others] for first, others in spellings.items()) for text in names]
    assert len(set(keys)) == len(keys)
    assert not any("_" in text or text != text.strip() for text in spellings)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"tiny_imagenet"}))
def test_classes_are_those_of_the_paper(name):
    if not (PAPER / "classes.json").is_file():
        pytest.skip("the paper's class names are not here")
    known = json.loads((PAPER / "classes.json").read_text())["datasets"][name]
    assert sorted(map(spelling_key, BY_NAME[name].class_names)) == sorted(map(spelling_key, known["classes"]))
    if name != "oxford_pets":  # the paper captioned its test images too
        assert BY_NAME[name].counts["train"] == known["training_images"]


def test_the_papers_copies_can_be_chosen():
    if not (PAPER / "reported.json").is_file():
        pytest.skip("the paper's identifiers are not here")
    for name, known in json.loads((PAPER / "reported.json").read_text())["datasets"].items():
        spec = BY_NAME[name]
        assert known["hub_id_used_by_paper"] in {source.id for source in (spec.source, *spec.alternatives)}


def test_label_orders_that_are_not_alphabetical():
    assert BY_NAME["imagewoof"].class_names[:3] == ("Australian terrier", "Border terrier", "Samoyed")
    assert BY_NAME["imagenette"].class_names[5:7] == ("French horn", "garbage truck")
    assert BY_NAME["stanford_cars"].class_names[1:6:4] == ("Acura RL Sedan 2012", "Acura Integra Type R 2001")
    assert BY_NAME["food101"].class_names[16:18] == ("cheesecake", "cheese plate")
    assert BY_NAME["oxford_pets"].class_names[:2] == ("Abyssinian", "american bulldog")


def test_the_converted_copies_name_their_configuration():
    for name in ("imagewoof", "imagenette"):
        source = BY_NAME[name].source
        assert (source.revision, source.configuration, source.test_split) == (CONVERTED, "full_size", "validation")


def test_wordnet_ids_are_named_as_imagenet_names_them():
    folder = Path(importlib.util.find_spec("timm").submodule_search_locations[0], "data", "_info")  # quicker than timm
    imagenet = set((folder / "imagenet_synsets.txt").read_text().split())
    lines = (folder / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    synonyms = dict(line.split("\t") for line in lines)
    for name in ("tiny_imagenet", "imagewoof", "imagenette"):
        for class_name, others in BY_NAME[name].spellings.items():
            assert others[0] in imagenet
            assert spelling_key(synonyms[others[0]].split(",")[0]) == spelling_key(class_name)


def test_the_hubs_homonyms_in_tiny_imagenet_mean_what_the_pictures_show():
    spellings = BY_NAME["tiny_imagenet"].spellings
    assert sum(len(others) == 2 for others in spellings.values()) == 18
    assert spellings["nail"] == ("n03804744", "n13652335")  # not the unit of length
    assert spellings["Chihuahua"] == ("n02085620", "n08742578")  # not the town
    hub_order = [others[-1] for others in spellings.values()]
    assert hub_order == sorted(hub_order)


def test_class_names_are_found_however_they_are_spelled():
    spellings = BY_NAME["cifar100"].spellings
    assert match_classes(["cra", "aquarium_fish", "Apple"], spellings, dataset="cifar100") == (26, 1, 0)
    tiny = BY_NAME["tiny_imagenet"].spellings
    assert match_classes(["goldfish, Carassius auratus", "n01443537"][:1], tiny, dataset="t") == (0,)
    with pytest.raises(DatasetError, match=r"'gold' and 'n01443537' are one|'goldfish' and 'n01443537' are one class"):
        match_classes(["goldfish", "n01443537"], tiny, dataset="tiny_imagenet")
    with pytest.raises(DatasetError, match=r"'shp' is no class of the dataset 'cifar10'; did you mean 'ship'"):
        match_classes(["shp"], BY_NAME["cifar10"].spellings, dataset="cifar10")
