"""What is known of the ten datasets of the paper without their files: sizes, classes, licences, and where they lie.

Facts were taken from the dataset cards and the authors' pages; where one could not be checked, a comment says so.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from tckr_bench.records import DatasetDescription

if TYPE_CHECKING:
    from collections.abc import Mapping

CONVERTED = "refs/convert/parquet"
"""The branch to which the hub converts datasets that are not stored as parquet."""
SPLIT_SEED = 0
TEST_FRACTION = 0.2


def share_for_testing(images: int, fraction: float) -> int:
    """Return how many of a number of images are set aside for testing: the share rounded, at least one, never all.

    >>> share_for_testing(7_390, 0.15), share_for_testing(2, 0.2), share_for_testing(1, 0.2)
    (1109, 1, 0)
    """
    return min(max(int(images * fraction + 0.5), 1), images - 1) if images > 1 else 0


@dataclass(frozen=True)
class HubSource:
    """A dataset on the Hugging Face hub.

    Attributes:
        id: `owner/name`.
        revision: a branch, tag or commit; where it holds no parquet files, the converted branch is used.
        configuration: name of the part of the dataset, empty where it has one part only.
        image_column: column with the encoded images.
        label_column: column with the labels.
        train_split: name of the training split.
        test_split: name of the split used for testing; empty for the first of test, validation, valid and val.
        test_fraction: share of the training split that becomes the test split where there is none.
        images: number of images where all of them are in one split; 0 where there are two, or it is not known.
    """

    id: str
    revision: str = "main"
    configuration: str = ""
    image_column: str = "image"
    label_column: str = "label"
    train_split: str = "train"
    test_split: str = "test"
    test_fraction: float = TEST_FRACTION
    images: int = 0


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset of the catalogue.

    Attributes:
        name: what a matrix calls it, and its folder under the data root.
        title: its own name, with authors and year.
        citation: where it was published.
        licence: terms as stated by its authors; `not stated` where they state none.
        native_size: size of the images, for people.
        counts: published number of images per split, with the split names used here.
        download_bytes: about how much `source` is to fetch; from the card, or from the original archive.
        source: the best-kept copy on the hub that has both splits.
        alternatives: other copies, the one the paper used among them; chosen with the option `source`.
    """

    name: str
    title: str
    citation: str
    licence: str
    native_size: str
    counts: Mapping[str, int]
    download_bytes: int
    source: HubSource
    alternatives: tuple[HubSource, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of all classes, in label order."""
        return tuple(self.spellings)

    @property
    def spellings(self) -> Mapping[str, tuple[str, ...]]:
        """Other spellings of every class, by name, in label order."""
        return _all_spellings()[self.name]

    def published(self, source: HubSource | None = None) -> DatasetDescription:
        """Return the dataset as published, of a copy that is split here with the counts after the split.

        The fingerprint is the word `published`.
        """
        counts = dict(self.counts)
        if source and source.images:
            test = share_for_testing(source.images, source.test_fraction)
            counts = {"train": source.images - test, "test": test}
        return DatasetDescription(
            name=self.name,
            class_names=self.class_names,
            counts=counts,
            fingerprint="published",
            native_size=self.native_size,
            source=self.title,
            licence=self.licence,
        )


CATALOGUE = (
    DatasetSpec(
        name="cifar10",
        title="CIFAR-10 (Krizhevsky 2009)",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        licence="not stated",
        native_size="32x32",
        counts={"train": 50_000, "test": 10_000},
        download_bytes=144_000_000,
        source=HubSource("uoft-cs/cifar10", configuration="plain_text", image_column="img"),
    ),
    DatasetSpec(
        name="cifar100",
        title="CIFAR-100 (Krizhevsky 2009)",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        licence="not stated",
        native_size="32x32",
        counts={"train": 50_000, "test": 10_000},
        download_bytes=142_000_000,
        # The card spells the class `crab` as `cra`.
        source=HubSource("uoft-cs/cifar100", configuration="cifar100", image_column="img", label_column="fine_label"),
    ),
    DatasetSpec(
        name="oxford_pets",
        title="Oxford-IIIT Pet (Parkhi et al. 2012)",
        citation="Parkhi, Vedaldi, Zisserman, Jawahar, Cats and Dogs, CVPR 2012",
        licence="CC BY-SA 4.0",
        native_size="photographs, mostly 500x375",
        counts={"train": 3_680, "test": 3_669},
        download_bytes=791_000_000,
        source=HubSource("timm/oxford-iiit-pet"),
        # The paper's copy holds 7,390 images in one split, of which it took 85 % for training. Its columns could not
        # be checked.
        alternatives=(HubSource("Isamu136/oxford_pets_with_l14_emb", test_split="", test_fraction=0.15, images=7_390),),
    ),
    DatasetSpec(
        name="tiny_imagenet",
        title="Tiny ImageNet (Le and Yang 2015)",
        citation="Le, Yang, Tiny ImageNet Visual Recognition Challenge, 2015",
        licence="ImageNet terms",
        native_size="64x64",
        # The official test images have no labels; the validation images take their place.
        counts={"train": 100_000, "test": 10_000},
        download_bytes=161_000_000,
        # Its labels are WordNet identifiers, 18 of which are homonyms of the right ones (the nail that is a unit of
        # length, the fly of a tent); class_names.json lists both.
        source=HubSource("zh-plus/tiny-imagenet", test_split="valid"),
    ),
    DatasetSpec(
        name="stanford_cars",
        title="Stanford Cars (Krause et al. 2013)",
        citation="Krause, Stark, Deng, Fei-Fei, 3D Object Representations for Fine-Grained Categorization, 3dRR 2013",
        licence="not stated",
        native_size="photographs",
        counts={"train": 8_144, "test": 8_041},
        # The size of the original archive: the card counts further splits of distorted images, which are left alone.
        download_bytes=1_960_000_000,
        source=HubSource("tanganke/stanford_cars"),
        alternatives=(HubSource("Multimodal-Fatima/StanfordCars_train", test_split="", images=8_144),),
    ),
    DatasetSpec(
        name="food101",
        title="Food-101 (Bossard et al. 2014)",
        citation="Bossard, Guillaumin, Van Gool, Food-101: Mining Discriminative Components with Random Forests, 2014",
        licence="Foodspotting, scientific fair use",
        native_size="up to 512x512",
        counts={"train": 75_750, "test": 25_250},
        download_bytes=5_000_000_000,
        # The card calls the official test images `validation`.
        source=HubSource("ethz/food101", test_split="validation"),
        alternatives=(HubSource("Multimodal-Fatima/Food101_train", test_split="", images=75_750),),
    ),
    DatasetSpec(
        name="stl10",
        title="STL-10 (Coates et al. 2011)",
        citation="Coates, Lee, Ng, An Analysis of Single-Layer Networks in Unsupervised Feature Learning, 2011",
        licence="ImageNet terms",
        native_size="96x96",
        counts={"train": 5_000, "test": 8_000},
        download_bytes=240_000_000,  # not checked: reckoned from the bytes per image of a copy
        source=HubSource("tanganke/stl10"),
    ),
    DatasetSpec(
        name="imagewoof",
        title="Imagewoof (Howard 2019)",
        citation="Howard, Imagewoof: a subset of 10 classes from ImageNet that are not so easy to classify, 2019",
        licence="ImageNet terms",
        native_size="photographs",
        counts={"train": 9_025, "test": 3_929},
        download_bytes=1_350_000_000,
        # The main branch holds a loading script, which current libraries do not run.
        source=HubSource("frgfm/imagewoof", revision=CONVERTED, configuration="full_size", test_split="validation"),
    ),
    DatasetSpec(
        name="imagenette",
        title="Imagenette (Howard 2019)",
        citation="Howard, Imagenette: a smaller subset of 10 easily classified classes from ImageNet, 2019",
        licence="ImageNet terms",
        native_size="photographs",
        counts={"train": 9_469, "test": 3_925},
        download_bytes=1_600_000_000,
        source=HubSource("frgfm/imagenette", revision=CONVERTED, configuration="full_size", test_split="validation"),
        alternatives=(HubSource("Multimodal-Fatima/Imagenette_train", test_split="", images=9_469),),
    ),
    DatasetSpec(
        name="caltech101",
        title="Caltech-101 (Fei-Fei et al. 2004)",
        citation="Fei-Fei, Fergus, Perona, Learning Generative Visual Models from Few Training Examples, 2004",
        licence="CC BY 4.0",
        native_size="about 300x200",
        # There is no official split. This one, of TensorFlow Datasets, takes 30 images of each of the 102 classes,
        # the background among them, for training. The copy's test count and size could not be checked.
        counts={"train": 3_060, "test": 6_084},
        download_bytes=140_000_000,
        source=HubSource("dpdl-benchmark/caltech101"),
    ),
)


@functools.cache
def _all_spellings() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    text = resources.files(__package__).joinpath("class_names.json").read_text(encoding="utf-8")
    return {
        dataset: {name: tuple(others) for name, others in classes.items()}
        for dataset, classes in json.loads(text).items()
    }
