"""One score file looked into: what it gives, and where the record says otherwise. Runs in a process of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tckr_bench.controls import limit_rule
from tckr_bench.errors import RunError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Measurement
from tckr_bench.results.files import dump_record, file_reference, pictures_path, record_folder, scores_name
from tckr_bench.results.identity import digest_of
from tckr_bench.results.memory import memory_key, recall, remember
from tckr_bench.results.outputs import outline
from tckr_bench.results.parallel import in_processes
from tckr_bench.results.pictures import read_pictures
from tckr_bench.results.recomputation import compute_measurements, difference, revised_metrics
from tckr_bench.results.records import ResultRecord, cells_of
from tckr_bench.results.scores import MOST_BYTES, read_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from tckr_bench.records import AttackScores, CellEvidence
    from tckr_bench.results.records import FileReference, SeedResult

MOST_CLASSES = 25_000
MOST_SHADOWS = 1024
MOST_CANARIES = 10_000


@dataclass(frozen=True)
class ExaminationTask:
    """The scores of a seed of a record, or without a seed its pictures; in the folder of its run."""

    run: Path
    record: ResultRecord
    seed: int | None


@dataclass(frozen=True)
class Examined:
    """What a score file gives.

    Attributes:
        faults: what is wrong with it, or with what the record says of it.
        digest: of the evidence, whatever file holds it; empty where it could not be read.
        labels, outputs, teacher: sha256 of the test labels, of the classifier's outputs and of the teacher's.
        outline: of the classifier's outputs, as `results.outputs` takes it.
        control_limit: how far the control may go by its own evidence; None of anything else.
    """

    faults: tuple[str, ...]
    digest: str = ""
    labels: str = ""
    outputs: str = ""
    teacher: str = ""
    outline: tuple[float, ...] = ()
    control_limit: float | None = None
    measurements: tuple[Measurement, ...] = ()


def examine_all(
    tasks: Sequence[ExaminationTask], *, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> list[Examined]:
    """Examine files, in processes of their own; what was examined before is remembered by its content.

    `progress` is told how many of those that were not remembered are done. Each is remembered as soon as it is done.
    """
    keys = [_memory_key(task) for task in tasks]
    known = {index: found for index, key in enumerate(keys) if key and (found := recall(key, Examined)) is not None}
    todo = [index for index in range(len(tasks)) if index not in known]
    if todo:
        results = in_processes(
            examine_and_remember, [tasks[index] for index in todo], jobs=jobs, died=died, progress=progress
        )
        known.update(zip(todo, results, strict=True))
    return [known[index] for index in range(len(tasks))]


def examine_and_remember(task: ExaminationTask) -> Examined:
    """Examine a file and, if nothing is wrong with it, remember what it gives."""
    examined, key = examine(task), _memory_key(task)
    if key and not examined.faults:
        remember(key, examined)
    return examined


def _memory_key(task: ExaminationTask) -> str:
    """Return what names the content a task looks into; nothing of one that is not there as its record says.

    The metrics are those installed here: one that is installed in another version computes anew.
    """
    record = task.record
    path = pictures_path(task.run, record) if task.seed is None else _scores_path(task)
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return ""
    told = (dump_record(record).decode(), record.metrics, record.primary_attack)
    return memory_key(*told, _installed(record), str(task.seed), file_reference(path).sha256)


def _installed(record: ResultRecord) -> dict[str, tuple[str, str]]:
    """Return version and distribution of the metrics of a run that are installed here."""
    found = {entry.component.name: entry for entry in default_registry().family("metric")}
    named = [use.name for use in record.metrics if use.name in found] or list(found)
    return {name: (found[name].component.version, found[name].distribution) for name in named}


def _scores_path(task: ExaminationTask) -> Path:
    return record_folder(task.run, task.record) / scores_name(task.record, task.seed or 0)


def examine(task: ExaminationTask) -> Examined:
    """Recompute the measurements of a seed from its scores, and compare all that its record says of them."""
    record = task.record
    if task.seed is None:
        return Examined(faults_of_pictures(task.run, record))
    result = next(result for result in record.seeds if result.seed == task.seed)
    path = _scores_path(task)
    try:
        return _examined(record, result, scores_of(task.run, record, task.seed))
    except RunError as error:
        return Examined((str(error),))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - scores are hostile input, a metric may be a plugin
        return Examined((f"measurements of {path.name} cannot be computed ({str(error)[:200]})",))


def scores_of(run: Path, record: ResultRecord, seed: int) -> CellEvidence:
    """Read the scores of a seed, which must be those that its record names, of sizes its dataset allows.

    Raises:
        RunError: they are not there, are others, damaged, or out of proportion.
    """
    reference = next(result.scores for result in record.seeds if result.seed == seed)
    path = record_folder(run, record) / scores_name(record, seed)
    if reference is None or path.is_symlink() or not path.is_file():
        raise RunError(f"its scores {path.name} are not there")
    if path.stat().st_size > MOST_BYTES:
        raise RunError(f"the score file {path.name} has more than {MOST_BYTES // 2**20} MiB")
    if not _is_referred_to(path, reference):
        raise RunError(f"{path.name} is not the file the record names (sha256 or size differ)")
    evidence = read_scores(path)
    fault = fault_of_sizes(evidence, record)
    if fault:
        raise RunError(f"{path.name}: {fault}")
    return evidence


def _examined(record: ResultRecord, result: SeedResult, evidence: CellEvidence) -> Examined:
    measurements = tuple(compute_measurements(evidence, record.metrics, excused=result.failed))
    return Examined(
        faults=(*_faults_of_measurements(record, result, measurements), *_faults_of_models(record, result, evidence)),
        digest=digest_of(evidence),
        labels=_sha(evidence.test_labels),
        outputs=_sha(evidence.test_logits),
        teacher=_sha(evidence.teacher_logits),
        outline=outline(evidence.test_logits),
        control_limit=_limit(evidence, record, result.seed),
        measurements=measurements,
    )


def died(task: ExaminationTask, why: str) -> Examined:
    """Say that the process that looked into a file ended without a word, and why."""
    what = "its pictures" if task.seed is None else f"the scores of seed {task.seed}"
    return Examined((f"{what} could not be looked into: {why}",))


def _sha(array: npt.NDArray[Any]) -> str:
    return hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()


def _limit(evidence: CellEvidence, record: ResultRecord, seed: int) -> float | None:
    cell = next(cell for cell in cells_of(record) if cell.seed == seed)
    rule = limit_rule(cell)
    return rule(cell, evidence) if rule is not None else None


def fault_of_sizes(evidence: CellEvidence, record: ResultRecord) -> str:
    """Return what is out of proportion to the record's dataset, before anything is computed; or nothing."""
    images = sum(record.splits.values())
    if len(evidence.test_labels) != record.splits.get("test"):
        return f"it has {len(evidence.test_labels):,} test images, the record {record.splits.get('test', 0):,}"
    classes = len(record.description.class_names)
    if evidence.test_logits.shape[1] != classes:
        return f"its outputs have {evidence.test_logits.shape[1]} classes, the dataset has {classes}"
    if evidence.test_logits.shape[1] > MOST_CLASSES:
        return f"its outputs have more than {MOST_CLASSES:,} classes"
    if evidence.teacher_logits.shape != evidence.test_logits.shape:
        return "the outputs of its teacher have another shape than those of its classifier"
    faults = (_fault_of_size(label, attack, images) for label, attack in evidence.attacks.items())
    return next(filter(None, faults), "")


def _fault_of_size(label: str, attack: AttackScores, images: int) -> str:
    if len(attack.scores) > 2 * images:
        return f"the attack {label} scores more than twice as many examples as the dataset has images"
    if attack.audit is not None:
        shadows, canaries = attack.audit.canary_scores.shape
        if shadows > MOST_SHADOWS or canaries > MOST_CANARIES:
            return f"the attack {label} has more than {MOST_SHADOWS} shadow models or {MOST_CANARIES:,} canaries"
    if attack.copies is not None and len(attack.copies.to_members) > 100 * images:
        return f"the attack {label} has distances of more images than can be"
    return ""


def _faults_of_measurements(
    record: ResultRecord, result: SeedResult, measurements: tuple[Measurement, ...]
) -> list[str]:
    """Return which measurements are not those of the scores, but for metrics that are installed in another version."""
    saved, found = (_by_name(part) for part in (result.measurements, measurements))
    faults = []
    revised = revised_metrics(record.metrics)
    for key in (key for key in dict.fromkeys((*saved, *found)) if key[0] not in revised):
        what = difference(saved.get(key), found.get(key)) or _difference_in_words(saved.get(key), found.get(key))
        if what:
            name = key[0] + (f" ({key[1]})" if key[1] else "")
            faults.append(f"seed {result.seed}: {name}: {what}")
    if len(saved) != len(result.measurements):
        faults.append(f"seed {result.seed}: a measurement is there twice")
    return faults


def _difference_in_words(saved: Measurement | None, found: Measurement | None) -> str:
    if saved is None or found is None:
        return ""
    same = (saved.interval, saved.examples) == (found.interval, found.examples)
    return "" if same else "its kind of interval or number of examples is not that of its scores"


def _by_name(measurements: tuple[Measurement, ...]) -> Mapping[tuple[str, str], Measurement]:
    return {(measurement.metric, measurement.attack): measurement for measurement in measurements}


def _faults_of_models(record: ResultRecord, result: SeedResult, evidence: CellEvidence) -> list[str]:
    found = {label: attack.threat_model for label, attack in evidence.attacks.items()}
    expected = {label: model for label, model in record.threat_models.items() if label not in result.failed}
    faults = []
    if found != expected or not (found or result.failed):
        faults.append("its threat models are not those of the saved scores")
    if evidence.primary_attack != record.primary_attack:
        faults.append(f"its scores were saved with the primary attack {evidence.primary_attack[:60]}")
    return faults


def _is_referred_to(path: Path, reference: FileReference) -> bool:
    """Return whether a file is the one named; one of another size is not read, for it may be endless."""
    return path.stat().st_size == reference.size and file_reference(path) == reference


def faults_of_pictures(run: Path, record: ResultRecord) -> tuple[str, ...]:
    """Return what is wrong with a record's pictures; nothing where it has none."""
    path = pictures_path(run, record)
    if not path.exists() and not path.is_symlink():
        return ()
    try:
        if path.is_symlink() or not path.is_file():
            return (f"its pictures {path.name} are no file",)
        pairs = read_pictures(path)
    except RunError as error:
        return (str(error),)
    classes = len(record.description.class_names)
    return ("a picture is of a class that the dataset does not have",) if any(p.label >= classes for p in pairs) else ()
