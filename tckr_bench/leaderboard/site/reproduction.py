"""How to make a record again and check it: command, recipe, files, components with their options, provenance."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tckr_bench.results.files import record_folder, record_path
from tckr_bench.text import duration, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.records import ComponentUse, Method
    from tckr_bench.results.records import FileReference, ResultRecord, RunInformation


@dataclass(frozen=True)
class ComponentView:
    """A component: its family, name with version, the distribution it comes from, and every option.

    `datasets` names those it is used on, unless that is all of them.
    """

    family: str
    name: str
    version: str
    distribution: str
    identity: str
    options: tuple[tuple[str, str], ...]
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComponentGroup:
    """Components under a title; those the method is made of have none."""

    title: str
    components: tuple[ComponentView, ...]


@dataclass(frozen=True)
class FileView:
    """A file of a record: where it lies in the folder of results, its sha256, and its size."""

    path: str
    sha256: str
    size: str


@dataclass(frozen=True)
class Recipe:
    """A command, and the text of the matrix file it names, where that does not ship; the datasets it is about.

    `cpu` is what the whole run took, every method and control of it; empty where the record does not say.
    """

    command: str
    matrix: str
    datasets: tuple[str, ...]
    cpu: str = ""


@dataclass(frozen=True)
class Fact:
    """A fact of provenance: what it is and what it says."""

    title: str
    words: str


def recipes_of(records: Sequence[ResultRecord]) -> tuple[Recipe, ...]:
    """Return each command of some records once."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for record in records:
        cpu = duration(sum(record.run.seconds.values())) if record.run.seconds else ""
        found.setdefault((plain(record.run.command), lines_of(record.run.recipe), cpu), []).append(
            plain(record.dataset)
        )
    return tuple(Recipe(command, matrix, tuple(names), cpu) for (command, matrix, cpu), names in found.items())


def lines_of(text: str) -> str:
    r"""Return a text with its line breaks and its indentation, every other control character made visible.

    >>> lines_of("a\r\n  b\x1b") == "a\n  b\N{REPLACEMENT CHARACTER}"
    True
    """
    return "\n".join(
        "".join(character if character.isprintable() else "\ufffd" for character in line.expandtabs(4).rstrip())
        for line in text.replace("\r\n", "\n").split("\n")
    ).strip("\n")


def files_of(record: ResultRecord, sources: Sources) -> tuple[FileView, ...]:
    """Return the files that lie beside a record: scores of each seed."""
    folder = record_folder(sources.place_of(record), record).as_posix()
    return tuple(_file(plain(folder), seed.scores) for seed in record.seeds if seed.scores is not None)


def path_of(record: ResultRecord, sources: Sources) -> str:
    """Return where a record lies in the folder of results, or of its run."""
    return plain(record_path(sources.place_of(record), record).as_posix())


def _file(folder: str, reference: FileReference) -> FileView:
    return FileView(f"{folder}/{plain(reference.name)}", plain(reference.sha256), size(reference.size))


def components_of(records: Sequence[ResultRecord]) -> tuple[ComponentGroup, ...]:
    """Return every component that made or judged some records, each once per set of options."""
    made = _once([(record, use) for record in records for use in _made_of(record.method)])
    attacks = _once([(record, use) for record in records for use in record.attacks])
    metrics = _once([(record, use) for record in records for use in record.metrics])
    groups = (("", made), (f"{len(attacks)} attacks", attacks), (f"{len(metrics)} metrics", metrics))
    return tuple(ComponentGroup(title, components) for title, components in groups if components)


def _once(uses: Sequence[tuple[ResultRecord, ComponentUse]]) -> tuple[ComponentView, ...]:
    """Return each component once, with its datasets where it is not used on all of them."""
    every = dict.fromkeys(record.dataset for record, _ in uses)
    found: dict[ComponentView, dict[str, None]] = {}
    for record, use in uses:
        found.setdefault(_component(use), {})[record.dataset] = None
    return tuple(
        replace(view, datasets=() if len(names) == len(every) else tuple(plain(name) for name in names))
        for view, names in found.items()
    )


def _made_of(method: Method) -> Iterator[ComponentUse]:
    for use in (method.captioner, method.generator, method.adapter, method.classifier):
        if use is not None:
            yield use


def _component(use: ComponentUse) -> ComponentView:
    label = "" if use.label == use.name else f" as {plain(use.label)}"
    return ComponentView(
        family=plain(use.family),
        name=plain(use.name) + label,
        version=plain(use.version),
        distribution=plain(use.distribution),
        identity=plain(use.identity),
        options=options_of(use.options),
    )


def options_of(options: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return options by name, their values as JSON on one line."""
    return tuple(
        (plain(str(name)), plain(json.dumps(value, ensure_ascii=False, default=str)))
        for name, value in sorted(options.items())
    )


def provenance_of(run: RunInformation) -> tuple[Fact, ...]:
    """Return where and with what a run was made; facts it does not know are left out."""
    made = run.provenance
    facts = (
        ("submission", run.submission),
        ("started", made.started),
        ("commit", _commit(made.commit, made.dirty)),
        ("device", ", ".join([made.device, *made.device_names])),
        ("processor", f"{made.processor} ({made.cores} cores, {made.jobs} at a time)"),
        ("platform", made.platform),
        ("versions", _versions(made.versions)),
        ("distributions", _distributions(made.distributions)),
    )
    return tuple(Fact(title, plain(words)) for title, words in facts if words)


def _commit(commit: str, dirty: bool | None) -> str:
    state = {True: "with changes that were not committed", False: "clean", None: "whether clean is not known"}
    return f"{commit}, {state[dirty]}" if commit else "not known"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _distributions(distributions: Mapping[str, str]) -> str:
    """Say how many components came from each distribution; which, stands beside each component."""
    counts = Counter(distributions.values())
    return ", ".join(f"{name}: {count} components" for name, count in sorted(counts.items()))
