"""A leaderboard made with numpy: records, rows and entries with measurements as real runs have them, of any size.

Beside what is ranked there are controls, an entry with a dataset missing, one whose gate failed, one whose epochs were
chosen on the test set, and one with a failed seed. `hostile=True` fills every free text with what must stay text.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tckr_bench.judging.quantities import estimates_of
from tckr_bench.judging.ranking import dominates
from tckr_bench.judging.rows import row_of
from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.records import (
    ComponentUse,
    DatasetDescription,
    Estimate,
    Gate,
    Measurement,
    Method,
    Shadows,
    StepCost,
    ThreatModel,
)
from tckr_bench.results.files import SavedRun, submission_folder, write_saved_run
from tckr_bench.results.records import (
    SCHEMA_VERSION,
    FileReference,
    ResultRecord,
    RunInformation,
    RunProvenance,
    SeedResult,
    StageCounts,
    cells_of,
)
from tckr_bench.stats.classification import accuracy_over_privacy

DATASETS = (
    "fashion-mnist",
    "digits",
    "cifar10",
    "cifar100",
    "tiny-imagenet",
    "oxford-pets",
    "stanford-cars",
    "caltech101",
    "stl10",
    "food101",
)
HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\">",
    "</script><script>document.title='taken'</script>",
    "]]><svg/onload=alert(1)>&amp;\x1b[31mred\x00",
    "\u202egnp.exe\u2066 \u200b{{ 7*7 }} ${7*7} =1+1|@cell",
    "Wordwithoutasinglespace" * 12,
    "javascript:alert('x') \"quoted\" 'quoted' `ticks`",
)
OUTPUTS = "class probabilities of the released classifier"
SHADOWS = "the training recipe and data of the same distribution to train 16 shadow models"
MODELS = {
    "loss": ThreatModel(OUTPUTS, "the label of the example"),
    "modified-entropy": ThreatModel(OUTPUTS, "the label of the example"),
    "lira": ThreatModel(OUTPUTS, SHADOWS),
    "rmia": ThreatModel(OUTPUTS + ", also for other examples", SHADOWS),
    "adaptive-lira": ThreatModel(OUTPUTS, "the whole recipe, to train 8 shadow pipelines", adaptive=True),
    "adaptive-rmia": ThreatModel(OUTPUTS, "the whole recipe, to train 8 shadow pipelines", adaptive=True),
    "nearest-copy": ThreatModel("the synthetic images", "nothing else", surface="images"),
    "caption-match": ThreatModel("the captions", "the captioner", surface="captions"),
    "blind": ThreatModel("no model: the challenge images alone", "who is a member of the others", surface="data"),
}
STRENGTHS = {
    "loss": 0.55,
    "modified-entropy": 0.6,
    "lira": 0.95,
    "rmia": 0.92,
    "adaptive-lira": 1.05,
    "adaptive-rmia": 1.0,
    "nearest-copy": 0.3,
    "caption-match": 0.12,
    "blind": 0.0,
}
CAPTIONERS = ("attributes", "class-names", "blip2")
GENERATORS = ("miniature", "stable-diffusion-2", "sdxl-turbo", "pixart-sigma", "ddpm", "consistency")
ADAPTERS = ("lora", "none", "textual-inversion", "dora", "full")
SIZES = (("soft", 0.5), ("soft", 1.0), ("soft", 2.0), ("hard", 0.5), ("hard", 1.0), ("hard", 2.0))
CONTROLS = ("memorizer", "noise", "overfit", "untrained", "outsider")
METRICS = ("accuracy", "accuracy-gap", "auc-mia", "tpr-at-1-fpr", "aop", "worst-auc", "worst-tpr-at-1-fpr")
MAIN, OTHER, LEAKY = "c0ffee5eed5a11ad", "0ddba11fee1dead5", "badc0de0badc0de0"
TRAIN, TEST = 2000, 1000


@dataclass(frozen=True)
class Candidate:
    """A method as it is made up: accuracy kept of the teacher's, how much of its leak, and what is wrong with it."""

    method: Method
    submission: str
    kept: float
    leak: float
    seconds: float
    trouble: str = ""


class Words:
    """Hands out free text: as it is, or with something hostile in front."""

    def __init__(self, hostile: bool):
        self._hostile, self._next = hostile, itertools.count()

    def __call__(self, text: str) -> str:
        return f"{HOSTILE[next(self._next) % len(HOSTILE)]} {text}" if self._hostile else text


def made_track(datasets: int = 2, *, name: str = "made", seeds: int = 2, hostile: bool = False) -> Track:
    """Return a track over the first so many of `DATASETS`."""
    say = Words(hostile)
    return Track(
        name=name,
        title=say(f"Made up: {datasets} datasets"),
        summary=say("Numbers drawn from a generator, to look at pages with."),
        matrix="mini",
        datasets={
            label: TrackDataset({"train": TRAIN, "validation": 500, "test": TEST}, 10, _digest(label))
            for label in DATASETS[:datasets]
        },
        seeds=seeds,
        attacks=(RequiredAttack("lira", shadows=16), RequiredAttack("lira", adaptive=True, shadows=8)),
    )


def made_records(track: Track | None = None, *, methods: int = 12, seed: int = 0, hostile: bool = False):
    """Return records of so many methods, and five controls, on every dataset of a track."""
    track = track or made_track(hostile=hostile)
    say = Words(hostile)
    labels = {name: say(name) if name != "lira" else name for name in MODELS}
    runs = {submission: _information(track, submission, labels, say) for submission in (MAIN, OTHER, LEAKY)}
    found = []
    for index, candidate in enumerate(_candidates(methods, seed)):
        candidate = dataclasses.replace(candidate, method=_told(candidate.method, say))
        for place, dataset in enumerate(track.datasets):
            if candidate.trouble == "incomplete" and place == len(track.datasets) - 1:
                continue
            found.append(
                _record(
                    track,
                    dataset,
                    candidate,
                    labels,
                    runs[candidate.submission],
                    generator=np.random.default_rng((seed, index, place)),
                    say=say,
                )
            )
    return found


def made_standings(
    datasets: int = 2,
    methods: int = 12,
    seed: int = 0,
    hostile: bool = False,
    *,
    seeds: int = 2,
    dataset: str | None = None,
) -> Standings:
    """Return a board of so many methods, and five controls, over so many datasets, or on one of them."""
    track = made_track(datasets, seeds=seeds, hostile=hostile)
    records = made_records(track, methods=methods, seed=seed, hostile=hostile)
    groups: dict[tuple[str, str], list[ResultRecord]] = {}
    for record in records:
        if dataset in (None, record.dataset):
            groups.setdefault((record.submission, record.method.name), []).append(record)
    say = Words(hostile)
    scope = tuple(track.datasets) if dataset is None else (dataset,)
    entries = [_entry(group, scope, say) for group in groups.values()]
    return Standings(track, tuple(_ordered(entries)), dataset)


def write_made_records(records, root: Path) -> None:
    """Write records below a folder of submissions, each with those of its run; their scores are not there."""
    runs: dict[tuple[str, str], list[ResultRecord]] = {}
    for record in records:
        runs.setdefault((record.track, record.submission), []).append(record)
    for own in runs.values():
        run = own[0].run
        write_saved_run(SavedRun(submission_folder(root, run), run, tuple(own)))


def of_run(record: ResultRecord, **changes) -> ResultRecord:
    """Return a record of a run that says otherwise."""
    return dataclasses.replace(record, run=dataclasses.replace(record.run, **changes))


def _candidates(methods: int, seed: int) -> list[Candidate]:
    generator = np.random.default_rng((seed, 99))
    classifier = _use("classifier", "small-cnn", {"epochs": 20, "learning_rate": 0.005, "augment": True})
    found = [
        Candidate(Method("teacher", "baseline", classifier), MAIN, 1.0, 1.0, 40),
        Candidate(Method("dp-sgd-1", "defended", _use("classifier", "dp-sgd", {"epsilon": 1})), MAIN, 0.80, 0.02, 190),
        Candidate(Method("dp-sgd-8", "defended", _use("classifier", "dp-sgd", {"epsilon": 8})), MAIN, 0.89, 0.08, 190),
        Candidate(Method("stopped", "defended", _use("classifier", "small-cnn", {"epochs": 8})), MAIN, 0.97, 0.42, 18),
    ]
    combinations = itertools.product(GENERATORS, CAPTIONERS, ADAPTERS, SIZES)
    for index, (made_by, captioner, adapter, (labels, cardinality)) in zip(
        range(methods - len(found)), combinations, strict=False
    ):
        kept = 0.955 - 0.05 * (labels == "hard") - 0.06 * (adapter == "none") + 0.018 * np.log2(cardinality)
        kept += 0 if index < 12 else generator.normal(-0.06, 0.05)
        leak = (0.16 if adapter != "none" else 0.05) * (1.2 if labels == "soft" else 0.8) * cardinality**0.15
        leak *= 1 if index < 12 else generator.lognormal(0, 0.5)
        seconds = 160 + 300 * cardinality * (1 if index < 12 else generator.lognormal(0.5, 1.0))
        method = Method(
            f"{captioner}-{made_by}-{adapter}-small-cnn-{labels}-{cardinality:g}x",
            "method",
            classifier,
            labels=labels,
            cardinality=cardinality,
            captioner=_use("captioner", captioner, {}),
            generator=_use("generator", made_by, {"steps": 10, "guidance": 2.0}),
            adapter=_use("adapter", adapter, {"rank": 16} if adapter == "lora" else {}),
        )
        found.append(Candidate(method, MAIN, min(kept, 1.01), leak, seconds, _trouble(index, methods - len(found) - 1)))
    found = [_moved(candidate) for candidate in found[:methods]]
    return [*found, *(_control(name, classifier) for name in CONTROLS)]


def _trouble(index: int, left: int) -> str:
    if left < 3:
        return ("incomplete", "untrusted", "test-chosen")[left]
    return "seed" if index == 1 else ""


def _moved(candidate: Candidate) -> Candidate:
    homes = {"untrusted": LEAKY, "incomplete": OTHER}
    return dataclasses.replace(candidate, submission=homes.get(candidate.trouble, MAIN))


def _control(name: str, classifier: ComponentUse) -> Candidate:
    kept = {"memorizer": 0.99, "overfit": 0.93, "outsider": 0.75}.get(name, 0.12)
    leak = {"memorizer": 0.97, "overfit": 2.2}.get(name, 0.0)
    generated = {
        "captioner": _use("captioner", "attributes", {}),
        "generator": _use("generator", name, {}),
        "adapter": _use("adapter", "none", {}),
    }
    parts = generated if name in ("memorizer", "noise") else {}
    return Candidate(Method(name, "control", classifier, **parts), MAIN, kept, leak, 45)


def _use(family: str, name: str, options: dict) -> ComponentUse:
    return ComponentUse(family, name, "1", name, options, "tckr-bench 0.1.0")


def _told(method: Method, say: Words) -> Method:
    """Let the words of a method's components be free text; its own name stays, since files are named by it."""
    changed = {}
    for axis in ("captioner", "generator", "adapter", "classifier"):
        use = getattr(method, axis)
        if use is not None and say("") != "":
            options = {say(key): say(str(value)) for key, value in use.options.items()}
            changed[axis] = dataclasses.replace(
                use, label=say(use.label), name=say(use.name), options=options, distribution=say(use.distribution)
            )
    return dataclasses.replace(method, **changed)


def _record(track: Track, dataset: str, candidate: Candidate, labels, run, *, generator, say: Words) -> ResultRecord:
    labels = {name: label for name, label in labels.items() if _faces(name, candidate.method)}
    failed = (1,) if candidate.trouble == "seed" and dataset == next(iter(track.datasets)) else ()
    images = int(TRAIN * candidate.method.cardinality) if candidate.method.synthetic else 0
    return ResultRecord(
        schema_version=SCHEMA_VERSION,
        method=candidate.method,
        description=DatasetDescription(
            say(dataset),
            tuple(say(f"class {index}") for index in range(10)),
            {"train": TRAIN + 500, "test": TEST},
            _digest(dataset),
            "32 x 32",
            say("made up"),
            say("public domain"),
        ),
        splits=track.datasets[dataset].splits,
        dataset=dataset,
        protocol="paper" if candidate.trouble == "test-chosen" else "sound",
        contamination="classes" if candidate.method.synthetic else None,
        threat_models={labels[name]: _model(MODELS[name], say) for name in labels},
        seeds=tuple(
            _seed(
                candidate,
                dataset,
                labels,
                number=number,
                generator=generator,
                say=say,
                failed=number in failed,
            )
            for number in range(track.seeds)
        ),
        images_generated=images,
        gates=_gates(candidate, say),
        run=run,
    )


def _information(track: Track, submission: str, labels, say: Words) -> RunInformation:
    return RunInformation(
        schema_version=SCHEMA_VERSION,
        submission=submission,
        track=track.name,
        matrix=track.matrix,
        matrix_digest=_digest(track.matrix),
        primary_attack="lira",
        attacks=tuple(
            dataclasses.replace(
                _use("attack", label, {"shadows": 16}),
                name=label.removeprefix("adaptive-"),
                surface=MODELS[name].surface,
                shadows=Shadows(16),
            )
            for name, label in labels.items()
        ),
        metrics=tuple(_use("metric", name, {}) for name in METRICS),
        command=say(f"tckr-bench run --matrix {track.matrix}"),
        recipe=say(""),
        provenance=_provenance(say),
        stages=StageCounts(naive=80, unique=44, cached=4, ran=40, failed=0),
        seconds={"train": 612.0},
        wall_seconds=400.0,
    )


def _faces(label: str, method: Method) -> bool:
    model = MODELS[label]
    if model.surface in ("images", "captions") or label.startswith("adaptive"):
        return method.synthetic
    return True


def _model(model: ThreatModel, say: Words) -> ThreatModel:
    return dataclasses.replace(model, sees=say(model.sees), owns=say(model.owns))


def _seed(candidate, dataset, labels, *, number, generator, say, failed) -> SeedResult:
    name, steps = candidate.method.name, _steps(candidate, generator)
    if failed:
        return SeedResult(
            number, "failed", cost=steps[:1], failure=say("stage generate: the process ran out of memory")
        )
    return SeedResult(
        number,
        "ok",
        measurements=_measurements(candidate, dataset, labels, generator=generator, say=say),
        scores=FileReference(f"{name}.seed-{number}.parquet", _digest(f"{name} {dataset} {number}"), 48123),
        cost=steps,
    )


def _measurements(candidate, dataset, labels, *, generator, say) -> tuple[Measurement, ...]:
    place = DATASETS.index(dataset)
    best, exposed = 0.97 - 0.037 * place, 0.03 + 0.022 * place
    accuracy = min(max(best * candidate.kept + generator.normal(0, 0.008), 0.02), 0.995)
    if candidate.method.name in ("noise", "untrained"):
        accuracy = 0.1
    teacher = best
    measurements = [
        _measurement("accuracy", accuracy, 0.012, say("Wilson"), attack=""),
        _measurement("accuracy-gap", teacher - accuracy, 0.016, say("Bonett-Price (paired)"), attack=""),
    ]
    aucs, rates = {}, {}
    for name, label in labels.items():
        lift = exposed * candidate.leak * 3.2 * STRENGTHS[name]
        aucs[label] = auc = min(max(0.5 + lift + generator.normal(0, 0.008), 0.46), 0.99)
        rates[label] = rate = min(max(0.01 + 0.5 * lift**1.5 + generator.normal(0, 0.002), 0.0), 1.0)
        measurements += [
            _measurement("auc-mia", auc, 0.018, say("DeLong"), attack=label),
            _measurement("tpr-at-1-fpr", rate, 0.006, say("Clopper-Pearson"), attack=label),
        ]
    on_classifier = [label for name, label in labels.items() if MODELS[name].surface == "classifier"]
    for metric, values, wide in (("worst-auc", aucs, 0.024), ("worst-tpr-at-1-fpr", rates, 0.009)):
        worst = max(on_classifier, key=values.__getitem__)
        measurements.append(_measurement(metric, values[worst], wide, say("corrected"), attack=worst))
    aop = accuracy_over_privacy(accuracy, max(aucs[label] for label in on_classifier))
    worst = max(on_classifier, key=aucs.__getitem__)
    measurements.append(_measurement("aop", aop, 0.03, say("quadrature"), attack=worst))
    if candidate.method.name.startswith("dp-sgd"):
        epsilon = float(candidate.method.name.rsplit("-", 1)[1])
        measurements.append(Measurement("epsilon-accounted", epsilon, epsilon, epsilon, say("accountant rdp"), TRAIN))
    return tuple(measurements)


def _measurement(metric: str, value: float, half: float, interval: str, *, attack: str) -> Measurement:
    return Measurement(metric, value, value - half, value + half, interval, TEST, attack)


def _steps(candidate: Candidate, generator) -> tuple[StepCost, ...]:
    scale = float(generator.lognormal(0, 0.05))
    used = [("train", candidate.method.classifier.name, 0.3), ("shadow", "small-cnn", 8.0), ("attack", "lira", 0.2)]
    if candidate.method.synthetic:
        used = [("caption", "attributes", 0.01), ("adapt", "lora", 0.4), ("generate", "miniature", 0.5), *used]
    return tuple(
        StepCost(
            kind, component, "cpu", 1, 1.2 * share * candidate.seconds * scale, share * candidate.seconds * scale, 2**30
        )
        for kind, component, share in used
    )


def _gates(candidate: Candidate, say: Words) -> tuple[Gate, ...]:
    gates = [Gate(say(name), True, say("behaves as it must, by more than chance explains")) for name in CONTROLS]
    if candidate.trouble == "untrusted":
        gates[1] = Gate(gates[1].name, False, say("attacks reach an AUC of 0.61 on a classifier that knows nothing"))
    return tuple(gates)


def _provenance(say: Words) -> RunProvenance:
    return RunProvenance(
        started="2026-01-02T03:04:05+00:00",
        versions={"python": "3.11.7", "numpy": say("2.4.6")},
        distributions={say("classifier small-cnn"): "tckr-bench 0.1.0"},
        commit=_digest("commit")[:40],
        dirty=False,
        platform=say("Linux"),
        processor=say("made up"),
        device="cpu",
        cores=2,
        jobs=2,
        device_names=(say("made up"),),
    )


def _entry(records, scope, say: Words) -> Entry:
    results = {}
    for record in records:
        row = row_of(cells_of(record), record.primary_attack, images=record.images_generated)
        failed = tuple(f"{gate.name}: {gate.reason}" for gate in record.gates if not gate.passed)
        results[record.dataset] = DatasetResult(record, row, failed)
    first = records[0]
    missing = tuple(name for name in scope if name not in results)
    standing, reasons = _standing(first, results, missing, say)
    return Entry(
        name=say(_name(first.method)),
        slug=first.slug,
        method=first.method,
        submission=first.submission,
        standing=standing,
        results=results,
        missing=missing,
        reasons=reasons,
        pipeline_seconds=sum(found.row.pipeline_seconds for found in results.values()),
        evaluation_seconds=sum(found.row.evaluation_seconds for found in results.values()),
        images=sum(record.images_generated for record in records),
        estimates=_means(results.values()) if not missing else {},
    )


def _name(method: Method) -> str:
    if method.role != "method":
        return method.name
    parts = (method.captioner.name, method.generator.name, method.adapter.name, method.labels)
    return " · ".join([*parts, f"{method.cardinality:g}x"]) if "<" not in parts[0] else method.name


def _standing(record, results, missing, say: Words):
    faults = [f"on {name}: {fault}" for name, found in results.items() for fault in found.faults]
    if record.method.role == "control":
        return "control", (say("a control is there to be found out"),)
    if missing:
        return "incomplete", (say(f"it has no record of {', '.join(missing)}"),)
    if faults:
        return "untrusted", tuple(say(fault) for fault in faults)
    if record.protocol == "paper":
        return "test-chosen", (say("its epochs were chosen on the test set"),)
    return "ranked", ()


def _means(results) -> dict[str, Estimate]:
    by_dataset = [estimates_of(found.row) for found in results]
    return {name: _mean([own[name] for own in by_dataset]) for name in by_dataset[0]}


def _mean(estimates) -> Estimate:
    value = float(np.mean([estimate.value for estimate in estimates]))
    half = float(np.sqrt(np.sum([((e.high - e.low) / 2) ** 2 for e in estimates]))) / len(estimates)
    return Estimate(value, value - half, value + half, "bootstrap over datasets, seeds and examples")


def _ordered(entries: list[Entry]) -> list[Entry]:
    ranked = sorted(
        (entry for entry in entries if entry.standing == "ranked"), key=lambda entry: -entry.get("aop").value
    )
    numbered = []
    for place, entry in enumerate(ranked, 1):
        above = sum(other.get("aop").low > entry.get("aop").high for other in ranked)
        below = sum(other.get("aop").high < entry.get("aop").low for other in ranked)
        points = [(other.get("accuracy").value, other.get("worst-auc").value) for other in ranked]
        free = not any(
            dominates(point, (entry.get("accuracy").value, entry.get("worst-auc").value)) for point in points
        )
        last = len(ranked) - below
        numbered.append(
            dataclasses.replace(entry, rank=above + 1, rank_low=min(above + 1, place), rank_high=last, pareto=free)
        )
    numbered.sort(key=lambda entry: (entry.rank, -entry.get("aop").value))
    others = [entry for entry in entries if entry.standing not in ("ranked", "control")]
    return [*numbered, *others, *(entry for entry in entries if entry.standing == "control")]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
