"""For plugin authors: a contract check for each family.

A check raises `AssertionError` with a sentence that says which law the component breaks. Use them in pytest:

    def test_my_attack_keeps_the_contract():
        check_attack(MyAttack(options))
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tckr_bench.errors import ContractError
from tckr_bench.plugin.contract import check_contract, made_memorising, made_untrained, undone
from tckr_bench.plugin.fakes import (
    fake_attack_evidence,
    fake_cell_evidence,
    fake_class_names,
    fake_images,
    fake_prompts,
    fake_release_evidence,
)
from tckr_bench.plugin.observing import RunEnd
from tckr_bench.plugin.protocols import Context, WrittenCaptioner
from tckr_bench.plugin.rehearsal import rehearsed
from tckr_bench.records import (
    GenerationRequest,
    ImageCatalogue,
    Prompts,
    TrainingData,
    read_only,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tckr_bench.plugin.components import ClassifierComponent, Component, MetricComponent
    from tckr_bench.plugin.observing import Observer
    from tckr_bench.plugin.options import Options
    from tckr_bench.plugin.protocols import (
        Adapter,
        Attack,
        Captioner,
        Classifier,
        Dataset,
        Generator,
        ReleaseAttack,
    )

ROUNDING = 2  # of 255: how far the same image may differ between batch sizes


def check_component(component: Component[Any]) -> None:
    """Check that a component can be registered: named, documented, and with declarations the harness can work with."""
    try:
        check_contract(component, component.family)
    except ContractError as error:
        raise AssertionError(str(error)) from error


def check_dataset(dataset: Dataset) -> None:
    """Check that a dataset says the same each time, and reads what it says."""
    description = dataset.describe()
    assert description == dataset.describe(), "describe() must say the same each time"
    assert len(set(description.class_names)) == len(description.class_names) > 1, "class names are two or more, unlike"
    for split in description.counts:
        data = dataset.read(split, size=16)  # type: ignore[arg-type]
        assert len(data) == description.counts[split], f"{split}: read() returns as many images as describe() says"
        assert data.images.shape[1:] == (16, 16, 3), f"{split}: images have the size asked for"
        assert data.images.dtype == np.uint8, f"{split}: images are uint8"
        assert data.labels.dtype == np.int64, f"{split}: labels are int64"
        assert set(np.unique(data.labels)) <= set(range(len(description.class_names))), f"{split}: labels name classes"


def check_captioner(captioner: Captioner | WrittenCaptioner) -> None:
    """Check that a captioner gives one text per image, the same each time, whichever others are asked for."""
    if isinstance(captioner, WrittenCaptioner):
        _check_written(captioner)
        return
    data = fake_images()
    texts = captioner.caption(data.images, data.labels, class_names=fake_class_names(), context=Context())
    again = captioner.caption(data.images, data.labels, class_names=fake_class_names(), context=Context())
    assert len(texts) == len(data), "one text per image"
    assert all(texts), "captions are not empty"
    assert texts == again, "the same images have the same captions"


def _check_written(captioner: WrittenCaptioner) -> None:
    """Check that an image keeps its caption whichever images are asked for, and in whatever order."""
    data = fake_images()
    catalogue = ImageCatalogue(
        (len(data), 0, 0), data.labels, tuple(f"train/{index}.png" for index in range(len(data)))
    )

    def texts(chosen: npt.NDArray[np.int64]) -> tuple[str | None, ...]:
        return captioner.look_up(
            chosen, data.labels[chosen], catalogue=catalogue, class_names=fake_class_names(), context=Context()
        ).texts

    everything = np.arange(len(data), dtype=np.int64)
    whole = texts(everything)
    assert len(whole) == len(data), "one text per image, or None"
    assert any(whole), "some image has a caption"
    some = everything[::-3]
    assert texts(some) == tuple(whole[index] for index in some), "a caption belongs to its image"


def check_generator(generator: Generator, weights: Path) -> None:
    """Check that image i depends on prompt i and seed i alone; `weights` is what a fitting adapter wrote."""
    data = fake_images(6)
    prompts = fake_prompts(data)
    generator.restore(weights)
    context = Context()
    request = _request(prompts, range(6))
    whole = generator.generate(request, context=context)
    again = generator.generate(request, context=context)
    size = generator.image_size
    assert whole.shape == (6, size, size, 3), "images are (n, image_size, image_size, 3)"
    assert whole.dtype == np.uint8, "images are uint8"
    assert np.array_equal(whole, again), "the same request gives the same bytes"
    part = generator.generate(_request(prompts, range(4, 6)), context=context)
    difference = np.abs(part.astype(int) - whole[4:].astype(int)).max()
    assert difference <= ROUNDING, f"image i depends on its batch: pixels differ by {difference}"


def _request(prompts: Prompts, places: range) -> GenerationRequest:
    """Return the request for some places of a sequence in which every prompt comes once, in order."""
    labels = prompts.labels.tolist()
    chosen = slice(places.start, places.stop)
    part = Prompts(prompts.texts[chosen], prompts.labels[chosen], prompts.sources[chosen])
    ranks = tuple(labels[:place].count(labels[place]) for place in places)
    return GenerationRequest(part, tuple(places), ranks, fake_class_names(max(labels) + 1))


def check_adapter(adapter: Adapter, generator: Generator, folder: Path) -> None:
    """Check that an adapter writes the same bytes for the same seed, and that the generator takes them up."""
    data = fake_images(6)
    contents = []
    for name in ("first", "second"):
        weights = folder / name
        weights.mkdir()
        adapter.adapt(generator, data.images, fake_prompts(data), weights=weights, seed=1, context=Context())
        files = sorted(path for path in weights.rglob("*") if path.is_file())
        contents.append([(path.relative_to(weights).as_posix(), path.read_bytes()) for path in files])
    assert contents[0] == contents[1], "the same seed gives the same bytes"
    generator.restore(folder / "first")


def check_classifier(component: ClassifierComponent, options: dict[str, Any], folder: Path) -> None:
    """Check that a classifier is repeatable, restores what it saved, and does what its component declares.

    It is trained for one epoch where the component declares how it memorises, else as the options say.
    """
    data, context = fake_images(24), Context()
    training = TrainingData(data, fake_class_names(), validation=fake_images(12, seed=1))
    given = component.parse_options(options)
    chosen = given if component.memorising is None else made_memorising(component, given, epochs=1)

    def trained(options: Options) -> Classifier:
        classifier = component.load(options)
        classifier.fit(training, seed=3, context=context)
        return classifier

    first = trained(chosen)
    logits = first.predict(data.images, context=context)
    assert logits.shape == (24, 3), "logits are (n, classes)"
    assert logits.dtype == np.float32, "logits are float32"
    undone(component, chosen, logits)
    again = trained(chosen).predict(data.images, context=context)
    assert np.array_equal(logits, again), "the same seed, the same logits"
    first.save(folder)
    restored = component.load(chosen)
    restored.restore(folder, context=context)
    assert np.array_equal(restored.predict(data.images, context=context), logits), "restored logits are the same"
    if component.untrained is not None:
        ignorant = trained(made_untrained(component, given)).predict(data.images, context=context)
        assert not np.array_equal(ignorant, logits), "made untrained, it learns nothing"


def check_attack(attack: Attack) -> None:
    """Check that an attack gives one finite score per example, whatever their order, and writes to no evidence."""
    evidence = read_only(fake_attack_evidence())
    scores = np.asarray(attack.score(evidence))
    assert scores.shape == (60,), "one score per example"
    assert np.isfinite(scores).all(), "scores are finite"
    order = np.random.default_rng(0).permutation(60)
    assert evidence.images is not None
    assert evidence.target_queries is not None
    assert evidence.shadow_queries is not None
    shuffled = replace(
        evidence,
        target_logits=evidence.target_logits[order],
        labels=evidence.labels[order],
        shadow_logits=evidence.shadow_logits[:, order],
        shadow_membership=evidence.shadow_membership[:, order],
        images=evidence.images[order],
        target_queries=evidence.target_queries[:, order],
        shadow_queries=evidence.shadow_queries[:, :, order],
    )
    assert np.allclose(attack.score(shuffled), scores[order], atol=1e-9), (
        "an example's score does not depend on its place"
    )
    assert attack.threat_model.sees, "the threat model says what the attacker sees"
    assert attack.threat_model.owns, "the threat model says what the attacker owns"


def check_release_attack(attack: ReleaseAttack) -> None:
    """Check that an attack on a release gives one finite score per example, the same each time, in any order.

    It must not write to what it is given.
    """
    evidence = read_only(fake_release_evidence())
    outcome = attack.score(evidence, context=Context())
    count = len(evidence.labels)
    assert outcome.scores.shape == (count,), "one score per example"
    assert outcome.scores.dtype == np.float64, "scores are float64"
    assert np.isfinite(outcome.scores).all(), "scores are finite"
    if outcome.nearest is not None:
        assert outcome.nearest.shape == (count,), "one nearest synthetic image per example"
        assert outcome.nearest.dtype == np.int64, "the nearest are told by their index"
    assert np.array_equal(attack.score(evidence, context=Context()).scores, outcome.scores), "the same scores each time"
    order = np.random.default_rng(0).permutation(count)
    assert evidence.members is not None
    shuffled = replace(
        evidence,
        images=evidence.images[order],
        labels=evidence.labels[order],
        prompts=tuple(evidence.prompts[index] for index in order),
        members=evidence.members[order],
    )
    scores = attack.score(shuffled, context=Context()).scores
    assert np.allclose(scores, outcome.scores[order], atol=1e-9), "an example's score does not depend on its place"
    assert attack.threat_model.sees, "the threat model says what the attacker sees"
    assert attack.threat_model.owns, "the threat model says what the attacker owns"
    assert attack.threat_model.surface != "classifier", "the threat model says what is released beside the classifier"


def check_metric(component: MetricComponent) -> None:
    """Check that a metric gives the same measurements each time, of the quantities it declares and in their range."""
    evidence, metric = read_only(fake_cell_evidence()), component.load(component.parse_options({}))
    declared = {quantity.name: quantity for quantity in component.quantities}
    measurements = metric.compute(evidence)
    assert measurements == metric.compute(evidence), "the same evidence gives the same measurements"
    for measurement in measurements:
        name = measurement.metric
        assert name in declared, f"'{component.name}' measures '{name}', which it does not declare"
        quantity = declared[name]
        assert measurement.low <= measurement.value <= measurement.high, f"{name}: the value lies in its interval"
        assert quantity.low <= measurement.low, f"{name}: no interval reaches below {quantity.low}"
        assert measurement.high <= quantity.high, f"{name}: no interval reaches above {quantity.high}"
        assert measurement.interval, f"{name}: the measurement says what its interval is"
        assert measurement.examples > 0, f"{name}: the measurement says how many examples it rests on"


def check_observer(make: Callable[[], Observer], folder: Path) -> None:
    """Check that an observer takes a run, one continued, and one that stops early; and that it changes nothing of it.

    `make` returns a new observer each time, as each command does; `folder` stands for the run's.
    """
    told = rehearsed(folder)
    told.tell(make())
    assert told == rehearsed(folder), "an observer changes nothing of what it is told"
    told.again().tell(make())
    stopped = replace(told, finished=told.finished[:1], failed=(), cells=(), end=RunEnd("stopped"))
    stopped.tell(make())
