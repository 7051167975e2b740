"""tckr-bench: may a private image dataset be replaced by a synthetic one?

In Python: `plan`, `run`, `load_run`, `verdict`, `compare`, `load_leaderboard` and `audit_images` return frozen data,
each with a method `to_frame()` for notebooks. They print nothing, and nothing is imported before one of them is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from tckr_bench.api.planning import PlannedRun
    from tckr_bench.api.results import RunResults
    from tckr_bench.engine.outcome import Listener
    from tckr_bench.image_audit.outcome import ImageAudit
    from tckr_bench.judging.criteria import Criteria
    from tckr_bench.judging.verdict import RunAnswer
    from tckr_bench.leaderboard.frame import Boards
    from tckr_bench.show.compare import Comparison

__version__ = "0.1.0"
__all__ = ["audit_images", "compare", "load_leaderboard", "load_run", "plan", "run", "verdict"]


def plan(
    matrix: str | PathLike[str] | None = None,
    *,
    datasets: Sequence[str] = (),
    settings: Sequence[str] = (),
    jobs: int | None = None,
    device: str = "auto",
    published: bool = False,
) -> PlannedRun:
    """Return what a run would do: its stages, which of them are done already, and how long the others would take.

    Args:
        matrix: a shipped matrix or a TOML file; `default` or, where datasets are named, `ten`.
        datasets: names, groups or one's own, such as `imagefolder:PATH`, instead of the matrix's.
        settings: changes of the matrix as `axis.option=value`.
        jobs: stages at a time; one per core or accelerator if not given.
        device: `auto`, `cpu`, `cuda` or `mps`.
        published: plan for the published sizes of the datasets, whatever is here.

    Raises:
        TckrError: the matrix, a dataset or a setting cannot be used.
    """
    from tckr_bench.api.planning import plan_run
    from tckr_bench.api.request import RunRequest

    request = RunRequest(_text(matrix), _texts(datasets), _texts(settings), jobs=jobs, device=device)
    return plan_run(request, lenient=True, published=published)


def run(
    matrix: str | PathLike[str] | None = None,
    *,
    datasets: Sequence[str] = (),
    settings: Sequence[str] = (),
    out: str | PathLike[str] | None = None,
    jobs: int | None = None,
    device: str = "auto",
    fail_fast: bool = False,
    observe: Sequence[str] = (),
    show_real_images: bool = False,
    listener: Listener | None = None,
) -> RunResults:
    """Run a matrix and return its results; what is in the store already is not run again.

    Args:
        matrix: a shipped matrix or a TOML file; `default` or, where datasets are named, `ten`.
        datasets: names, groups or one's own, such as `imagefolder:PATH`, instead of the matrix's.
        settings: changes of the matrix as `axis.option=value`.
        out: folder of the results; `runs/<matrix>` if not given.
        jobs: stages at a time; one per core or accelerator if not given.
        device: `auto`, `cpu`, `cuda` or `mps`.
        fail_fast: stop at the first stage, attack or metric that fails.
        observe: observers that are told of the run.
        show_real_images: write real images, their captions and copies of them to the folder and its pages, whatever the
            dataset's licence.
        listener: hears of stages as they start, proceed and end.

    Raises:
        StagesFailedError: stages failed; all others are done and written, and `load_run` reads them.
        TckrError: the matrix, a dataset, a setting or the folder cannot be used.
    """
    from pathlib import Path

    from tckr_bench.api.planning import plan_run
    from tckr_bench.api.request import RunRequest
    from tckr_bench.api.running import carry_out, raise_for_failures

    request = RunRequest(
        matrix=_text(matrix),
        datasets=_texts(datasets),
        settings=_texts(settings),
        out=None if out is None else Path(out),
        jobs=jobs,
        device=device,
        fail_fast=fail_fast,
        observe=_texts(observe),
        show_real_images=show_real_images,
    )
    results = carry_out(plan_run(request), listener=listener)
    raise_for_failures(results)
    return results


def load_run(folder: str | PathLike[str]) -> RunResults:
    """Read a run's folder and recompute every measurement from its saved scores.

    What its files say otherwise is listed in `verified.mismatches`.

    Raises:
        RunError: the folder holds no readable run.
    """
    from tckr_bench.api.results import load_run as read

    return read(folder)


def verdict(
    results: RunResults | str | PathLike[str],
    criteria: Criteria,
    *,
    method: str | None = None,
    datasets: Sequence[str] = (),
) -> RunAnswer:
    """Answer for each dataset of a run whether a synthetic one may replace it.

    Args:
        results: a run, or its folder.
        criteria: the limits that a replacement must keep to.
        method: a synthetic method, by its full or its short name; the best ranked of each dataset if not given.
        datasets: by name; all of the run's if none is given.

    Raises:
        RunError: the folder holds no readable run, or no such method or dataset.
        OptionError: making the criteria, a limit is out of range, or there is none on what attacks may find.
    """
    from tckr_bench.api.results import RunResults
    from tckr_bench.api.results import load_run as read
    from tckr_bench.judging.verdict import answer_run

    found = results if isinstance(results, RunResults) else read(results)
    return answer_run(found.board, criteria, evidence=found.verified.evidence, method=method, datasets=_texts(datasets))


def compare(
    *selectors: str | PathLike[str], run: str | PathLike[str] | None = None, reported: bool = False
) -> Comparison:
    """Put runs or methods side by side, each against the real-data baseline on the same test examples.

    Args:
        selectors: run folders and names of methods.
        run: the run in which methods are looked up; the latest under `runs` if no run is named.
        reported: whether to add what the paper reports on each dataset, apart from what was measured.

    Raises:
        RunError: a run or a method is not there; names the nearest.
    """
    from pathlib import Path

    from tckr_bench.show.compare import compare as compare_selected

    return compare_selected([str(name) for name in selectors], None if run is None else Path(run), reported=reported)


def load_leaderboard(path: str | PathLike[str] | None = None, *, track: str | None = None) -> Boards:
    """Read the records of a folder and return the standings of its tracks.

    Args:
        path: the folder of results; `leaderboard/results` under the current folder if not given, and where there is
            none, the records that came with the program.
        track: one track only; all that have records if not given.

    Raises:
        LeaderboardError: there is no such folder or track, or a record cannot be read.
    """
    from tckr_bench.leaderboard.frame import load_boards

    return load_boards(path, track=track)


def audit_images(
    synthetic: str | PathLike[str],
    *,
    train: str | PathLike[str],
    holdout: str | PathLike[str],
    page: str | PathLike[str] | None = None,
    delta: float = 1e-5,
    seed: int = 0,
    show_real_images: bool = False,
) -> ImageAudit:
    """Tell from synthetic images alone, with a hold-out, whether the images they were made from leave a trace in them.

    Training and hold-out images must be a random division of one pool, and nothing may have been made from the latter.

    Args:
        synthetic: folder of the synthetic images, flat or with folders in it, as are the other two.
        train: folder of the images they were made from.
        holdout: folder of the images kept apart.
        page: HTML page to write; none if not given.
        delta: of the differential privacy whose epsilon is bounded from below.
        seed: of the pairs that are compared.
        show_real_images: whether the page shows the training images that lie nearest synthetic ones.

    Raises:
        DatasetError: a folder is missing, empty, or one of the others; an image cannot be decoded; or they are too few.
        OptionError: delta is out of range, or images are to be shown without a page.
        StoreError: the page cannot be written.
    """
    from pathlib import Path

    from tckr_bench.api.image_audits import AuditRequest, carry_out_audit, plan_image_audit

    request = AuditRequest(
        Path(synthetic),
        Path(train),
        Path(holdout),
        page=None if page is None else Path(page),
        delta=delta,
        seed=seed,
        show_real_images=show_real_images,
    )
    return carry_out_audit(plan_image_audit(request))


def _text(path: str | PathLike[str] | None) -> str | None:
    return None if path is None else str(path)


def _texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts; a single one is meant as such, and not as its letters."""
    return (texts,) if isinstance(texts, str) else tuple(texts)
