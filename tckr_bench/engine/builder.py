"""Builds the stage graph of a matrix: what each cell rests on, asked for once however many cells need it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from tckr_bench.engine.graph import Graph, Stage, count_naive, function_of, split_sizes
from tckr_bench.engine.keys import described, key_of
from tckr_bench.engine.matrix import Matrix
from tckr_bench.engine.training import Training, image_bytes
from tckr_bench.records import (
    Cell,
    ChallengeParameters,
    ComponentUse,
    DatasetDescription,
    EpochChoice,
    Method,
    Sample,
)
from tckr_bench.seeds import derive_seed
from tckr_bench.stages import adapt, attack, caption, generate, measure, prepare, train, tune
from tckr_bench.stages.attack import Inputs as AttackInputs
from tckr_bench.stages.challenge import fewest_to_audit, sides_of
from tckr_bench.stages.generate import Inputs as GenerateInputs
from tckr_bench.stages.request import parents_of

P = ParamSpec("P")
T = TypeVar("T")


def build_graph(matrix: Matrix, descriptions: Mapping[str, DatasetDescription]) -> Graph:
    """Return the graph of a matrix; `descriptions` maps the labels of its datasets to what is known of them."""
    builder = _Builder(matrix, descriptions)
    cells = {cell.slug: cell for cell in matrix.cells()}
    leaves = {slug: builder.measure(cell) for slug, cell in cells.items()}
    return Graph(builder.stages, leaves, cells, naive=count_naive(builder.stages, leaves.values()))


def _once(method: Callable[Concatenate[_Builder, P], T]) -> Callable[Concatenate[_Builder, P], T]:
    """Remember what a method of the builder returned: large graphs ask for the same stages many times."""

    @functools.wraps(method)
    def remembered(builder: _Builder, /, *given: P.args, **named: P.kwargs) -> T:
        name = (method.__name__, *(_name_of(value) for value in (*given, *named.values())))
        if name not in builder.known:
            builder.known[name] = method(builder, *given, **named)
        found: T = builder.known[name]
        return found

    return remembered


def _name_of(value: object) -> Hashable:
    """Return what tells a method's arguments apart in one matrix: components and methods by what they are called."""
    if isinstance(value, Training):
        return (value.dataset.label, value.method.name, value.seed, value.sample)
    if isinstance(value, ComponentUse):
        return value.label
    assert isinstance(value, Hashable), "what is asked for once is asked for by something with a hash"
    return value.name if isinstance(value, Method) else value


@dataclass
class _Builder:
    """Adds stages, parents first; asking twice for the same stage gives the same key."""

    matrix: Matrix
    descriptions: Mapping[str, DatasetDescription]
    stages: dict[str, Stage] = field(default_factory=dict)
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        *,
        components: Mapping[str, ComponentUse],
        inputs: object,
        label: str,
        work: float,
        parameters: object,
        seed: int = 0,
        size: float = 0.0,
    ) -> str:
        parents = parents_of(inputs)
        key = key_of(function_of(kind), components=components, parameters=parameters, seed=seed, parents=parents)
        values, _ = described(parameters)
        self.stages.setdefault(key, Stage(key, kind, components, values, seed, parents, label, work, size))
        return key

    def training(self, cell: Cell) -> Training:
        """Return what a cell's own classifier learns from."""
        return Training(cell.dataset, cell.method, cell.seed, self.matrix.regime_of(cell.method).sample)

    @_once
    def sizes(self, dataset: ComponentUse) -> dict[str, int]:
        file = self.matrix.file
        return split_sizes(self.descriptions[dataset.label], file.held_out, training_images=file.training_images)

    def training_size(self, training: Training) -> int:
        """Return how many real images stand in the place of the training split."""
        sizes, sample = self.sizes(training.dataset), training.sample
        examples = self.examples(training.dataset, sample.challenge)
        return {
            "train": sizes["train"],
            "members": examples // 2,
            "part": sample.challenge.per_side or sizes["train"],
            "outside": sizes["validation"],
            "everything": examples,
            "test-split": sizes["test"] // 2,
        }[sample.take]

    def examples(self, dataset: ComponentUse, challenge: ChallengeParameters) -> int:
        sizes = self.sizes(dataset)
        return sum(sides_of(challenge, members=sizes["train"], others=sizes["test"]))

    def fewest_to_audit(self, dataset: ComponentUse, challenge: ChallengeParameters) -> int:
        """Return how many shadow models an audit takes, if no image is repeated."""
        sizes = self.sizes(dataset)
        members, others = sides_of(challenge, members=sizes["train"], others=sizes["test"])
        return fewest_to_audit(members + others, part=members)

    @_once
    def prepare(self, dataset: ComponentUse) -> str:
        description, file = self.descriptions[dataset.label], self.matrix.file
        images = sum(self.sizes(dataset).values())
        return self.add(
            "prepare",
            components={"dataset": dataset},
            inputs=prepare.Inputs(),
            label=dataset.label,
            work=sum(description.counts.values()),
            size=images * image_bytes(file.image_size),
            parameters=prepare.Parameters(
                fingerprint=description.fingerprint,
                image_size=file.image_size,
                validation_fraction=file.held_out,
                training_images=file.training_images,
            ),
        )

    @_once
    def caption(self, training: Training) -> str:
        captioner = training.method.captioner
        assert captioner is not None, "synthetic methods have a captioner"
        return self.add(
            training.kind("caption"),
            components={"captioner": captioner},
            inputs=caption.Inputs(data=self.prepare(training.dataset)),
            label=f"{training.dataset.label} · {captioner.label}{training.place}",
            work=self.training_size(training),
            parameters=caption.Parameters(training.sample),
        )

    @_once
    def adapt(self, training: Training) -> str:
        generator, adapter = training.synthesis
        return self.add(
            training.kind("adapt"),
            components={"generator": generator, "adapter": adapter},
            inputs=adapt.Inputs(data=self.prepare(training.dataset), prompts=self.caption(training)),
            label=f"{training.dataset.label} · {generator.label} · {adapter.label}{training.place}",
            work=self.training_size(training) * adapter.work,
            seed=derive_seed("adapt", training.seed),
            parameters=adapt.Parameters(training.sample, share=adapter.work),
        )

    @_once
    def generate(self, training: Training) -> tuple[str, ...]:
        """Return the chunks that cover the method's cardinality."""
        chunk, count = self.matrix.file.generation_chunk, self.synthetic_count(training)
        inputs = generate.Inputs(prompts=self.caption(training), weights=self.adapt(training))
        chunks = self.known.setdefault(("chunks", inputs.weights), [])  # a method's own, or a longer one's prefix
        for start in range(len(chunks) * chunk, count, chunk):
            chunks.append(self.chunk(training, inputs, start))
        return tuple(chunks[: -(-count // chunk)])

    def chunk(self, training: Training, inputs: GenerateInputs[str], start: int) -> str:
        chunk = self.matrix.file.generation_chunk
        generator, adapter = training.synthesis
        return self.add(
            training.kind("generate"),
            components={"generator": generator},
            inputs=inputs,
            label=f"{training.dataset.label} · {generator.label} · {adapter.label}{training.place} · {start}+",
            work=chunk,
            size=chunk * image_bytes(generator.image_size or self.matrix.file.image_size),
            parameters=generate.Parameters(start, start + chunk),
            seed=derive_seed("generate", training.seed),
        )

    def synthetic_count(self, training: Training) -> int:
        return training.method.generated_images(self.training_size(training))

    def teacher(self, training: Training) -> str:
        """Return the real-data baseline of the classifier; what has none is compared with the matrix's first."""
        methods = self.matrix.methods_for(training.dataset)
        own = [m for m in methods if m.role == "baseline" and m.classifier == training.method.classifier]
        return self.train(replace(training, method=(own or list(methods))[0]))

    @_once
    def train(self, training: Training) -> str:
        method = training.method
        components = {"classifier": method.classifier}
        count = self.synthetic_count(training) if method.synthetic else None
        if method.labels == "soft":
            components["teacher"] = method.classifier
        challenge = training.sample.challenge if training.shadow else self.matrix.regime_of(method).challenge
        return self.add(
            "shadow" if training.shadow else "train",
            components=components,
            inputs=train.Inputs(
                data=self.prepare(training.dataset),
                images=self.generate(training) if method.synthetic else (),
                teacher=self.teacher(training) if method.labels == "soft" else None,
                tuned=self.tune(training) if method.matched else None,
            ),
            label=f"{training.dataset.label} · {training.name}",
            work=(count or self.training_size(training)) * method.classifier.work,
            size=self.prediction_bytes(training.dataset, challenge),
            parameters=train.Parameters(
                sample=training.sample,
                challenge=challenge,
                synthetic_count=count,
                labels=method.labels,
                epoch=self.epoch_choice(training),
                queries=self.matrix.file.augmented_queries,
            ),
            seed=derive_seed("train", training.seed),
        )

    def tune(self, training: Training) -> str:
        """Return the stage that matches a defence to the first student; shadows take over what was found."""
        methods = self.matrix.methods_for(training.dataset)
        student = next(method for method in methods if method.role == "method")
        target = Training(training.dataset, student, self.matrix.file.seeds[0], Sample())
        return self.add(
            "tune",
            components={"classifier": training.method.classifier},
            inputs=tune.Inputs(data=self.prepare(training.dataset), student=self.train(target)),
            label=f"{training.dataset.label} · {training.method.name}",
            work=5 * self.sizes(training.dataset)["train"] * training.method.classifier.work,
            parameters=tune.Parameters(),
            seed=derive_seed("tune"),
        )

    def epoch_choice(self, training: Training) -> EpochChoice:
        """Return which epoch is kept; shadows repeat the choice, but for one on the test set, which trains them."""
        fixed = self.matrix.regime_of(training.method).epoch
        if fixed is not None:
            return fixed
        if self.matrix.file.protocol == "paper":
            return "last" if training.shadow else "test"
        return "validation"

    def prediction_bytes(self, dataset: ComponentUse, challenge: ChallengeParameters) -> float:
        """Return the bytes of a model's float32 logits on its challenge, altered copies of it, and the other splits."""
        sizes, queries = self.sizes(dataset), self.matrix.file.augmented_queries
        images = self.examples(dataset, challenge) * (1 + queries) + sizes["test"] + sizes["validation"]
        return 4.0 * len(self.descriptions[dataset.label].class_names) * images

    def shadowed(self, cell: Cell, use: ComponentUse) -> Method:
        """Return the method that an attack's shadow models repeat: the cell's own, or its real-data baseline."""
        methods = self.matrix.methods_for(cell.dataset)
        if not self.matrix.regime_of(cell.method).sees_members:
            return methods[0]
        if not cell.method.synthetic or use.shadows.adaptive:
            return cell.method
        same = [m for m in methods if m.role == "baseline" and m.classifier == cell.method.classifier]
        return (same or list(methods))[0]

    def shadows(self, dataset: ComponentUse, method: Method, use: ComponentUse) -> tuple[str, ...]:
        """Return a bank of shadow models; one of a recipe serves every attack and every target."""
        challenge = self.matrix.regime_of(method).challenge
        sample = Sample("test-split" if use.shadows.data == "test-split" else "part", challenge)
        return self.bank(dataset, method, sample, use.shadows.count)

    def canary_shadows(self, dataset: ComponentUse, method: Method) -> tuple[str, ...]:
        """Return a bank of shadow models that learn canaries as well: a target learns none, so they serve audits alone.

        A method that learns canaries itself is judged by those.
        """
        challenge = self.canaries
        if not challenge.canaries or self.matrix.regime_of(method).challenge.canaries:
            return ()
        return self.bank(dataset, method, Sample("part", challenge), self.fewest_to_audit(dataset, challenge))

    @property
    def canaries(self) -> ChallengeParameters:
        file = self.matrix.file
        return ChallengeParameters(canaries=file.canaries, canary_kind=file.canary_kind)

    @_once
    def bank(self, dataset: ComponentUse, method: Method, sample: Sample, count: int) -> tuple[str, ...]:
        samples = (replace(sample, index=index) for index in range(count))
        return tuple(self.train(Training(dataset, method, derive_seed("shadow", each.index), each)) for each in samples)

    def attack(self, cell: Cell, use: ComponentUse) -> str:
        training, bank = self.training(cell), self.shadowed(cell, use)
        inputs = attack.Inputs(data=self.prepare(cell.dataset))
        components = {"attack": use}
        published = use.shadows.data == "test-split"
        parameters = attack.Parameters()
        if use.surface == "classifier":
            adaptive = bank == cell.method and not published
            inputs = replace(inputs, target=self.train(training))
            if use.shadows.count:
                inputs = replace(inputs, shadows=self.shadows(cell.dataset, bank, use))
            challenge = self.matrix.regime_of(cell.method).challenge
            if adaptive and use.shadows.count >= self.fewest_to_audit(cell.dataset, challenge):
                inputs = replace(inputs, canary_shadows=self.canary_shadows(cell.dataset, bank))
            parameters = attack.Parameters(
                challenge=challenge,
                canaries=self.canaries if inputs.canary_shadows else ChallengeParameters(),
                shadow_data=use.shadows.data,
                adaptive=adaptive,
            )
        elif use.surface != "data":
            inputs = self.released(training, use)
            components |= {"generator": training.synthesis[0]} if use.surface == "generator" else {}
            parameters = attack.Parameters(synthetic_count=self.synthetic_count(training))
        return self.add(
            "attack",
            components=components,
            inputs=inputs,
            label=f"{cell.dataset.label} · {cell.method.name} · {use.label}",
            work=1,
            parameters=parameters,
        )

    def released(self, training: Training, use: ComponentUse) -> AttackInputs[str]:
        """Return what an attack on anything but the classifier looks at."""
        data = self.prepare(training.dataset)
        if use.surface == "images":
            return attack.Inputs(data, images=self.generate(training))
        asked = self.caption(replace(training, sample=Sample("everything")))
        if use.surface == "captions":
            return attack.Inputs(data, prompts=asked, released=self.caption(training))
        return attack.Inputs(data, prompts=asked, weights=self.adapt(training))

    def attacks(self, cell: Cell) -> tuple[ComponentUse, ...]:
        """Return the attacks that apply to a cell: those on releases to synthetic methods, tests of the data once."""
        applies = {
            "classifier": True,
            "data": cell.method.role == "baseline",
            "generator": cell.method.synthetic,
            "images": cell.method.synthetic,
            "captions": cell.method.synthetic,
        }
        return tuple(use for use in self.matrix.attacks if applies[use.surface])

    def measure(self, cell: Cell) -> str:
        training, attacks = self.training(cell), self.attacks(cell)
        synthetic = cell.method.synthetic
        inputs = measure.Inputs(
            data=self.prepare(cell.dataset),
            target=self.train(training),
            teacher=self.teacher(replace(training, sample=Sample())),
            attacks=tuple(self.attack(cell, use) for use in attacks),
            prompts=self.caption(training) if synthetic else None,
            images=self.generate(training)[0] if synthetic else None,
        )
        return self.add(
            "measure",
            components={use.label: use for use in self.matrix.metrics},
            inputs=inputs,
            label=f"{cell.dataset.label} · {cell.method.name}",
            work=1,
            parameters=measure.Parameters(tuple(use.label for use in attacks), self.matrix.file.primary_attack),
        )
