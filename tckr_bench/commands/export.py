"""`tckr-bench export`: the synthetic images of a finished run as a dataset with a card, ready to be loaded."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tckr_bench.commands.console import Screen
from tckr_bench.controls.memorizer import GENERATOR as REAL_IMAGES
from tckr_bench.datasets.contamination import judge_contamination
from tckr_bench.engine.provenance import choose_device
from tckr_bench.engine.store import Store, default_store_path
from tckr_bench.errors import OptionError, RunError, TckrError, nearest
from tckr_bench.export.card import Contents, Probabilities, Subject
from tckr_bench.export.card_provenance import Artifacts, command_without_folders, provenance_of, without_folders
from tckr_bench.export.folder import Documents, check_target, is_written, write_export
from tckr_bench.export.released import (
    Released,
    command_again,
    find_released,
    prompts_of,
    remedy,
    teacher_of,
)
from tckr_bench.export.shards import Table
from tckr_bench.judging.criteria import Criteria
from tckr_bench.judging.rows import CellKey, DatasetBoard, verified_leaderboard
from tckr_bench.judging.verdict import basis_of, judge
from tckr_bench.plugin.components import GeneratorComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import CellRecord, Contamination, Method
from tckr_bench.results.files import SavedRun, read_run
from tckr_bench.results.records import cells_of
from tckr_bench.results.verify import Mismatch, Verified, key_of, verified
from tckr_bench.text import listing, plain, short_names, size

if TYPE_CHECKING:
    from tckr_bench.export.released import Teacher
    from tckr_bench.results.records import ResultRecord

Labels = Literal["hard", "soft"]

MISMATCHES_SHOWN = 3
_WORST_FIRST: tuple[Contamination, ...] = ("images", "classes", "unknown", "none")


@dataclass(frozen=True)
class ExportOptions:
    """The options of `export` as typed; `labels` None takes those of the method."""

    run: Path
    method: str
    target: Path
    dataset: str | None = None
    seed: int | None = None
    labels: Labels | None = None
    with_prompts: bool = False
    despite_failed_gates: bool = False
    criteria: Criteria | None = None


def export(options: ExportOptions, *, typed: tuple[str, ...] = ()) -> None:
    """Write the images, their labels, the card and the provenance; nothing is uploaded.

    Args:
        options: what is asked for.
        typed: the options of the command line beside RUN, METHOD and the folder, for the card.

    Raises:
        RunError: there are no such images, they must not be exported, or the folder holds something else.
        OptionError: soft labels are asked for of a method that has none.
    """
    screen, store = Screen(), Store(default_store_path())
    check_target(options.target)
    run = read_run(options.run)
    record = choose_cell(run, options)
    again = remedy(run)
    released = find_released(record, store, again=again)
    cells = sum(len(other.seeds) for other in run.records if other.dataset == record.dataset)
    with _status(screen, f"Recomputing the measurements of {cells} cells from their saved scores"):
        found = verified(options.run, dataset=record.dataset)
    subject = _subject(options, found, key_of(record), typed)
    _warn(screen, [wrong for wrong in found.mismatches if wrong.dataset == record.dataset])
    check_gates(subject, despite=options.despite_failed_gates)
    table, contents = _contents(options, subject.record, released, store, again)
    artifacts = Artifacts(released.generated, released.captioned, released.adapted)
    documents = Documents(subject, contents, provenance_of(subject, contents, artifacts))
    _write(options.target, table, documents, screen)


def _write(target: Path, table: Table, documents: Documents, screen: Screen) -> None:
    contents, judged = documents.contents, documents.subject.judgement
    if contents.probabilities == "not at hand":
        screen.warn(f"the column of the teacher's probabilities is left out: {contents.remark}")
    if is_written(target, documents.provenance):
        screen.say(f"Nothing to do: {target} holds this export already, undamaged.")
        return
    with _progress(screen, contents.images) as progress:
        written = write_export(target, table, documents, progress=progress)
    if judged is not None:
        screen.say(f"Verdict under your limits: {judged.answer}; the card says why.")
    screen.say(
        f"Wrote {contents.images:,} images with their card to {target} ({size(written)}); nothing was uploaded. "
        f'Load them with datasets.load_dataset("{target}").'
    )


@contextlib.contextmanager
def _status(screen: Screen, text: str) -> Iterator[None]:
    """Say what takes a while; with a spinner where somebody looks on."""
    if screen.progress.is_terminal:
        with screen.progress.status(text):
            yield
    else:
        screen.progress.print(text, soft_wrap=True)
        yield


@contextlib.contextmanager
def _progress(screen: Screen, images: int) -> Iterator[Callable[[int], None]]:
    """Show how many images are written: a bar on a terminal, a line elsewhere."""
    if not screen.progress.is_terminal:
        screen.progress.print(f"Writing {images:,} images", soft_wrap=True)
        yield lambda _written: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen.progress, transient=True) as progress:
        task = progress.add_task("Writing images", total=images)
        yield lambda written: progress.update(task, completed=written)


def _warn(screen: Screen, mismatches: Sequence[Mismatch]) -> None:
    for mismatch in mismatches[:MISMATCHES_SHOWN]:
        screen.warn(str(mismatch))
    if len(mismatches) > MISMATCHES_SHOWN:
        screen.warn(f"and {len(mismatches) - MISMATCHES_SHOWN} more; see them with `tckr-bench report`")


def choose_cell(run: SavedRun, options: ExportOptions) -> CellRecord:
    """Return the cell that is asked for.

    Raises:
        RunError: there is none, it failed, or it must not or cannot be exported; says which there are.
    """
    method = _method(run, options.method)
    refuse_method(method)
    cells = [cell for record in run.records if record.method.name == method.name for cell in cells_of(record)]
    datasets = list(dict.fromkeys(record.dataset for record in cells))
    if options.dataset is None and len(datasets) > 1:
        raise RunError(f"the run has several datasets, {plain(listing(datasets))}; name one of them with --dataset")
    dataset = options.dataset or datasets[0]
    if dataset not in datasets:
        raise RunError(f"the run has no dataset '{plain(dataset)}'{nearest(dataset, map(plain, datasets))}")
    seeds = {record.seed: record for record in cells if record.dataset == dataset}
    seed = next(iter(seeds)) if options.seed is None else options.seed
    if seed not in seeds:
        raise RunError(f"the run has no seed {seed} of this method; it has {listing([*map(str, seeds)])}")
    if seeds[seed].status == "failed":
        raise RunError(f"this cell failed, so there is nothing to export: {plain(seeds[seed].failure)}")
    return seeds[seed]


def _method(run: SavedRun, asked: str) -> Method:
    methods = {record.method.name: record.method for record in run.records}
    short, _ = short_names(methods.values())
    known = {short[name]: method for name, method in methods.items()} | methods
    if asked not in known:
        synthetic = [plain(name) for name, method in known.items() if method.role == "method"]
        raise RunError(f"the run has no synthetic method '{plain(asked)}'{nearest(asked, synthetic)}")
    return known[asked]


def refuse_method(method: Method) -> None:
    """Refuse what has no synthetic images, or whose images must never leave.

    Raises:
        RunError: it is a control, returns the real images, or generates none.
    """
    name = plain(method.name)
    if method.role == "control" or (method.generator is not None and method.generator.name == REAL_IMAGES):
        raise RunError(
            f"'{name}' is a control and is never exported: it is there to be caught, and may hold the real images "
            "themselves; name a synthetic method"
        )
    if not method.synthetic or method.role != "method":
        raise RunError(f"'{name}' learns from the real images and has no synthetic ones; name a synthetic method")


def check_gates(subject: Subject, *, despite: bool) -> None:
    """Refuse a cell whose measurements cannot be trusted, unless it is asked for all the same.

    Raises:
        RunError: a gate of its dataset failed, or measurements do not follow from the evidence.
    """
    if subject.board.reasons and not despite:
        raise RunError(
            f"the measurements of {plain(subject.record.dataset)} cannot be trusted, so its images are not exported: "
            f"{plain('; '.join(subject.board.reasons))}; add --despite-failed-gates to export them all the same, with "
            "a card that says so first"
        )


def _subject(options: ExportOptions, found: Verified, key: CellKey, typed: tuple[str, ...]) -> Subject:
    """Return the cell with its recomputed measurements, on the board of its seed, under the checks of all seeds."""
    record = _recomputed(found, key)
    board = _board_of_seed(found, record)
    row = next(row for row in board.rows if row.method.name == record.method.name)
    basis = basis_of(row, found.evidence)
    names, _ = short_names(entry.method for entry in found.run.records)
    criteria = options.criteria
    return Subject(
        board=board,
        row=row,
        record=record,
        name=names[record.method.name],
        basis=basis,
        information=found.run.information,
        run_command=command_again(found.run) or command_without_folders(found.run.information.command),
        export_command=_command(options, record, typed),
        version=metadata.version("tckr-bench"),
        criteria=criteria,
        judgement=judge(board, row, criteria, basis=basis) if criteria is not None else None,
    )


def _recomputed(found: Verified, key: CellKey) -> CellRecord:
    """Return the cell with what its scores give and nothing else, and with what its generator had seen.

    Raises:
        RunError: it has no usable scores; then nothing can be said of its images.
    """
    if key not in found.evidence:
        why = next((str(wrong) for wrong in found.mismatches if (wrong.dataset, wrong.method) == key[:2]), "")
        raise RunError(
            f"nothing can be said of these images, for their scores cannot be used: {why or 'they are gone'}"
        )
    cell = next(cell for record in found.run.records for cell in cells_of(record) if key_of(cell) == key)
    return replace(cell, contamination=_contamination(cell))


def _board_of_seed(found: Verified, record: CellRecord) -> DatasetBoard:
    """Return the dataset's board of one seed; it is trusted only if every seed's is."""
    board = next(board for board in verified_leaderboard(found).boards if board.dataset == record.dataset)
    records = tuple(_of_seed(entry, record) for entry in found.run.records if entry.dataset == record.dataset)
    own = tuple(entry for entry in records if entry.seeds)
    (of_seed,) = verified_leaderboard(replace(found, run=replace(found.run, records=own))).boards
    return replace(of_seed, reasons=board.reasons, gates=board.gates)


def _of_seed(entry: ResultRecord, cell: CellRecord) -> ResultRecord:
    """Return a record of the exported seed alone, with what the exported method's generator had seen."""
    seeds = tuple(result for result in entry.seeds if result.seed == cell.seed)
    same = entry.method.name == cell.method.name
    return replace(entry, seeds=seeds, contamination=cell.contamination if same else entry.contamination)


def _contamination(record: CellRecord) -> Contamination:
    """Return what the generator had seen of the dataset: the worse of what it says itself and what was saved."""
    use, description = record.method.generator, record.description
    kinds: set[Contamination] = {record.contamination or "unknown"}
    if use is not None and description is not None:
        try:
            component = default_registry().component(GeneratorComponent, use.name)
            kinds.add(judge_contamination(component.pretraining(component.parse_options(use.options)), description))
        except TckrError:
            kinds.add("unknown")
    return next(kind for kind in _WORST_FIRST if kind in kinds)


def _command(options: ExportOptions, record: CellRecord, typed: tuple[str, ...]) -> str:
    """Return the command of this export, with names of folders but not where they lie."""
    run, target = without_folders(str(options.run)), without_folders(str(options.target))
    return plain(shlex.join(["tckr-bench", "export", run, record.method.name, "--to", target, *typed]))


def _contents(
    options: ExportOptions, record: CellRecord, released: Released, store: Store, again: str
) -> tuple[Table, Contents]:
    import numpy as np

    described, labels = record.description, released.images.labels
    names = described.class_names if described is not None else ()
    if int(labels.max()) >= len(names) or len(set(names)) < len(names):
        raise RunError("the run does not name every class of these images once; run the matrix again")
    teacher, kind, remark = _soft_labels(options, record, store)
    prompts = prompts_of(released, store, again=again) if options.with_prompts else None
    counts = np.bincount(labels, minlength=len(names)).tolist()
    _, height, width, _ = released.images.images.shape
    contents = Contents(
        images=len(labels),
        height=height,
        width=width,
        class_counts=dict(zip(names, counts, strict=True)),
        prompts=prompts is not None,
        probabilities=kind,
        remark=remark,
    )
    return Table(released.images, names, prompts, teacher), contents


def _soft_labels(options: ExportOptions, record: CellRecord, store: Store) -> tuple[Teacher | None, Probabilities, str]:
    """Return the teacher to ask, whether its probabilities are exported, and why not."""
    if record.method.labels != "soft":
        if options.labels == "soft":
            raise OptionError("--labels soft: no teacher labelled the images of this method; leave the option out")
        return None, "none", ""
    if options.labels == "hard":
        return None, "left out", ""
    teacher = teacher_of(record, store, device=choose_device("auto"))
    return (None, "not at hand", teacher) if isinstance(teacher, str) else (teacher, "included", "")
