"""Forged measurements and claims: sound files that say what is not so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from hostile_files.json_files import changed
from hostile_files.world import EITHER, REFUSED, SHOWN, STUDENT, TEACHER, Folder, Hostile, reseal


def claims() -> Iterator[Hostile]:
    """Change what a record says of its scores, metrics, attacks and gates."""

    def run(name: str, change: Callable[[dict], object], expected: str = REFUSED) -> Hostile:
        return changed(f"forged/{name}", change, expected, what="run")

    def metric(what: str, **parts: object) -> Hostile:
        return run(f"metric-{what}", lambda v: v["metrics"][2].update(parts))

    yield metric("version", version="99")
    yield metric("unknown", name="best-metric", label="best-metric")
    yield metric("options", options={"seed": 1, "replicates": 1000})
    yield metric("endless", options={"seed": 0, "replicates": 10**12})
    yield metric("family", family="generator", name="miniature", label="miniature", options={})
    yield metric("label", label="other")
    yield metric("identity", identity="elsewhere")
    yield run("metric-twice", lambda v: v["metrics"].append(v["metrics"][0]))
    yield run("metric-less", lambda v: v["metrics"].pop(2))
    use = {"family": "attack", "name": "rmia", "version": "1", "label": "rmia", "options": {"shadows": 64}}
    yield run("attack-use", lambda v: v["attacks"].append(use))
    yield run("attack-unfaced", lambda v: v["attacks"].append({**v["attacks"][0], **use}), SHOWN)
    yield run("attack-relabelled", lambda v: v["attacks"][1].update(label="lira", options={"shadows": 64}))
    yield run("attack-less", lambda v: v["attacks"].pop())
    yield run("attack-surface", lambda v: v["attacks"][0].update(surface="images"))
    yield run("primary", lambda v: v.update(primary_attack="loss"))
    yield run("submission", lambda v: v.update(submission="a" * 16))
    yield run("submission-none", lambda v: v.update(submission=""))
    yield run("matrix", lambda v: v.update(matrix="the best", matrix_digest="none"), SHOWN)
    yield run("key", lambda v: v["keys"].update({"digits/x/seed-0": {"train": ["none"]}}))
    yield run("keys-of-nobody", lambda v: v.update(keys={"digits/x/seed-0": {"train": ["a" * 64]}}), SHOWN)
    for key in ("a" * 63, "A" * 64, "a" * 64 + "\n", "../" * 21 + "a", "z" * 64):
        yield run(f"key-{key[:4]}-{len(key)}", lambda v, k=key: v["keys"].update({"x": {"train": [k]}}))
    for part in ("naive", "ran", "failed"):
        yield run(f"stages-{part}", lambda v, p=part: v["stages"].update({p: -1}), SHOWN)
    yield run("seconds", lambda v: v.update(seconds={"train": -1.0, "<b>": 1e15}, wall_seconds=-1.0), SHOWN)
    for number in range(12):
        for part, shift in (("value", 0.01), ("low", -0.01), ("high", 1e-6), ("examples", 1)):

            def shifted(v: dict, n: int = number, part: str = part, shift: float = shift) -> None:
                measurements = v["seeds"][0]["measurements"]
                measurements[n % len(measurements)][part] += shift

            yield changed(f"forged/measurement-{number}-{part}", shifted)
    yield changed(
        "forged/measurement-twice", lambda v: v["seeds"][0]["measurements"].append(v["seeds"][0]["measurements"][0])
    )
    yield changed("forged/measurement-less", lambda v: v["seeds"][0]["measurements"].pop())
    yield changed("forged/measurement-interval", lambda v: v["seeds"][0]["measurements"][0].update(interval="exact"))
    adaptive = {"sees": "all", "owns": "all", "adaptive": True, "surface": "classifier"}
    yield changed("forged/attack-extra", lambda v: v["threat_models"].update(adaptive=adaptive))
    yield changed("forged/attack-less", lambda v: v["threat_models"].pop("loss"))
    yield changed("forged/attack-adaptive", lambda v: v["threat_models"]["lira"].update(adaptive=True))
    yield changed("forged/gates-passed", lambda v: [gate.update(passed=True) for gate in v["gates"]])
    yield changed("forged/gate-invented", lambda v: v["gates"].append({"name": "all", "passed": True, "reason": ""}))
    yield changed("forged/gates-none", lambda v: v.update(gates=[]))
    yield changed("forged/role-baseline", lambda v: v["method"].update(role="baseline"))
    yield changed("forged/role-control", lambda v: v["method"].update(role="control"), EITHER)
    yield changed("forged/no-generator", lambda v: v["method"].update(generator=None))
    yield changed("forged/cardinality", lambda v: v["method"].update(cardinality=2.0))
    yield changed("forged/images", lambda v: v.update(images_generated=1))
    yield changed("forged/fingerprint", lambda v: v["description"].update(fingerprint="cd" * 32))
    yield changed("forged/splits", lambda v: v["splits"].update(test=1000))
    yield changed("forged/licence", lambda v: v["description"].update(licence="CC BY-NC 4.0"))
    yield changed("forged/seed", lambda v: v["seeds"][0].update(seed=1))
    yield changed("forged/failure", lambda v: v["seeds"][0].update(failure="none"))
    for part in ("captioner", "generator", "adapter", "classifier"):
        yield changed(f"forged/family-{part}", lambda v, p=part: v["method"][p].update(family="metric"))
    yield changed("forged/failed", lambda v: v["seeds"][0].update(status="failed", measurements=[], scores=None))


def sealed() -> Iterator[Hostile]:
    """Forge evidence, with measurements, gates and the name of the submission computed from it."""

    def teacher_as_student(evidence: dict, _: dict) -> None:
        evidence[STUDENT] = dataclasses.replace(evidence[STUDENT], test_logits=evidence[TEACHER].test_logits)

    def same_evidence(evidence: dict, _: dict) -> None:
        evidence[STUDENT] = evidence[TEACHER]

    def other_teacher(evidence: dict, _: dict) -> None:
        evidence[STUDENT] = dataclasses.replace(evidence[STUDENT], teacher_logits=evidence[STUDENT].test_logits)

    def other_labels(evidence: dict, _: dict) -> None:
        logits = evidence[STUDENT].test_logits
        labels = (logits.argmax(axis=1) + 1) % 3
        evidence[STUDENT] = dataclasses.replace(evidence[STUDENT], test_labels=labels)

    def two_seeds(_: dict, records: dict) -> None:
        first = records[STUDENT].seeds[0]
        records[STUDENT] = dataclasses.replace(
            records[STUDENT], seeds=(first, dataclasses.replace(first, seed=1, scores=None))
        )

    for change in (teacher_as_student, same_evidence, other_teacher, other_labels, two_seeds):

        def apply(folder: Folder, change: object = change) -> None:
            reseal(folder, change)

        yield Hostile(f"sealed/{change.__name__}", apply)
