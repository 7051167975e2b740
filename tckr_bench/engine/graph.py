"""The stage graph: every cell's stages, with what cells share done once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.engine.matrix import Matrix
from tckr_bench.records import Cell, ComponentUse, DatasetDescription, Method
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.adapt import sample_fraction
from tckr_bench.stages.attack import AttackParameters
from tckr_bench.stages.challenge import ChallengeParameters
from tckr_bench.stages.generate import GenerateParameters
from tckr_bench.stages.measure import MeasureParameters
from tckr_bench.stages.prepare import PrepareParameters, validation_size
from tckr_bench.stages.train import EpochChoice, TrainParameters

KINDS = ("prepare", "caption", "adapt", "generate", "train", "shadow", "attack", "measure")

Parents = Mapping[str, tuple[str, ...]]
T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """One cached step.

    `work` is its size in units of its kind (images; for training, images times epochs), `size` a forecast of the bytes
    of its arrays, and `label` is for people; none of the three is part of the key.
    """

    key: str
    kind: str
    components: Mapping[str, ComponentUse]
    parameters: Mapping[str, Any]
    seed: int
    parents: Parents
    label: str
    work: float
    size: float = 0.0

    @property
    def component(self) -> str:
        """Return the names of the stage's components, for people."""
        return " + ".join(use.name for use in self.components.values()) if self.kind != "measure" else "metrics"

    def parent_keys(self) -> list[str]:
        """Return the keys of every parent."""
        return [key for keys in self.parents.values() for key in keys]


@dataclass(frozen=True)
class Graph:
    """Unique stages, parents before children; and, for each cell's slug, the key of its last stage."""

    stages: Mapping[str, Stage]
    leaves: Mapping[str, str]
    cells: Mapping[str, Cell]
    naive: int

    def ancestry(self, key: str) -> list[Stage]:
        """Return the stage and everything it rests on, parents first."""
        wanted, waiting = {key}, [key]
        while waiting:
            found = set(self.stages[waiting.pop()].parent_keys()) - wanted
            wanted |= found
            waiting.extend(found)
        return [stage for stage in self.stages.values() if stage.key in wanted]


def split_sizes(description: DatasetDescription, validation_fraction: float) -> dict[str, int]:
    """Return how many images train, validate and test once the validation split is made."""
    train, test = description.counts["train"], description.counts["test"]
    if "validation" in description.counts:
        return {"train": train, "validation": description.counts["validation"], "test": test}
    validation = validation_size(train, validation_fraction, classes=len(description.class_names))
    return {"train": train - validation, "validation": validation, "test": test}


def build_graph(matrix: Matrix, descriptions: Mapping[str, DatasetDescription]) -> Graph:
    """Return the graph of a matrix; `descriptions` maps the labels of its datasets to what is known of them."""
    builder = _Builder(matrix, descriptions)
    cells = {cell.slug: cell for cell in matrix.cells()}
    leaves = {slug: builder.measure(cell) for slug, cell in cells.items()}
    graph = Graph(builder.stages, leaves, cells, naive=0)
    return Graph(graph.stages, leaves, cells, naive=sum(len(graph.ancestry(key)) for key in leaves.values()))


def _once_per_cell(method: Callable[[_Builder, Cell], T]) -> Callable[[_Builder, Cell], T]:
    """Remember what a method of the builder returned for a cell: large graphs ask for the same stages many times."""

    @functools.wraps(method)
    def remembered(builder: _Builder, cell: Cell) -> T:
        name = (method.__name__, cell.slug)
        if name not in builder.known:
            builder.known[name] = method(builder, cell)
        found: T = builder.known[name]
        return found

    return remembered


@functools.lru_cache(maxsize=65_536)
def _values(parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any frozen dataclass of parameters
    """Return the fields of a stage's parameters; the same chunk or shadow index serves many datasets and cells."""
    return asdict(parameters)


@dataclass
class _Builder:
    """Adds stages, parents first; asking twice for the same stage gives the same key."""

    matrix: Matrix
    descriptions: Mapping[str, DatasetDescription]
    stages: dict[str, Stage] = field(default_factory=dict)
    known: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        *,
        components: Mapping[str, ComponentUse],
        parents: Parents,
        label: str,
        work: float,
        parameters: object = None,
        seed: int = 0,
        size: float = 0.0,
    ) -> str:
        values = _values(parameters) if parameters is not None else {}
        identity = {role: _identity(use) for role, use in components.items()}
        content = {
            "stage": "train" if kind == "shadow" else kind,
            "components": identity,
            "parameters": values,
            "seed": seed,
            "parents": parents,
        }
        key = fingerprint(content)
        self.stages.setdefault(key, Stage(key, kind, components, values, seed, parents, label, work, size))
        return key

    def sizes(self, cell: Cell) -> dict[str, int]:
        return split_sizes(self.descriptions[cell.dataset.label], self.matrix.file.held_out)

    @_once_per_cell
    def prepare(self, cell: Cell) -> str:
        description = self.descriptions[cell.dataset.label]
        return self.add(
            "prepare",
            components={"dataset": cell.dataset},
            parents={},
            label=cell.dataset.label,
            work=sum(description.counts.values()),
            size=sum(description.counts.values()) * _image_bytes(self.matrix.file.image_size),
            parameters=PrepareParameters(
                fingerprint=description.fingerprint,
                image_size=self.matrix.file.image_size,
                validation_fraction=self.matrix.file.held_out,
            ),
        )

    @_once_per_cell
    def caption(self, cell: Cell) -> str:
        assert cell.method.captioner is not None, "synthetic methods have a captioner"
        return self.add(
            "caption",
            components={"captioner": cell.method.captioner},
            parents={"data": (self.prepare(cell),)},
            label=f"{cell.dataset.label} · {cell.method.captioner.label}",
            work=self.sizes(cell)["train"],
        )

    @_once_per_cell
    def adapt(self, cell: Cell) -> str:
        method = cell.method
        assert method.generator is not None, "synthetic methods have a generator"
        assert method.adapter is not None, "synthetic methods have an adapter"
        return self.add(
            "adapt",
            components={"generator": method.generator, "adapter": method.adapter},
            parents={"data": (self.prepare(cell),), "prompts": (self.caption(cell),)},
            label=f"{cell.dataset.label} · {method.generator.label} · {method.adapter.label}",
            work=self.sizes(cell)["train"] * sample_fraction(method.adapter),
            seed=derive_seed("adapt", cell.seed),
        )

    @_once_per_cell
    def generate(self, cell: Cell) -> tuple[str, ...]:
        """Return the chunks that cover the cell's cardinality."""
        method, size = cell.method, self.matrix.file.generation_chunk
        assert method.generator is not None, "synthetic methods have a generator"
        assert method.adapter is not None, "synthetic methods have an adapter"
        parents = {"prompts": (self.caption(cell),), "weights": (self.adapt(cell),)}
        return tuple(
            self.add(
                "generate",
                components={"generator": method.generator},
                parents=parents,
                label=f"{cell.dataset.label} · {method.generator.label} · {method.adapter.label} · {start}+",
                work=size,
                size=size * _image_bytes(method.generator.options.get("image_size") or self.matrix.file.image_size),
                parameters=GenerateParameters(start, start + size),
                seed=derive_seed("generate", cell.seed),
            )
            for start in range(0, self.synthetic_count(cell), size)
        )

    def synthetic_count(self, cell: Cell) -> int:
        return max(1, round(cell.method.cardinality * self.sizes(cell)["train"]))

    def teacher(self, cell: Cell) -> str:
        """Return the real-data baseline of the cell's classifier; controls compare with the matrix's first."""
        methods = self.matrix.methods_for(cell.dataset)
        own = [m for m in methods if m.role == "baseline" and m.classifier == cell.method.classifier]
        return self.train(Cell(cell.dataset, (own or list(methods))[0], cell.seed))

    @_once_per_cell
    def train(self, cell: Cell) -> str:
        method = cell.method
        parents: dict[str, tuple[str, ...]] = {"data": (self.prepare(cell),)}
        components = {"classifier": method.classifier}
        count = self.synthetic_count(cell) if method.synthetic else None
        if method.synthetic:
            parents["images"] = self.generate(cell)
        if method.labels == "soft":
            parents["teacher"] = (self.teacher(cell),)
            components["teacher"] = method.classifier
        challenge = self.challenge(method)
        return self.add(
            "train",
            components=components,
            parents=parents,
            label=f"{cell.dataset.label} · {method.name}",
            work=(count or challenge.per_side or self.sizes(cell)["train"]) * _epochs(method.classifier),
            size=self.prediction_bytes(cell, challenge),
            parameters=TrainParameters(
                challenge=challenge,
                synthetic_count=count,
                labels=method.labels,
                epoch=self.epoch_choice(method),
            ),
            seed=derive_seed("train", cell.seed),
        )

    def epoch_choice(self, method: Method) -> EpochChoice:
        if method.name == "overfit":
            return "last"
        return "test" if self.matrix.file.protocol == "paper" else "validation"

    def challenge(self, method: Method) -> ChallengeParameters:
        if method.name != "overfit":
            return ChallengeParameters()
        return ChallengeParameters(self.matrix.file.overfit.per_side, self.matrix.file.overfit.canaries)

    def prediction_bytes(self, cell: Cell, challenge: ChallengeParameters) -> float:
        """Return the bytes of a model's float32 logits on its challenge and on the test set."""
        sizes = self.sizes(cell)
        examples = challenge.per_side * 2 if challenge.per_side else sizes["train"] + sizes["test"]
        return 4.0 * len(self.descriptions[cell.dataset.label].class_names) * (examples + sizes["test"])

    def shadows(self, cell: Cell, count: int) -> tuple[str, ...]:
        """Return a bank of shadow models, trained on real data by the recipe of the cell's classifier."""
        method = self.matrix.methods_for(cell.dataset)[0] if cell.method.name == "untrained" else cell.method
        challenge = self.challenge(method)
        name = (cell.dataset.label, fingerprint(_identity(method.classifier)), repr(challenge), str(count))
        if name not in self.known:
            self.known[name] = self.bank(cell, method, challenge, count)
        found: tuple[str, ...] = self.known[name]
        return found

    def bank(self, cell: Cell, method: Method, challenge: ChallengeParameters, count: int) -> tuple[str, ...]:
        """Return `count` shadow models of a method's classifier."""
        sizes = self.sizes(cell)
        examples = challenge.per_side * 2 if challenge.per_side else sizes["train"] + sizes["test"]
        return tuple(
            self.add(
                "shadow",
                components={"classifier": method.classifier},
                parents={"data": (self.prepare(cell),)},
                label=f"{cell.dataset.label} · shadow {index}{' · canaries' if challenge.canaries else ''}",
                work=examples / 2 * _epochs(method.classifier),
                size=self.prediction_bytes(cell, challenge),
                parameters=TrainParameters(challenge=challenge, shadow=index, epoch="last"),
                seed=derive_seed("shadow", index),
            )
            for index in range(count)
        )

    def attack(self, cell: Cell, use: ComponentUse) -> str:
        parents: dict[str, tuple[str, ...]] = {"data": (self.prepare(cell),), "target": (self.train(cell),)}
        count = int(use.options.get("shadows", 0))
        if count:
            parents["shadows"] = self.shadows(cell, count)
        return self.add(
            "attack",
            components={"attack": use},
            parents=parents,
            label=f"{cell.dataset.label} · {cell.method.name} · {use.label}",
            work=1,
            parameters=AttackParameters(self.challenge(cell.method)),
        )

    def measure(self, cell: Cell) -> str:
        parents: dict[str, tuple[str, ...]] = {
            "data": (self.prepare(cell),),
            "target": (self.train(cell),),
            "teacher": (self.teacher(cell),),
            "attacks": tuple(self.attack(cell, use) for use in self.matrix.attacks),
        }
        if cell.method.synthetic:
            parents |= {"prompts": (self.caption(cell),), "images": self.generate(cell)[:1]}
        labels = tuple(use.label for use in self.matrix.attacks)
        return self.add(
            "measure",
            components={use.label: use for use in self.matrix.metrics},
            parents=parents,
            label=f"{cell.dataset.label} · {cell.method.name}",
            work=1,
            parameters=MeasureParameters(labels, self.matrix.file.primary_attack),
        )


def _identity(use: ComponentUse) -> dict[str, Any]:
    """Return what of a component is part of a key: not its label, nor the distribution it came from."""
    return {
        "family": use.family,
        "name": use.name,
        "version": use.version,
        "options": dict(use.options),
        "identity": use.identity,
    }


def _image_bytes(size: int) -> float:
    """Return the bytes of a stored RGB image of `size` x `size` pixels."""
    return 3.0 * size**2


def _epochs(use: ComponentUse) -> int:
    return max(1, int(use.options.get("epochs", 1)))
