"""Finds the synthetic images of a finished run in the store, and proves that they are what the run says they are.

A key in the store is a hash of everything an artifact rests on. So that no edited results file passes other images off
as those of a method, every key is computed again from the method, the seed and its parents.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.keys import key_of
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.errors import RunError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import EpochChoice
from tckr_bench.seeds import derive_seed
from tckr_bench.stages import generate, train
from tckr_bench.stages.arrays import read_arrays
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import IMAGES_FILE, read_generated
from tckr_bench.stages.request import parents_of
from tckr_bench.stages.train import MODEL_FOLDER
from tckr_bench.text import plain

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tckr_bench.engine.store import Store
    from tckr_bench.records import CellRecord, ComponentUse, Images, LabelledImages
    from tckr_bench.results.files import SavedRun

    Teacher = Callable[[Images], npt.NDArray[np.float32]]
    """Maps images (n, height, width, 3) uint8 to class probabilities (n, classes) float32."""

MOST_QUERIES = 64
"""Altered copies of each challenge image that a teacher may have been asked about; part of its key."""
_KEY = re.compile(r"[0-9a-f]{64}")
_MATRIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Released:
    """The synthetic images of a cell: `images` lie on disk; `sources` (n,) index the real image behind each prompt.

    `generated`, `captioned` and `adapted` are the keys of the artifacts they come from.
    """

    images: LabelledImages
    sources: npt.NDArray[np.int64]
    generated: tuple[str, ...]
    captioned: str
    adapted: str


def remedy(run: SavedRun) -> str:
    """Say what makes the artifacts of a run again."""
    command = command_again(run) or plain(run.information.command)
    if command:
        return f"`{command}` makes them again"
    return "`tckr-bench run` with the matrix, datasets and settings of this run makes them again"


def command_again(run: SavedRun) -> str:
    """Return the shortest command whose stages are the run's own, or nothing where only other settings make them."""
    information = run.information
    if not _MATRIX.fullmatch(information.matrix):
        return ""
    descriptions = {record.dataset: record.description for record in run.records}
    last = {key for kinds in information.keys.values() for key in kinds.get("measure", ())}
    for datasets in ((), tuple(descriptions)):
        with contextlib.suppress(TckrError, KeyError):
            matrix = load_matrix(information.matrix, default_registry(), datasets=datasets)
            if last and last == set(build_graph(matrix, descriptions).leaves.values()):
                chosen = [word for name in datasets for word in ("--dataset", name)]
                return plain(shlex.join(["tckr-bench", "run", "--matrix", information.matrix, *chosen]))
    return ""


def find_released(record: CellRecord, store: Store, *, again: str) -> Released:
    """Find the images of a synthetic cell.

    Args:
        record: of the cell.
        store: where its artifacts lie.
        again: what makes them again, for the error.

    Raises:
        RunError: they are not in the store, or are not what the record says.
    """
    keys = _keys(record, "generate")
    found = [key for key in keys if store.find(key) is not None]
    if not keys or len(found) < len(keys):
        raise RunError(
            f"{len(keys) - len(found)} of the {len(keys)} artifacts that hold the synthetic images are gone from the "
            f"store {store.root}, or damaged; {again}, or name their store in TCKR_BENCH_STORE"
        )
    folders = [store.path(key) for key in keys]
    sizes = [len(read_arrays(folder / IMAGES_FILE, names=("labels",))["labels"]) for folder in folders]
    captioned, adapted = _parents(record, keys, sizes)
    count = record.method.generated_images(record.splits["train"])
    if sum(sizes) < count:
        raise _tampered(f"they hold {sum(sizes):,} images, and the method has {count:,}")
    for key in keys:
        store.touch(key)
    images, sources = read_generated(folders, count=count, memory=0)
    return Released(images, sources, keys, captioned, adapted)


def prompts_of(released: Released, store: Store, *, again: str) -> tuple[str, ...]:
    """Return the prompt of each image.

    Raises:
        RunError: the captions are not in the store.
    """
    if store.find(released.captioned) is None:
        raise RunError(f"the prompts are gone from the store {store.root}, or damaged; {again}, or do without them")
    texts = read_prompts(store.path(released.captioned)).texts
    return tuple(texts[source] for source in released.sources)


def teacher_of(record: CellRecord, store: Store, *, device: str) -> Teacher | str:
    """Return the teacher that labelled a cell's images, or one sentence that says why it cannot be asked."""
    key = next((key for key in _keys(record, "train") if _is_teacher(record, key)), None)
    if key is None:
        return "the run names no teacher whose key follows from its options"
    if store.find(key) is None:
        return "the teacher is gone from the store"
    try:
        return _restored(record.method.classifier, store, key=key, device=device)
    except TckrError as error:
        return f"the teacher cannot be loaded here ({plain(str(error))})"


def _restored(use: ComponentUse, store: Store, *, key: str, device: str) -> Teacher:
    context = Context(device=device)
    teacher = default_registry().load(use)
    teacher.restore(store.path(key) / MODEL_FOLDER, context=context)

    def probabilities(images: Images) -> npt.NDArray[np.float32]:
        import numpy as np

        logits = np.asarray(teacher.predict(images, context=context), dtype=np.float64)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: npt.NDArray[np.float32] = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares

    return probabilities


def _keys(record: CellRecord, kind: str) -> tuple[str, ...]:
    """Return the keys of a cell's stages of a kind, in order; a key of another form could lead out of the store."""
    keys = tuple(record.keys.get(kind, ()))
    if not all(map(_KEY.fullmatch, keys)):
        raise _tampered(f"a key of its {kind} stages is no sha256")
    return keys


def _parents(record: CellRecord, keys: tuple[str, ...], sizes: list[int]) -> tuple[str, str]:
    """Return the keys of the captions and of the adaptation from which the keys of all chunks follow."""
    for captioned in _keys(record, "caption"):
        for adapted in _keys(record, "adapt"):
            if list(_chunks(record, sizes, captioned=captioned, adapted=adapted)) == list(keys):
                return captioned, adapted
    raise _tampered("their keys do not follow from the method's components, options and seed")


def _chunks(record: CellRecord, sizes: list[int], *, captioned: str, adapted: str) -> Iterator[str]:
    assert record.method.generator is not None, "synthetic methods have a generator"
    start = 0
    for size in sizes:
        yield key_of(
            "generate",
            components={"generator": record.method.generator},
            parameters=generate.Parameters(start, start + size),
            seed=derive_seed("generate", record.seed),
            parents=parents_of(generate.Inputs(prompts=captioned, weights=adapted)),
        )
        start += size


def _is_teacher(record: CellRecord, key: str) -> bool:
    """Return whether a key is that of the method's classifier, trained on the real images with the cell's seed."""
    prepared = _keys(record, "prepare")
    return any(
        key
        == key_of(
            "train",
            components={"classifier": record.method.classifier},
            parameters=train.Parameters(epoch=epoch, queries=queries),
            seed=derive_seed("train", record.seed),
            parents=parents_of(train.Inputs(data=data)),
        )
        for data in prepared
        for epoch in get_args(EpochChoice)
        for queries in range(MOST_QUERIES + 1)
    )


def _tampered(why: str) -> RunError:
    return RunError(f"the synthetic images in the store are not those of this run: {why}; run the matrix again")
