"""Finished runs of two small datasets made with numpy, submitted to a track of their own, and folders of their records.

Everything a record can have is there: two seeds, defences, students, every control, adaptive attacks with an audit,
copies, an attack on the challenge, pictures of a dataset that may be shown and none of one that may not.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from tckr_bench.judging.gates import with_gates
from tckr_bench.leaderboard.submission import prepare_submission, write_submission
from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.leaderboard.verification import NEEDED_METRICS
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import AttackScores, Copies, ShadowAudit, Shadows, ThreatModel
from tckr_bench.results.files import (
    RUN_FILE,
    file_reference,
    pictures_path,
    read_run,
    record_folder,
    record_path,
    run_files,
    scores_name,
    submission_folder,
    write_record,
    write_run,
    write_saved_run,
)
from tckr_bench.results.identity import digest_of, identity_of
from tckr_bench.results.recomputation import compute_measurements
from tckr_bench.results.scores import read_scores, write_scores

MAKERS = Path(__file__).parents[1] / "unit" / "conftest.py"
EXAMPLES = 200
SEEDS = (0, 1)
LICENCES = {"clothes": "MIT", "digits": "CC BY-NC 4.0"}
SHADOWS, CANARIES = 8, 6
ADAPTIVE = ThreatModel("the probabilities of the released classifier", "the whole recipe", adaptive=True)
NEAREST = ThreatModel("the synthetic images", "nothing else", surface="images")
BLIND = ThreatModel("no model: the challenge images alone", "who is a member of the others", surface="data")


def board_makers():
    """The makers of run folders that the unit tests of the board have."""
    name = "board_makers"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, MAKERS)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def small_track(*, datasets=("clothes", "digits"), **changes) -> Track:
    """Return the track that the runs of this module are made for."""
    sizes = {"train": EXAMPLES - 100, "validation": 100, "test": EXAMPLES}
    track = Track(
        name="small",
        title="Two made-up datasets",
        summary="Made with numpy.",
        matrix="mini",
        datasets={name: TrackDataset(sizes, 10, fingerprint_of(name)) for name in datasets},
        seeds=len(SEEDS),
        attacks=(RequiredAttack("lira", shadows=16), RequiredAttack("lira", adaptive=True, shadows=8)),
    )
    return dataclasses.replace(track, **changes)


def track_text(track: Track) -> str:
    """Return a track as the TOML file that says it."""
    lines = [f'{key} = "{getattr(track, key)}"' for key in ("name", "title", "summary", "matrix")]
    lines.append(f"seeds = {track.seeds}")
    for name, dataset in track.datasets.items():
        splits = ", ".join(f"{split} = {count}" for split, count in dataset.splits.items())
        lines += [f"[datasets.{name}]", f'fingerprint = "{dataset.fingerprint}"', f"classes = {dataset.classes}"]
        lines.append(f"splits = {{ {splits} }}")
    for attack in track.attacks:
        lines += ["[[attacks]]", f'component = "{attack.component}"', f"adaptive = {str(attack.adaptive).lower()}"]
        lines.append(f"shadows = {attack.shadows}")
    return "\n".join(lines) + "\n"


def fingerprint_of(dataset: str) -> str:
    return hashlib.sha256(dataset.encode()).hexdigest()


def small_cells():
    """Return a teacher, a defence, two students and the controls, as the board's tests plan them."""
    makers = board_makers()
    planned, plain, synthetic = makers.Planned, makers.plain_method, makers.synthetic
    return (
        planned(plain("teacher", "baseline"), 0.84, 0.5),
        planned(plain("dp-sgd", "defended"), 0.70, 0.02),
        planned(synthetic("lora", "soft"), 0.80, 0.10, samples=True),
        planned(synthetic("none", "soft", 2), 0.72, 0.02, samples=True),
        planned(_generated("memorizer"), 0.83, 0.5),
        planned(_generated("noise"), 0.1, 0.0),
        planned(plain("overfit", "control"), 0.79, 1.6, canaries=5.0),
        planned(plain("untrained", "control"), 0.1, 0.0),
        planned(plain("outsider", "control"), 0.61, 0.0),
    )


def _generated(name: str):
    """Return a control that trains on images it was given by a generator."""
    use = board_makers().use
    parts = {"captioner": "attributes", "generator": name, "adapter": "none"}
    method = board_makers().plain_method(name, "control")
    return dataclasses.replace(method, **{family: use(family, part) for family, part in parts.items()})


def small_run(folder: Path, *, datasets=("clothes", "digits"), seeds=SEEDS, cells=None, salt: int = 0) -> Path:
    """Write a run folder whose measurements are what the metrics make of its scores, and its gates what they give."""
    makers = board_makers()
    made, evidence, pictures = [], {}, {}
    for dataset in datasets:
        for seed in seeds:
            teacher = None
            for index, planned in enumerate(cells or small_cells()):
                cell = _cell(planned, dataset, seed)
                key, place = (salt, sorted(LICENCES).index(dataset), seed, index), (dataset, planned.method.name, seed)
                if not planned.failure:
                    found = evidence[place] = small_evidence(planned, key=key, teacher=teacher)
                    teacher = found.test_logits if planned.method.role == "baseline" else teacher
                    models = {label: attack.threat_model for label, attack in found.attacks.items()}
                    cell = dataclasses.replace(cell, threat_models=models)
                    if planned.method.synthetic:
                        pairs = (*makers.samples_for(key), *makers.samples_for((*key, 1), "copy"))
                        pictures.setdefault(place[:2], pairs)
                made.append(cell)
    makers.write_made_run(
        folder,
        made,
        evidence,
        pictures=pictures,
        compute=remembered_measurements,
        track="small",
        matrix="mini",
        attacks=_attacks(makers.use),
        metrics=needed_metrics(),
        command="tckr-bench run --matrix mini",
    )
    write_saved_run(with_gates(read_run(folder)))
    return folder


def needed_metrics():
    """Return the metrics that the ranking and the gates rest on: fewer are quicker."""
    return tuple(default_registry().use("metric", name, label=name, options={}) for name in NEEDED_METRICS)


def _attacks(use):
    return (
        use("attack", "loss"),
        dataclasses.replace(use("attack", "lira", shadows=16), shadows=Shadows(16)),
        dataclasses.replace(
            use("attack", "lira", shadows=8, adaptive=True), label="adaptive-lira", shadows=Shadows(8, adaptive=True)
        ),
        dataclasses.replace(use("attack", "nearest-copy"), surface="images"),
        dataclasses.replace(use("attack", "blind"), surface="data"),
    )


def _cell(planned, dataset: str, seed: int):
    cell = board_makers().record_for(planned, dataset, seed, EXAMPLES)
    description = dataclasses.replace(cell.description, fingerprint=fingerprint_of(dataset), licence=LICENCES[dataset])
    contamination = "classes" if planned.method.synthetic and not planned.failure else None
    return dataclasses.replace(cell, track="small", description=description, contamination=contamination)


def small_evidence(planned, *, key, teacher=None):
    """Return evidence of five attacks: two of the board's tests, an adaptive one, one on copies, one that is blind."""
    evidence = board_makers().evidence_for(planned, examples=EXAMPLES, key=key, teacher=teacher)
    generator = np.random.default_rng((*key, 2))
    lira = dataclasses.replace(evidence.attacks["lira"], labels=np.tile(np.arange(10), 2 * EXAMPLES // 10))
    attacks = {**evidence.attacks, "lira": lira}
    noise = 0.3 * generator.normal(size=len(lira.scores))
    role, synthetic = planned.method.role, planned.method.synthetic
    if role in ("baseline", "method"):
        attacks["adaptive-lira"] = dataclasses.replace(
            lira,
            attack="adaptive-lira",
            scores=lira.scores + noise,
            threat_model=ADAPTIVE,
            audit=_audit(generator, lira) if synthetic else None,
        )
    if synthetic:
        found = 9.0 if planned.method.name == "memorizer" else 0.1
        distances = Copies(*generator.gamma(9, 2, (2, 50)))
        attacks["nearest-copy"] = dataclasses.replace(
            lira,
            attack="nearest-copy",
            scores=generator.normal(size=len(noise)) + found * lira.members,
            threat_model=NEAREST,
            copies=distances,
        )
    attacks["blind"] = dataclasses.replace(
        lira, attack="blind", scores=np.random.default_rng((*key[:3], 3)).normal(size=len(noise)), threat_model=BLIND
    )
    return dataclasses.replace(evidence, attacks=attacks)


def _audit(generator, lira: AttackScores) -> ShadowAudit:
    inside = generator.random((SHADOWS, CANARIES)) < 0.5
    ordinary = int((~lira.canaries).sum())
    return ShadowAudit(
        np.clip(0.55 + generator.normal(0, 0.01, SHADOWS), 0, 1),
        generator.normal(size=ordinary),
        generator.normal(size=(SHADOWS, CANARIES)) + inside,
        inside,
    )


_REMEMBERED: dict[tuple[str, str], tuple] = {}


def remembered_measurements(evidence, metrics, *, excused=()):
    """Compute measurements of evidence, each once: they depend on nothing else."""
    key = (digest_of(evidence), repr(metrics), repr(excused))
    if key not in _REMEMBERED:
        _REMEMBERED[key] = tuple(compute_measurements(evidence, metrics, excused=excused))
    return _REMEMBERED[key]


def serially(work, tasks, *, jobs, died, progress=None):
    """Do what `in_processes` does, in this process."""
    results = []
    for task in tasks:
        results.append(work(task))
        if progress is not None:
            progress(len(results))
    return results


BOTH = ("clothes", "digits")


def once(make):
    """Cache a function of datasets, whether or not they are named."""
    cached = functools.cache(make)
    return functools.wraps(make)(lambda datasets=BOTH: cached(datasets))


@once
def finished_run(datasets=BOTH) -> Path:
    """Return a run of some datasets; not to be changed."""
    return small_run(_folder() / "runs" / "-".join(datasets), datasets=datasets)


@once
def prepared(datasets=BOTH):
    """Return the submission of `finished_run`, not written."""
    return prepare_submission(finished_run(datasets), small_track(datasets=datasets))


@once
def submitted(datasets=BOTH) -> Path:
    """Return a folder of results with the records of `finished_run`; not to be changed."""
    root = _folder() / "boards" / "-".join(datasets)
    write_submission(prepared(datasets), root, small_track(datasets=datasets))
    return root


@dataclasses.dataclass(frozen=True)
class Board:
    """A folder of results with one submission, that is free to break."""

    root: Path

    @property
    def folder(self) -> Path:
        """The folder of the submission."""
        return next(run_files(self.root)).parent

    @property
    def run(self):
        """The submission as it is read."""
        return read_run(self.folder)

    def record(self, name: str, dataset: str = "clothes"):
        """Return the record of a method, by the first letters of its name."""
        return next(r for r in self.run.records if r.dataset == dataset and r.method.name.startswith(name))

    def path(self, name: str) -> Path:
        return record_path(self.folder, self.record(name))

    def scores(self, name: str, seed: int = 0) -> Path:
        record = self.record(name)
        return record_folder(self.folder, record) / scores_name(record, seed)

    def pictures(self, name: str, dataset: str = "clothes") -> Path:
        return pictures_path(self.folder, self.record(name, dataset))

    def put(self, old, new) -> None:
        """Write a record in the place of another, where it belongs."""
        record_path(self.folder, old).unlink()
        write_record(new, self.folder)

    def change(self, name: str, **changes) -> None:
        record = self.record(name)
        self.put(record, dataclasses.replace(record, **changes))

    def change_run(self, **changes) -> None:
        """Change what the records have in common, and put the submission where it then belongs."""
        information = dataclasses.replace(self.run.information, **changes)
        write_run(information, self.folder)
        target = submission_folder(self.root, information)
        if target != self.folder:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.folder.rename(target)

    def seal(self) -> None:
        """Give the submission the name that follows from its records as they are now."""
        self.change_run(submission=identity_of(self.run.records))

    def change_seed(self, name: str, seed: int = 0, **changes) -> None:
        seeds = [dataclasses.replace(it, **changes) if it.seed == seed else it for it in self.record(name).seeds]
        self.change(name, seeds=tuple(seeds))

    def change_method(self, which: str, **changes) -> None:
        self.change(which, method=dataclasses.replace(self.record(which).method, **changes))

    def change_measurement(self, name: str, which: str, **changes) -> None:
        measurements = [
            dataclasses.replace(it, **changes) if it.metric == which else it
            for it in self.record(name).seeds[0].measurements
        ]
        self.change_seed(name, measurements=tuple(measurements))

    def change_evidence(self, name: str, change, seed: int = 0) -> None:
        """Save other scores, with the reference and the measurements they give: all that one record can make right."""
        record, path = self.record(name), self.scores(name, seed)
        evidence = change(read_scores(path))
        write_scores(evidence, path)
        measurements = remembered_measurements(evidence, record.metrics)
        models = {label: attack.threat_model for label, attack in evidence.attacks.items()}
        self.change_seed(name, seed, measurements=measurements, scores=file_reference(path))
        self.change(name, threat_models=models)


def board(folder: Path, datasets=BOTH) -> Board:
    """Return a copy of the records of some datasets, free to break."""
    shutil.copytree(submitted(datasets), folder / "results")
    return Board(folder / "results")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder by its name below it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def submission_files(run: Path) -> dict[str, bytes]:
    """Return the files of a run that make it a submission: its own, and those of its records."""
    return {name: content for name, content in contents(run).items() if name.startswith(("records/", RUN_FILE))}


@functools.cache
def _folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="tckr-bench-submitted-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
