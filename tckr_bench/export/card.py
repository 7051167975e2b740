"""The card of an exported synthetic dataset: what it is, how far it can be trusted, and what it must not be taken for.

Everything that comes from a run is hostile text. The template shows a value only after it was escaped for Markdown,
unless it is `Ready`: built here, of parts that were escaped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.export.card_privacy import Line, attack_lines, found_in_images, gate_lines, privacy_sentences
from tckr_bench.export.card_text import CODE_FENCE, Ready, code, found, shown
from tckr_bench.judging import metric_names
from tckr_bench.judging.criteria import TPR_METRICS
from tckr_bench.judging.verdict import worst_estimate
from tckr_bench.records import attacks_on
from tckr_bench.show.verdict_words import (
    ALARMS,
    STANDINGS,
    basis_sentence,
    heading_of,
    interval,
    needs,
    number,
    reasons,
)
from tckr_bench.text import NOTHING, percent, plain, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.judging.criteria import Criteria
    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.judging.verdict import Basis, Judgement, LimitComparison
    from tckr_bench.records import CellRecord, ComponentUse
    from tckr_bench.results.records import RunInformation

CARD_VERSION = 1
PAPER = Ready("[arXiv 2504.04582](https://arxiv.org/abs/2504.04582)")
TAGS = ("synthetic", "image-classification", "privacy", "membership-inference", "tckr-bench")
_BLANK_LINES = re.compile(r"\n{3,}")
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)

_OF_ANOTHER = (
    "The student whose accuracy and privacy this card gives learnt from them; one that learns from the labels alone "
    "was not measured here."
)

Probabilities = Literal["included", "left out", "not at hand", "none"]


@dataclass(frozen=True)
class Contents:
    """What lies in the exported folder.

    Attributes:
        images: how many.
        height, width: in pixels.
        class_counts: images by class name, in label order.
        prompts: whether the prompt of each image is a column.
        probabilities: whether the teacher's probabilities are, were left out as asked, are not at hand, or never were.
        remark: why they are not at hand.
    """

    images: int
    height: int
    width: int
    class_counts: Mapping[str, int]
    prompts: bool
    probabilities: Probabilities
    remark: str = ""


@dataclass(frozen=True)
class Subject:
    """The cell that was exported, and what is known of it; measurements are recomputed from its evidence.

    Attributes:
        board: of the dataset, with the rows of the exported seed and the checks of every seed.
        row: the method's row of that seed.
        record: the cell.
        name: what to call the method, for people.
        basis: how much the measurements rest on.
        information: of the run.
        run_command: what makes the run again; empty where only changed settings do.
        export_command: what was typed, without paths of one's own.
        version: of this program.
        criteria: limits that were given, and
        judgement: the answer under them; both None where none were.
    """

    board: DatasetBoard
    row: Row
    record: CellRecord
    name: str
    basis: Basis
    information: RunInformation
    run_command: str
    export_command: str
    version: str
    criteria: Criteria | None = None
    judgement: Judgement | None = None


def data_card(subject: Subject, contents: Contents) -> str:
    """Return the card as Markdown with YAML front matter, as the Hugging Face hub reads it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tckr_bench.export"),
        autoescape=False,  # noqa: S701 - HTML escaping is not Markdown's; `shown` escapes whatever is not Ready
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    body: str = environment.get_template("data_card.md").render(
        subject=subject,
        contents=contents,
        record=subject.record,
        described=subject.record.description,
        distrust=tuple(plain(reason) for reason in subject.board.reasons),
        summary=_summary(subject),
        steps=_steps(subject, contents),
        columns=_columns(contents),
        on_soft_labels=_on_soft_labels(contents),
        accuracy=_accuracy(subject),
        attacks=attack_lines(subject.row, "classifier"),
        images=attack_lines(subject.row, "images"),
        copies=found_in_images(subject.row),
        captions=attack_lines(subject.row, "captions"),
        models=_threat_models(subject),
        privacy=privacy_sentences(subject.row, subject.board),
        basis=basis_sentence(subject.basis),
        limits=_limits(subject),
        why=_why(subject),
        on_images=_limits_on_images(subject),
        size=f"{contents.width}x{contents.height}",
        code=code,
        run_command=Ready(plain(subject.run_command)),
        export_command=Ready(plain(subject.export_command)),
        ready=Ready,
        fence=Ready(CODE_FENCE),
        gates=gate_lines(subject.board),
        paper=PAPER,
    )
    shown_body = _BLANK_LINES.sub("\n\n", body.strip())
    return f"---\n{_front_matter(subject, contents)}---\n\n{shown_body}\n"


def _front_matter(subject: Subject, contents: Contents) -> str:
    import yaml  # type: ignore[import-untyped]

    category = next((name for limit, name in _SIZES if contents.images < limit), "100M<n<1B")
    content = {
        "pretty_name": plain(f"Synthetic {subject.record.dataset} ({subject.name})"),
        "license": "other",
        "license_name": "see-the-section-licence-of-the-card",
        "task_categories": ["image-classification"],
        "size_categories": [category],
        "annotations_creators": ["machine-generated"],
        "tags": list(TAGS),
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
    }
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    return text


def _summary(subject: Subject) -> list[Line]:
    """Return the few measurements that a hurried reader takes away."""
    row, baseline = subject.row, subject.board.baseline_of(subject.row)
    real = baseline.get(metric_names.ACCURACY, "") if baseline else None
    auc, tpr = worst_estimate(row, metric_names.AUC), worst_estimate(row, metric_names.TPR)
    return [
        (
            "Accuracy of a classifier trained on these images, judged on real ones",
            found(row.get(metric_names.ACCURACY, "")),
        ),
        ("Accuracy of the same classifier trained on the real images", found(real)),
        ("Accuracy lost, in points (paired)", found(row.get(metric_names.GAP, ""))),
        (
            "Strongest attack on that classifier: AUC (0.5 is guessing, 1 finds every member)",
            found(auc[0] if auc else None, scale=1, digits=3),
        ),
        (
            "Strongest attack on that classifier: members found in 100, at 1 false alarm in 100 (guessing finds 1)",
            found(tpr[0] if tpr else None),
        ),
        ("Checks of the measurement", _checks(subject.board)),
        ("Verdict under limits named beforehand", _answer(subject)),
    ]


def _checks(board: DatasetBoard) -> str:
    passed = sum(gate.passed for gate in board.gates)
    words = f"{passed} of {len(board.gates)} passed"
    return words if board.trusted else f"NOT TRUSTWORTHY ({words})"


def _answer(subject: Subject) -> str:
    return subject.judgement.answer if subject.judgement is not None else "no limits were given"


def _accuracy(subject: Subject) -> tuple[str, ...]:
    row, baseline = subject.row, subject.board.baseline_of(subject.row)
    own, gap = row.get(metric_names.ACCURACY, ""), row.get(metric_names.GAP, "")
    real = baseline.get(metric_names.ACCURACY, "") if baseline else None
    sentences = []
    if own:
        reach = span(own.low, own.high, scale=100, digits=1)
        sentences.append(f"It names {percent(own.value)} % of the real test images rightly (95 %: {reach}).")
    if real:
        reach = span(real.low, real.high, scale=100, digits=1)
        sentences.append(f"Trained on the real images it is right on {percent(real.value)} % (95 %: {reach}).")
    if gap:
        reach = span(gap.low, gap.high, scale=100, digits=1)
        sentences.append(f"The loss, on the same test images, is {percent(gap.value)} points (95 %: {reach}).")
    if row.protocol == "paper":
        sentences.append("The epoch kept did best on the test set, so new images would show a lower accuracy.")
    return tuple(sentences)


def _steps(subject: Subject, contents: Contents) -> list[tuple[str, str]]:
    """Say in words how the images were made; a list of headings and sentences."""
    method, training = subject.record.method, subject.record.splits.get("train", 0)
    generator = f"the text-to-image generator {_component(method.generator)}"
    captions = (
        f"Each of the {training:,} real training images was described in words by {_component(method.captioner)}."
    )
    adaptation = f"None: {generator} was used as published."
    if method.adapter is not None and method.adapter.name != "none":
        adapter = _component(method.adapter)
        adaptation = f"With {adapter}, {generator} was adapted to the real training images and their captions."
    generation = (
        f"{contents.images:,} images were generated from those captions, {_times(method.cardinality)}as many as there "
        f"are real training images, each with a random seed of its own; {_balance(contents)}. The label of an image is "
        "the class of the real image whose caption it was generated from. None was removed or chosen by hand."
    )
    steps = [("Captions", captions), ("Adaptation", adaptation), ("Generation", generation)]
    if method.labels == "soft":
        teacher = f"A teacher, {_component(method.classifier)}, trained on the real images, says how likely each class "
        steps.append(("Soft labels", f"{teacher}is for an image; the student learns from that, not from the label."))
    return steps


def _times(cardinality: float) -> str:
    return "" if cardinality == 1 else f"{cardinality:g} times "


def _component(use: ComponentUse | None) -> str:
    if use is None:
        return "an unknown component"
    name = "" if use.label == use.name else f"{use.name}, "
    return plain(f"{use.label} ({name}version {use.version})")


def _balance(contents: Contents) -> str:
    counts = contents.class_counts.values()
    low, high = min(counts), max(counts)
    return f"{low:,} of each class" if low == high else f"{low:,} to {high:,} of each class"


def _columns(contents: Contents) -> list[tuple[str, str]]:
    """Say what each column holds."""
    meanings = {
        "image": f"the image, {contents.width}x{contents.height} pixels, RGB, stored as PNG without loss",
        "label": f"its class, one of {len(contents.class_counts)}, by number and by name",
        "prompt": "the caption of a real image that it was generated from",
        "teacher_probabilities": "how likely the teacher holds each class to be, in label order, for this very image",
    }
    return [(name, meanings[name]) for name in column_names(contents)]


def _on_soft_labels(contents: Contents) -> str:
    """Say how the labels of the table differ from what the student of the measurements learnt from."""
    return {
        "included": "In the run the student asked the teacher again about every altered copy of an image, which a "
        "table cannot hold; a student of this column may come out a little different.",
        "left out": f"The teacher's probabilities were left out, as asked for. {_OF_ANOTHER}",
        "not at hand": f"The teacher's probabilities are not here: {plain(contents.remark)}. {_OF_ANOTHER}",
        "none": "",
    }[contents.probabilities]


def column_names(contents: Contents) -> tuple[str, ...]:
    """Return the names of the columns of the exported table."""
    soft = ("teacher_probabilities",) if contents.probabilities == "included" else ()
    return ("image", "label", *(("prompt",) if contents.prompts else ()), *soft)


def _threat_models(subject: Subject) -> list[tuple[str, str, str, str]]:
    """Return what each attacker sees and owns, and whether the whole pipeline was repeated."""
    return [
        (label, model.sees, model.owns, "yes" if model.adaptive else "no")
        for label, model in subject.record.threat_models.items()
        if model.surface in ("classifier", "images", "captions")
    ]


def _limits(subject: Subject) -> list[tuple[str, str, str, str, str]]:
    judged = subject.judgement
    return [_limit(comparison) for comparison in judged.comparisons] if judged is not None else []


def _limit(comparison: LimitComparison) -> tuple[str, str, str, str, str]:
    estimate = comparison.estimate
    return (
        heading_of(comparison),
        number(comparison, comparison.limit),
        number(comparison, estimate.value) if estimate else NOTHING,
        interval(comparison, estimate) if estimate else NOTHING,
        STANDINGS[comparison.standing],
    )


def _why(subject: Subject) -> tuple[str, ...]:
    judged = subject.judgement
    return () if judged is None else (*reasons(judged), *needs(judged), *judged.remarks)


def _limits_on_images(subject: Subject) -> tuple[str, ...]:
    """Hold what attacks on the images themselves reach against the same limits, which the verdict does not."""
    if subject.criteria is None:
        return ()
    criteria, sentences = subject.criteria, []
    limits = [(TPR_METRICS[limit.fpr], limit.tpr) for limit in criteria.max_tprs]
    limits += [] if criteria.max_auc is None else [(metric_names.AUC, criteria.max_auc)]
    for label in attacks_on([subject.record], surface="images"):
        for metric, limit in limits:
            estimate = subject.row.get(metric, label)
            if estimate is not None:
                standing = "within" if estimate.high <= limit else "beyond" if estimate.low > limit else "open"
                auc = metric == metric_names.AUC
                reach = found(estimate, scale=1 if auc else 100, digits=3 if auc else 1)
                what = "AUC" if auc else f"members found in 100, at {ALARMS[metric]}"
                bound = f"{limit:g}" if auc else f"{100 * limit:g}"
                sentences.append(f"{plain(label)}, {what}: {reach}, limit {bound}: {standing}.")
    return tuple(sentences)
