"""Laws of a synthetic dataset one already has: sample k of a class is its k-th image, and never another."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import GenerationRequest, Prompts

CLASSES = ("ankle boot", "T-Shirt")
FOLDERS = ("Ankle_Boot", "t-shirt")
LEVELS = {0: (10, 20, 30), 1: (110, 120)}


def picture(level, size=8):
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (level,) * 3).save(stream, "PNG")
    return stream.getvalue()


def as_folders(root):
    for label, levels in LEVELS.items():
        folder = root / FOLDERS[label]
        folder.mkdir(parents=True)
        for index, level in enumerate(levels):
            (folder / f"{index:03}.png").write_bytes(picture(level))
    return root


def as_splits(root):
    as_folders(root / "train")
    return root


def as_parquet(root, labels=(0, 0, 0, 1, 1), metadata=None, nested=False):
    import pyarrow as pa
    import pyarrow.parquet as pq

    root.mkdir(parents=True)
    data = [picture(level) for levels in LEVELS.values() for level in levels]
    column = [{"bytes": item, "path": None} for item in data] if nested else data
    table = pa.table({"image": column, "label": list(labels)})
    pq.write_table(table.replace_schema_metadata(metadata), root / "part-0.parquet")
    return root


def as_named_parquet(root):
    return as_parquet(root, labels=["ankle boot"] * 3 + ["t-shirt"] * 2)


def as_datasets_parquet(root):
    names = {"info": {"features": {"label": {"names": ["t-shirt", "ankle_boot"]}}}}
    metadata = {"huggingface": json.dumps(names)}
    return as_parquet(root, labels=(1, 1, 1, 0, 0), metadata=metadata, nested=True)


def as_one_file(root):
    return as_parquet(root) / "part-0.parquet"


def load(path, **options):
    registry = default_registry()
    options = {"path": str(path), **options}
    return registry.load(registry.use("generator", "folder", label="own", options=options))


def ask(labels, ranks, names=CLASSES):
    count = len(labels)
    prompts = Prompts(("",) * count, np.array(labels, dtype=np.int64), np.arange(count))
    return GenerationRequest(prompts, tuple(range(count)), tuple(ranks), names)


@pytest.mark.parametrize(
    "make", [as_folders, as_splits, as_parquet, as_named_parquet, as_datasets_parquet, as_one_file]
)
def test_sample_k_of_a_class_is_its_kth_image(tmp_path, make):
    generator = load(make(tmp_path / "made"))
    assert generator.image_size == 8
    images = generator.generate(ask([1, 0, 1, 0, 0], [0, 0, 1, 2, 1]), context=Context())
    assert images.shape == (5, 8, 8, 3)
    assert images[:, 0, 0, 0].tolist() == [110, 10, 120, 30, 20]


def test_images_are_resized_to_the_option(tmp_path):
    generator = load(as_folders(tmp_path / "made"), image_size=16)
    assert generator.generate(ask([0], [0]), context=Context()).shape == (1, 16, 16, 3)


def test_too_many_is_one_sentence_that_tells_how_many_there_are(tmp_path):
    generator = load(as_folders(tmp_path / "made"))
    with pytest.raises(TckrError, match=r"has 3 images of the class 'ankle boot', but image 4 .* at most 4 images, 2"):
        generator.generate(ask([0], [3]), context=Context())


def test_a_class_that_is_not_there_is_one_sentence(tmp_path):
    generator = load(as_folders(tmp_path / "made"))
    with pytest.raises(TckrError, match="no images of the class 'coat'"):
        generator.generate(ask([2], [0], names=(*CLASSES, "coat")), context=Context())


@pytest.mark.parametrize("prepare", ["nothing", "empty", "text"])
def test_a_place_without_images_is_one_sentence(tmp_path, prepare):
    path = tmp_path / "made"
    if prepare == "empty":
        path.mkdir()
    elif prepare == "text":
        path.write_text("no images")
    with pytest.raises(TckrError, match=r"no synthetic dataset is|holds no synthetic images|neither a folder nor"):
        load(path)


def test_a_link_that_leaves_the_folder_is_refused(tmp_path):
    made = as_folders(tmp_path / "made")
    (tmp_path / "secret.png").write_bytes(picture(1))
    (made / FOLDERS[0] / "999.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(TckrError, match="link that leaves"):
        load(made)


def test_the_identity_follows_the_images(tmp_path):
    registry = default_registry()

    def identity(path):
        return registry.use("generator", "folder", label="own", options={"path": str(path)}).identity

    made, copy = as_folders(tmp_path / "made"), as_folders(tmp_path / "copy")
    first = identity(made)
    assert first == identity(copy) != ""
    (copy / FOLDERS[0] / "000.png").write_bytes(picture(11))
    assert identity(copy) != first
