import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry


def load(name, **options):
    registry = default_registry()
    return registry.load(registry.use("dataset", name, label=name, options=options))


def test_a_folder_of_ones_own(tmp_path):
    for split, grey in (("train", 10), ("test", 20)):
        folder = tmp_path / split / "red_fox"
        folder.mkdir(parents=True)
        Image.new("L", (3, 3), grey).save(folder / "a.png")
    dataset = load("imagefolder", path=str(tmp_path))
    found = dataset.describe()
    assert (found.class_names, dict(found.counts)) == (("red fox",), {"train": 1, "test": 1})
    assert dataset.read("test", size=2).images.tolist() == [[[[20] * 3] * 2] * 2]
    with pytest.raises(DatasetError, match="give another folder as imagefolder:PATH"):
        load("imagefolder", path=str(tmp_path / "nowhere")).describe()


def test_fashion_mnist_is_as_described():
    from pyarrow import parquet
    from tckr_plugins.datasets import fashion

    found = load("fashion-mnist").describe()
    assert found.class_names[0] == "t-shirt"
    assert found.class_names[-1] == "ankle boot"
    for split, count in found.counts.items():
        path = fashion.FOLDER / f"{split}.parquet"
        assert parquet.read_metadata(path).num_rows == count
        features = json.loads(parquet.read_schema(path).metadata[b"huggingface"])["info"]["features"]
        assert tuple(features["label"]["names"]) == found.class_names


def test_fashion_mnist_is_decoded_by_a_plain_resize():
    import io

    from pyarrow import parquet
    from tckr_plugins.datasets import fashion

    data = load("fashion-mnist").read("validation", size=32)
    assert data.images.shape == (500, 32, 32, 3)
    assert np.bincount(data.labels).tolist() == [50] * 10
    row = parquet.read_table(fashion.FOLDER / "validation.parquet").slice(17, 1).to_pylist()[0]
    image = Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB")
    assert np.array_equal(data.images[17], np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)))
    assert data.labels[17] == row["label"]


def test_no_image_of_fashion_mnist_is_in_two_splits():
    dataset = load("fashion-mnist")
    images = {split: dataset.read(split, size=28).images for split in ("train", "validation", "test")}
    known = {split: {image.tobytes() for image in found} for split, found in images.items()}
    assert not known["train"] & known["test"]
    assert not known["validation"] & (known["train"] | known["test"])


@pytest.mark.slow
def test_fashion_mnist_opens_with_the_datasets_library(tmp_path):
    from tckr_plugins.datasets import fashion

    code = (
        "import sys, datasets\n"
        "splits = ('train', 'validation', 'test')\n"
        "files = {split: f'{sys.argv[1]}/{split}.parquet' for split in splits}\n"
        "loaded = datasets.load_dataset('parquet', data_files=files, cache_dir=sys.argv[2])\n"
        "assert [len(loaded[split]) for split in splits] == [2000, 500, 2000]\n"
        "row = loaded['train'][0]\n"
        "assert row['image'].size == (28, 28)\n"
        "assert loaded['train'].features['label'].names[9] == 'ankle boot'\n"
    )
    subprocess.run([sys.executable, "-c", code, str(fashion.FOLDER), str(tmp_path)], check=True)


def test_a_missing_packaged_file_is_one_sentence(tmp_path, monkeypatch):
    from tckr_plugins.datasets import fashion

    monkeypatch.setattr(fashion, "FOLDER", tmp_path)
    with pytest.raises(DatasetError, match="is missing; reinstall"):
        load("fashion-mnist").describe()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    dataset = load("digits")
    parts = [dataset.read(split, size=8) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [1000, 200, 597]
    assert dict(dataset.describe().counts) == {"train": 1000, "validation": 200, "test": 597}
    grey = np.concatenate([part.images[..., 0] for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    reference = load_digits()
    scaled = np.round(reference.images * 255 / 16).astype(np.uint8)

    def ordered(images, classes):
        return sorted((label, image.tobytes()) for label, image in zip(classes.tolist(), images, strict=True))

    assert ordered(grey, labels) == ordered(scaled, reference.target)
    for part in parts:
        share = len(part) / 1797
        assert np.abs(np.bincount(part.labels) - share * np.bincount(reference.target)).max() <= 1.5


def test_digits_stay_the_same_split():
    first, again = load("digits").read("train", size=16), load("digits").read("train", size=16)
    assert first.images.shape == (1000, 16, 16, 3)
    assert np.array_equal(first.images, again.images)
    assert first.images.max() == 255


def test_describing_the_packaged_datasets_is_quick_and_light():
    code = (
        "import sys, time\n"
        "start = time.process_time()\n"
        "from tckr_bench.plugin.registry import default_registry\n"
        "registry = default_registry()\n"
        "for name in ('fashion-mnist', 'digits'):\n"
        "    registry.load(registry.use('dataset', name, label=name, options={})).describe()\n"
        "assert time.process_time() - start < 1.0\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'datasets', 'sklearn', 'pyarrow'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
