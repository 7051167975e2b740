"""Captions and class descriptions from files."""

import json
from pathlib import Path

import numpy as np
import pytest
from tckr_plugins.captioners import files
from tckr_plugins.captioners.files import ByClass, InOrder, read_captions, read_descriptions

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import ImageCatalogue
from tckr_bench.testing import check_captioner

NAMES = ("brain", "inline skate", "Airplanes")
LABELS = np.array([0, 1, 0, 2, 0, 1, 0, 2])
POOLS = {
    "Inline_Skate": ["a skate", "two skates"],
    "brain": ["one", "two", "three", "four"],
    "airplanes": ["a jet", "a glider"],
    "x": ["y"],
}
EXPECTED = [
    "brain: one",
    "inline skate: a skate",
    "brain: two",
    "Airplanes: a jet",
    "brain: three",
    "inline skate: two skates",
    "brain: four",
    "Airplanes: a glider",
]
FILES = ("train/brain/1.png", "train/skate/1.png", "train/brain/2.png", "test/brain/1.png")
FILE_LABELS = np.array([0, 1, 0, 0])
PUBLISHED = Path(__file__).parents[4] / "../shared/paper/prompts"
SETS = {"caltech101": (102, 3060), "stl10": (10, 5000)}


def captioner(name, **options):
    registry = default_registry()
    return registry.load(registry.use("captioner", name, label=name, options=options))


def found(path, labels=LABELS, names=NAMES, *, chosen=None, counts=None, files=(), **options):
    """Return what the captioner `file` has for the chosen images of a dataset of these labels."""
    catalogue = ImageCatalogue(counts or (len(labels), 0, 0), np.asarray(labels), files)
    chosen = np.arange(len(labels)) if chosen is None else np.asarray(chosen)
    written = captioner("file", path=str(path), **options)
    return written.look_up(chosen, catalogue.labels[chosen], catalogue=catalogue, class_names=names, context=Context())


def prompts(name, path, labels=LABELS, names=NAMES, **options):
    if name == "file":
        return list(found(path, labels, names, **options).texts)
    images = np.zeros((len(labels), 8, 8, 3), np.uint8)
    return captioner(name, path=str(path), **options).caption(images, labels, class_names=names, context=Context())


def written(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def as_lines(pools):
    return "".join(f"{name}: {text}\n" for name, pool in pools.items() for text in pool)


@pytest.fixture(params=["captions.json", "captions.txt"])
def by_class(request, tmp_path):
    """The same captions in both of the paper's formats."""
    return written(tmp_path / request.param, POOLS if request.param.endswith("json") else as_lines(POOLS))


def test_caption_k_of_a_class_belongs_to_its_image_k(by_class):
    assert prompts("file", by_class) == EXPECTED


@pytest.mark.parametrize("chosen", [[7], [0, 2, 6], [5, 3, 1], [6, 6]])
def test_an_image_keeps_its_caption_whatever_else_is_left_out(by_class, chosen):
    assert prompts("file", by_class, chosen=chosen) == [EXPECTED[index] for index in chosen]


def test_a_canary_takes_the_caption_of_its_image_and_the_class_it_pretends_to_be(by_class):
    catalogue = ImageCatalogue((len(LABELS), 0, 0), LABELS)
    written = captioner("file", path=str(by_class))
    (text,) = written.look_up(
        np.array([1]), np.array([0]), catalogue=catalogue, class_names=NAMES, context=Context()
    ).texts
    assert text == "brain: a skate"


def test_too_few_and_too_many_captions_of_a_class_are_counted(tmp_path):
    pools = {**POOLS, "brain": ["one"], "airplanes": ["a jet"] * 1200}
    with pytest.raises(TckrError, match=r"1 for 4 of 'brain', 1,200 for 2 of 'Airplanes'; give each image one"):
        prompts("file", written(tmp_path / "c.json", pools))


def test_classes_that_only_the_file_has_are_said(by_class):
    (remark,) = found(by_class).remarks
    assert "captions of 1 class that the dataset does not have: 'x'" in remark


def test_lists_by_split_caption_test_images_as_well_and_a_list_alone_does_not(tmp_path):
    labels, counts = np.array([0, 1, 0, 1, 0]), (3, 0, 2)
    both = written(tmp_path / "both.json", {"train": ["a", "b", "c"], "test": ["d", "e"]})
    classes = {"train": {"brain": ["a", "c"], "inline skate": ["b"]}, "test": {"brain": ["e"], "inline skate": ["d"]}}
    for path in (both, written(tmp_path / "classes.json", classes)):
        texts = prompts("file", path, labels, NAMES[:2], counts=counts, template="{caption}")
        assert texts == ["a", "b", "c", "d", "e"]
    alone = written(tmp_path / "alone.json", ["a", "b", "c"])
    assert prompts("file", alone, labels, NAMES[:2], counts=counts, template="{caption}") == ["a", "b", "c", None, None]


NAMED = {
    "from the folder of the dataset": ["train/brain/1.png", "./train/skate/1.png", "train/brain/2.png"],
    "the ends of paths": ["train/brain/1.png", "skate/1.png", "2.png"],
    "longer paths": ["/photos/train/brain/1.png", "x/train/skate/1.png", "C:\\photos\\train\\brain\\2.png"],
}


@pytest.mark.parametrize("names", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("ending", ["json", "csv"])
def test_a_caption_goes_to_the_file_that_it_names(tmp_path, names, ending):
    pairs = dict(zip(reversed(names), ["third", "second", "first"], strict=True))  # another order than the dataset's
    lines = "".join(f'"{name}",{text}\n' for name, text in pairs.items())
    path = written(tmp_path / f"c.{ending}", pairs if ending == "json" else f"file_name,caption\n{lines}")
    texts = prompts("file", path, FILE_LABELS, files=FILES, counts=(3, 0, 1), template="{caption}")
    assert texts == ["first", "second", "third", None]


def test_names_of_no_image_are_counted(tmp_path):
    path = written(tmp_path / "c.json", {"2.png": "a", "3.png": "b", "4.png": "c"})
    (remark,) = found(path, FILE_LABELS, files=FILES).remarks
    assert "2 of the 3 captions of c.json name no image of the dataset, the first of them caption 2" in remark


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"1.png": "a"}, "caption 1 of .* names several images"),
        ({"2.png": "a", "train/brain/2.png": "b"}, "caption 2 of .* names an image that another one names"),
        ({"5.png": "a", "6.png": "b"}, "none of the 2 names in"),
    ],
)
def test_names_that_do_not_tell_images_apart_are_refused_and_not_repeated(tmp_path, content, message):
    with pytest.raises(TckrError, match=message) as caught:
        prompts("file", written(tmp_path / "c.json", content), FILE_LABELS, files=FILES)
    assert ".png" not in str(caught.value)


def test_names_are_of_no_use_where_images_are_no_files(tmp_path):
    with pytest.raises(TckrError, match="the images of this dataset have none; give the captions in lists"):
        prompts("file", written(tmp_path / "c.json", {"a.png": "b"}))


def test_template_decides_the_prompt(by_class):
    assert prompts("file", by_class, template="{caption}")[1] == "a skate"
    assert prompts("file", by_class, template="{caption} of {class_name} {x}")[1] == "a skate of inline skate {x}"


def test_captions_in_order_go_to_the_images_in_order(tmp_path):
    texts = [f"text, {index}" for index in range(len(LABELS))]
    plain = written(tmp_path / "list.json", texts)
    quoted = "\n".join(f'"{text}"' for text in texts)
    expected = [f"{NAMES[label]}: {text}" for label, text in zip(LABELS, texts, strict=True)]
    assert prompts("file", plain) == expected
    assert prompts("file", written(tmp_path / "one.csv", quoted)) == expected
    assert prompts("file", written(tmp_path / "headed.csv", f"Caption\n{quoted}")) == expected
    columns = "\n".join(f'{index},"{text}"' for index, text in enumerate(texts))
    assert (
        prompts("file", written(tmp_path / "two.csv", f"image,caption\n{columns}\n")) == expected
    )  # it counts its lines


@pytest.mark.parametrize("count", [7, 9])
def test_captions_in_order_must_be_as_many_as_images(tmp_path, count):
    path = written(tmp_path / "list.json", ["text"] * count)
    with pytest.raises(TckrError, match=f"has {count} captions for the 8 images of the whole train split"):
        prompts("file", path)


@pytest.mark.parametrize("name", ["classes.json", "classes.toml"])
def test_class_description_says_the_same_of_a_whole_class(tmp_path, name):
    texts = {"BRAIN": " an organ ", "inline-skate": "a shoe {class_name}", "airplanes": "fly", "other": "unused"}
    toml = "\n".join(f'"{key}" = "{text}"' for key, text in texts.items())
    path = written(tmp_path / name, toml if name.endswith("toml") else texts)
    found = prompts("class-description", path)
    assert found[:4] == ["brain: an organ", "inline skate: a shoe {class_name}", "brain: an organ", "Airplanes: fly"]
    assert len(set(found)) == 3


@pytest.mark.parametrize("name", ["file", "class-description"])
def test_contract_is_kept(name, tmp_path):
    entry = (lambda text: [f"{text} {index}" for index in range(4)]) if name == "file" else (lambda text: text)
    from tckr_bench.testing import fake_class_names

    texts = {given: entry(f"text {given}") for given in fake_class_names()}
    check_captioner(captioner(name, path=str(written(tmp_path / "c.json", texts))))


@pytest.mark.parametrize("name", ["file", "class-description"])
def test_missing_classes_are_listed(name, tmp_path):
    content = {"brain": ["a"] if name == "file" else "a", "unknown": ["b"] if name == "file" else "b"}
    path = written(tmp_path / "c.json", content)
    with pytest.raises(TckrError, match="nothing for 2 of 3 classes: 'inline skate', 'Airplanes'; add them") as caught:
        prompts(name, path)
    assert "\n" not in str(caught.value)


def test_a_name_as_it_stands_comes_before_one_like_it(tmp_path):
    pools = {"Faces": ["a"], "faces": ["b"]}
    path = written(tmp_path / "c.json", pools)
    labels = np.array([0, 1])
    assert prompts("file", path, labels, ("faces", "Faces"), template="{caption}") == ["b", "a"]
    with pytest.raises(TckrError, match="names a class in more than one way: 'Faces', 'faces'"):
        prompts("file", path, np.array([0]), ("FACES",))


@pytest.mark.parametrize("name", ["file", "class-description"])
def test_identity_is_the_content(name, tmp_path):
    def identity(path):
        return default_registry().use("captioner", name, label=name, options={"path": str(path)}).identity

    first = written(tmp_path / "first.json", {"a": "b"})
    copy = written(tmp_path / "copy.json", {"a": "b"})
    other = written(tmp_path / "other.json", {"a": "c"})
    assert identity(first) == identity(copy) != identity(other)
    assert len(identity(first)) == 64


@pytest.mark.parametrize("name", ["file", "class-description"])
def test_a_file_must_be_named_and_be_there(name, tmp_path):
    with pytest.raises(OptionError, match=f"write {name}:PATH"):
        captioner(name)
    for path in (tmp_path / "none.json", tmp_path, Path("/dev/zero")):
        with pytest.raises(TckrError, match="there is no file") as caught:
            captioner(name, path=str(path))
        assert "\n" not in str(caught.value)


WRONG = {
    "object_of_numbers.json": ({"a": 1}, "found an object that holds int"),
    "list_of_numbers.json": ([1, 2], "found a list"),
    "nothing.json": ([], "found an empty list"),
    "empty_pool.json": ({"a": []}, "holds list"),
    "mixed_pool.json": ({"a": ["b", None]}, "holds list"),
    "text.json": ('"text"', "found a str"),
    "broken.json": ("{", "is not JSON"),
    "deep.json": ("[" * 100_000, "is not JSON"),
    "digits.json": ("9" * 10_000, "is not JSON"),
    "latin.json": ('["é"]'.encode("latin-1"), "is not UTF-8"),
    "latin.txt": ("a: é".encode("latin-1"), "is not UTF-8"),
    "lines.txt": ("a: b\n\nno colon\n", "line 3 of .* is not 'class: caption'"),
    "nameless.txt": (": b\n", "line 1 of"),
    "empty.txt": ("\n", "it is empty"),
    "columns.csv": ("a,b\n1,2\n", "has no column 'caption'"),
    "empty.csv": ("", "has no column 'caption'"),
    "twice.csv": ("file_name,caption\na.png,x\na.png,y\n", "1 captions of .* are of a file named before"),
    "mixed_split.json": ({"train": ["a"], "test": "b"}, "holds list"),
    "short.csv": ("image,caption\n1\n", "caption 1 of .* has no column 2"),
    "long.csv": ('"' + "x" * 200_000, "is not CSV"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_captions_are_one_sentence(name, tmp_path):
    content, message = WRONG[name]
    with pytest.raises(TckrError, match=message) as caught:
        read_captions(written(tmp_path / name, content))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.json", ["a"], "found a list"),
        ("pools.json", {"a": ["b"]}, "holds list"),
        ("empty.json", {}, "found an empty object"),
        ("table.toml", "[a]\nb = 1\n", "holds dict"),
        ("broken.toml", "a = ", "is not TOML"),
    ],
)
def test_wrong_descriptions_are_one_sentence(name, content, message, tmp_path):
    with pytest.raises(TckrError, match=message) as caught:
        read_descriptions(written(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_huge_files_are_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(files.LARGEST + 1)  # a sparse file: nothing is written
    monkeypatch.setattr(Path, "open", None)
    with pytest.raises(TckrError, match="is larger than 256 MiB"):
        read_captions(path)


def test_byte_order_marks_and_windows_line_ends_do_not_matter(tmp_path):
    path = written(tmp_path / "c.txt", "\ufeffbrain: one\r\nbrain: two\r\n".encode())
    assert read_captions(path) == ByClass({"brain": ["one", "two"]})
    path = written(tmp_path / "c.csv", "\ufeffcaption\r\none\r\ntwo\r\n".encode())
    assert read_captions(path) == InOrder(["one", "two"])


@pytest.mark.parametrize("name", list(SETS))
def test_both_published_formats_say_the_same(name):
    lines, pipeline = PUBLISHED / f"{name}_blip2_finetuning.txt", PUBLISHED / f"{name}_blip2_pipeline.json"
    if not lines.is_file():
        pytest.skip("the paper's published captions are not here")
    one, other = read_captions(lines), read_captions(pipeline)
    assert isinstance(one, ByClass)
    assert one == other
    classes, count = SETS[name]
    assert len(one.pools) == classes
    assert sum(map(len, one.pools.values())) == count


@pytest.mark.parametrize("name", list(SETS))
def test_published_captions_fit_class_names_written_as_folders_are(name):
    path = PUBLISHED / f"{name}_blip2_pipeline.json"
    if not path.is_file():
        pytest.skip("the paper's published captions are not here")
    pools = json.loads(path.read_text())
    names = tuple(key.replace("_", " ").upper() for key in pools)
    labels = np.repeat(np.arange(len(names)), [len(pool) for pool in pools.values()])
    expected = [f"{name}: {text}" for name, pool in zip(names, pools.values(), strict=True) for text in pool]
    order = np.random.default_rng(0).permutation(len(labels))[: len(labels) // 2]  # as after a split
    assert prompts("file", path, labels, names, chosen=order) == [expected[index] for index in order]
