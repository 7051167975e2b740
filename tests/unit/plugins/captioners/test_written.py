"""Captions and class descriptions from files."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tckr_plugins.captioners import files
from tckr_plugins.captioners.files import ByClass, InOrder, read_captions, read_descriptions

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.plugin.testing import check_captioner

NAMES = ("brain", "inline skate", "Airplanes")
LABELS = np.array([0, 1, 0, 2, 0, 1, 0, 2])
POOLS = {
    "Inline_Skate": ["a skate", "two skates", "wheels"],
    "brain": ["one", "two"],
    "airplanes": ["a jet"],
    "x": ["y"],
}
EXPECTED = [
    "brain: one",
    "inline skate: a skate",
    "brain: two",
    "Airplanes: a jet",
    "brain: one",
    "inline skate: two skates",
    "brain: two",
    "Airplanes: a jet",
]
PUBLISHED = Path(__file__).parents[4] / "../shared/paper/prompts"
SETS = {"caltech101": (102, 3060), "stl10": (10, 5000)}


def captioner(name, **options):
    registry = default_registry()
    return registry.load(registry.use("captioner", name, label=name, options=options))


def prompts(name, path, labels=LABELS, names=NAMES, **options):
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


def test_images_of_a_class_take_its_captions_in_turn(by_class):
    assert prompts("file", by_class) == EXPECTED


def test_captions_of_a_class_are_used_equally_often(by_class):
    labels = np.array([1] * 7 + [0] * 4)
    counts = Counter(prompts("file", by_class, labels, template="{caption}"))
    assert sorted(counts.values()) == [2, 2, 2, 2, 3]


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
    assert prompts("file", written(tmp_path / "two.csv", f"image,caption\n{columns}\n")) == expected


@pytest.mark.parametrize("count", [7, 9])
def test_captions_in_order_must_be_as_many_as_images(tmp_path, count):
    path = written(tmp_path / "list.json", ["text"] * count)
    with pytest.raises(TckrError, match=f"has {count} captions for 8 training images"):
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
    entry = (lambda text: [text]) if name == "file" else (lambda text: text)
    from tckr_bench.plugin.testing import fake_class_names

    check_captioner(
        captioner(name, path=str(written(tmp_path / "c.json", {given: entry("text") for given in fake_class_names()})))
    )


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
    names = tuple(key.replace("_", " ").upper() for key in json.loads(path.read_text()))
    found = prompts("file", path, np.arange(len(names)), names)
    assert all(prompt.startswith(f"{name}: ") for prompt, name in zip(found, names, strict=True))
