"""What a track asks of a record before it is ranked, and in which way a record falls short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging.estimates import usable
from tckr_bench.judging.metric_names import ACCURACY, WORST_AUC
from tckr_bench.text import listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.leaderboard.tracks import RequiredAttack, Track
    from tckr_bench.results.records import ResultRecord, SeedResult


def shortcomings(record: ResultRecord, track: Track) -> tuple[str, ...]:
    """Return what a record lacks of what its track asks, a phrase each that `on <dataset>` may follow; else nothing."""
    if record.dataset not in track.datasets:
        return faults_of_data(record, track)
    found = list(faults_of_data(record, track))
    if len(record.seeds) < track.seeds:
        found.append(f"{len(record.seeds)} of {track.seeds} seeds")
    if record.method.role != "control" and any(result.status == "ok" for result in record.seeds):
        lacking = [str(attack) for attack in track.attacks if not _faced(record, attack)]
        found += [f"not attacked by {listing(lacking)}"] if lacking else []
        found += [] if all(map(_measured, record.seeds)) else ["no accuracy or no AUC of an attack on the classifier"]
    return tuple(found)


def faults_of_data(record: ResultRecord, track: Track) -> tuple[str, ...]:
    """Return in which way a record's images are not those of its track; nothing where they are."""
    dataset = track.datasets.get(record.dataset)
    if dataset is None:
        return ("a dataset the track does not have",)
    found = []
    if dataset.fingerprint and record.description.fingerprint != dataset.fingerprint:
        found.append("other images than the track's")
    if len(record.description.class_names) != dataset.classes:
        found.append(f"{len(record.description.class_names)} classes instead of {dataset.classes}")
    for split, count in dataset.splits.items():
        if record.splits.get(split) != count:
            found.append(f"{record.splits.get(split, 0):,} {split} images instead of {count:,}")
    return tuple(found)


def on_datasets(phrases: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Join phrases that several datasets share.

    >>> on_datasets([("1 of 2 seeds", "clothes"), ("1 of 2 seeds", "digits")])
    ('1 of 2 seeds on clothes and digits',)
    """
    found: dict[str, list[str]] = {}
    for phrase, dataset in phrases:
        found.setdefault(phrase, []).append(dataset)
    return tuple(f"{phrase} on {listing(list(dict.fromkeys(names)))}" for phrase, names in found.items())


def _measured(result: SeedResult) -> bool:
    """Return whether a seed has what it is ranked by; one without would pass for chance, which is perfect privacy."""
    found = {measurement.metric for measurement in result.measurements if usable(measurement)}
    return result.status == "failed" or {ACCURACY, WORST_AUC} <= found


def _faced(record: ResultRecord, attack: RequiredAttack) -> bool:
    """Return whether every seed has measurements of an attack; real data needs no adaptive one."""
    if attack.adaptive and record.method.role != "method":
        return True
    finished = [seed for seed in record.seeds if seed.status == "ok"]
    return any(
        use.name == attack.component
        and use.label in record.threat_models
        and use.shadows.count >= attack.shadows
        and all(any(measurement.attack == use.label for measurement in seed.measurements) for seed in finished)
        and record.threat_models[use.label].surface == "classifier"
        and (record.threat_models[use.label].adaptive or not attack.adaptive)
        for use in record.attacks
    )
