"""What a track asks of a record before it is ranked, and in which way a record falls short."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tckr_bench.leaderboard.records import ResultRecord
    from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset


def shortcomings(record: ResultRecord, track: Track) -> tuple[str, ...]:
    """Return what a record lacks of what its track asks, a phrase each; nothing where it has all."""
    dataset = track.datasets.get(record.dataset)
    if dataset is None:
        return (f"the track has no dataset {record.dataset}",)
    found = _of_data(record, dataset)
    if len(record.seeds) < track.seeds:
        found.append(f"{len(record.seeds)} of {track.seeds} seeds on {record.dataset}")
    if record.method.role != "control" and any(result.status == "ok" for result in record.seeds):
        lacking = [attack for attack in track.attacks if not _faced(record, attack)]
        found += [f"not attacked by {attack} on {record.dataset}" for attack in lacking]
    return tuple(found)


def _of_data(record: ResultRecord, dataset: TrackDataset) -> list[str]:
    found = []
    if dataset.fingerprint and record.description.fingerprint != dataset.fingerprint:
        found.append(f"other images of {record.dataset} than the track's")
    if len(record.description.class_names) != dataset.classes:
        found.append(f"{len(record.description.class_names)} classes of {record.dataset} instead of {dataset.classes}")
    for split, count in dataset.splits.items():
        if record.splits.get(split) != count:
            given = record.splits.get(split, 0)
            found.append(f"{given:,} {split} images of {record.dataset} instead of {count:,}")
    return found


def _faced(record: ResultRecord, attack: RequiredAttack) -> bool:
    """Return whether a record has the scores of an attack; real data needs no adaptive one."""
    if attack.adaptive and record.method.role != "method":
        return True
    return any(
        use.name == attack.component
        and use.label in record.threat_models
        and int(use.options.get("shadows") or 0) >= attack.shadows
        and (record.threat_models[use.label].adaptive or not attack.adaptive)
        for use in record.attacks
    )
