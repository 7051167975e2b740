"""The challenge set: the examples an attack is judged on, and which of them each model was trained on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.records import ChallengeParameters, LabelledImages
from tckr_bench.seeds import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Images, Sample
    from tckr_bench.stages.prepare import Prepared


@dataclass(frozen=True)
class Challenge:
    """n examples with the labels the attacker holds, who is a member (n,) bool, and who is a canary (n,) bool.

    Attributes:
        others: training images that are no examples: the target learns from them, and so does every shadow model.
        part: how many examples a shadow model learns from, so that it has as many images as its target.
    """

    examples: LabelledImages
    members: npt.NDArray[np.bool_]
    canaries: npt.NDArray[np.bool_]
    others: LabelledImages
    part: int


@dataclass(frozen=True)
class Eligible:
    """Which images may be examples: indices of training images (members) and of test images (others), int64 each.

    Finding them hashes every picture of both splits, so `prepare` does it once; every challenge selects from them.
    """

    members: npt.NDArray[np.int64]
    others: npt.NDArray[np.int64]


def build_challenge(prepared: Prepared, parameters: ChallengeParameters) -> Challenge:
    """Put members (training images) before non-members (test images) and make the canaries of both sides.

    An image that both sides hold is neither, and one that a side repeats counts once: only so are the sides
    exchangeable but for what was trained on. Neither side has more than `most_to_one` examples for one of the other.
    """
    import numpy as np

    found = prepared.eligible
    assert found is not None, "a challenge is made of the dataset, not of a sample of it"
    counts = sides_of(parameters, members=len(found.members), others=len(found.others))
    inside = _chosen(found.members, counts[0], "members")
    outside = _chosen(found.others, counts[1], "non-members")
    classes = len(prepared.class_names)
    members, planted = _side(prepared.train, inside, parameters, name="members", classes=classes)
    others, planted_too = _side(prepared.test, outside, parameters, name="non-members", classes=classes)
    examples = _joined(members, others)
    left, size = inside[:0], len(inside)
    if parameters.per_side is None:
        left = np.setdiff1d(found.members, inside)
        size = len(prepared.train) - len(left)
    return Challenge(
        examples,
        np.arange(len(examples)) < len(members),
        np.concatenate([planted, planted_too]),
        others=prepared.train.take(left),
        part=min(size, parameters.most_to_one * len(examples) // (parameters.most_to_one + 1)),
    )


def sides_of(parameters: ChallengeParameters, *, members: int, others: int) -> tuple[int, int]:
    """Return how many of so many members and non-members that may be examples are.

    >>> sides_of(ChallengeParameters(), members=500, others=100)
    (300, 100)
    >>> sides_of(ChallengeParameters(per_side=20), members=50, others=9)
    (20, 9)
    """
    most = parameters.per_side or parameters.most_to_one * min(members, others)
    return min(members, most), min(others, most)


def eligible(train: Images, test: Images) -> Eligible:
    """Return the indices of the images of each side that the other side does not hold, each picture once.

    >>> import numpy as np
    >>> train, test = (np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1) for values in ([5, 5, 7], [7, 9]))
    >>> found = eligible(train, test)
    >>> found.members.tolist(), found.others.tolist()
    ([0], [1])
    """
    import numpy as np

    first = [_first_of_each(images) for images in (train, test)]
    shared = first[0].keys() & first[1].keys()
    kept = [[index for digest, index in side.items() if digest not in shared] for side in first]
    return Eligible(np.array(kept[0], dtype=np.int64), np.array(kept[1], dtype=np.int64))


def take_sample(prepared: Prepared, sample: Sample) -> Prepared:
    """Return the dataset with a sample in the place of its training split; the other splits stay as they are.

    Taken from `outside`, the validation images become training images and none are left to validate. A sample has no
    challenge of its own.
    """
    if sample.take == "train":
        return prepared
    if sample.take == "outside":
        none = prepared.validation.take(slice(0))
        return replace(prepared, train=prepared.validation, validation=none, eligible=None)
    challenge = build_challenge(prepared, sample.challenge)
    taken = challenge.examples.take(sample_mask(challenge, sample))
    train = _joined(taken, challenge.others) if sample.take == "part" else taken
    return replace(prepared, train=train, eligible=None)


def sample_mask(challenge: Challenge, sample: Sample) -> npt.NDArray[np.bool_]:
    """Return which examples of a challenge a sample takes, (n,) bool."""
    import numpy as np

    if sample.take == "part":
        return shadow_mask(len(challenge.members), sample.index, part=challenge.part)
    if sample.take == "test-split":
        return published_shadow_mask(challenge.members, sample.index)
    if sample.take == "members":
        return challenge.members
    assert sample.take == "everything", f"a sample '{sample.take}' is no part of a challenge"
    return np.ones(len(challenge.members), dtype=bool)


def shadow_mask(examples: int, index: int, *, part: int) -> npt.NDArray[np.bool_]:
    """Return which of n examples shadow model `index` is trained on, (n,) bool, of which `part` are True.

    Shadows come in groups. Those of a group share one random order of the examples and take turns: what fewer examples
    are, in or out, is a run of the order that begins a step further for each. So every example is in as many shadows
    of a group as any other, or in one more, and a bank grows without retraining what exists. Of two halves each is the
    complement of the other.

    >>> bool((shadow_mask(10, 0, part=5) ^ shadow_mask(10, 1, part=5)).all())
    True
    >>> sum(shadow_mask(9, index, part=6).astype(int) for index in range(3)).tolist()  # out of one in three
    [2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    import numpy as np

    size = shadow_group(examples, part=part)
    group, turn = divmod(index, size)
    order = np.random.default_rng(derive_seed("shadow split", group)).permutation(examples)
    fewer = min(part, examples - part)
    run = (turn * examples // size + np.arange(fewer)) % examples
    chosen = np.zeros(examples, dtype=bool)
    chosen[order[run]] = True
    return chosen if 2 * part <= examples else ~chosen


def shadow_group(examples: int, *, part: int) -> int:
    """Return how many shadow models take turns in one order of the examples: as many as they need to go round.

    So every example is in a shadow of each group, and out of one.

    >>> shadow_group(10, part=5), shadow_group(9, part=6), shadow_group(40, part=10), shadow_group(10, part=4)
    (2, 3, 4, 3)
    """
    return max(2, -(-examples // max(1, min(part, examples - part))))


def fewest_to_audit(examples: int, *, part: int) -> int:
    """Return how many shadow models it takes to attack each of them in turn with the others as shadows.

    With fewer, too few remain on either side of an example once those that take turns with the target are left out.

    >>> fewest_to_audit(10, part=5), fewest_to_audit(40, part=10)
    (8, 9)
    """
    return max(8, 2 * shadow_group(examples, part=part) + 1)


def published_shadow_mask(members: npt.NDArray[np.bool_], index: int) -> npt.NDArray[np.bool_]:
    """Return what shadow `index` of the paper's protocol is trained on: a part of the test split, no member ever.

    Shadows come in pairs: an even one, IN, has a random half of the test split, and the odd one after it, OUT, a
    random half of that. The paper does not state the sizes; the halves are ours.

    >>> import numpy as np
    >>> members = np.array([True, True, False, False, False, False])
    >>> inside, outside = (published_shadow_mask(members, index) for index in (0, 1))
    >>> int(inside.sum()), int(outside.sum()), bool((outside & ~inside).any()), bool((inside & members).any())
    (2, 1, False, False)
    """
    import numpy as np

    pair, side = divmod(index, 2)
    others = np.flatnonzero(~members)
    order = np.random.default_rng(derive_seed("published shadow", pair)).permutation(others)
    mask = np.zeros(len(members), dtype=bool)
    mask[order[: max(1, len(others) // (2 if side == 0 else 4))]] = True
    return mask


def _first_of_each(images: Iterable[npt.NDArray[np.uint8]]) -> dict[bytes, int]:
    """Return the place of the first of each picture, by digest of its pixels, in order."""
    found: dict[bytes, int] = {}
    for index, image in enumerate(images):
        found.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), index)
    return found


def _chosen(allowed: npt.NDArray[np.int64], most: int, name: str) -> npt.NDArray[np.int64]:
    """Return at most so many of the allowed indices, drawn at random, in order."""
    import numpy as np

    drawn = np.random.default_rng(derive_seed("challenge", name)).permutation(len(allowed))[:most]
    return allowed[np.sort(drawn)]


def _side(
    split: LabelledImages, chosen: npt.NDArray[np.int64], parameters: ChallengeParameters, *, name: str, classes: int
) -> tuple[LabelledImages, npt.NDArray[np.bool_]]:
    """Return the chosen images of a split with canaries among them, and which are canaries, (n,) bool."""
    import numpy as np

    generator = np.random.default_rng(derive_seed("canaries", name))
    planted = np.zeros(len(chosen), dtype=bool)
    planted[generator.permutation(len(chosen))[: parameters.canaries]] = True
    make = _MAKE_CANARIES[parameters.canary_kind]
    return make(split.take(chosen), planted, classes=classes, generator=generator), planted


def _joined(first: LabelledImages, second: LabelledImages) -> LabelledImages:
    import numpy as np

    known = first.identities is not None and second.identities is not None
    return LabelledImages(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.identities, second.identities]) if known else None,
    )


def _mislabel(
    side: LabelledImages, planted: npt.NDArray[np.bool_], *, classes: int, generator: np.random.Generator
) -> LabelledImages:
    """Return examples of which the planted (n,) bool have a wrong class, each as likely as another."""
    import numpy as np

    shift = generator.integers(1, classes, size=len(side))
    return replace(side, labels=np.where(planted, (side.labels + shift) % classes, side.labels))


def _make_rare(side: LabelledImages, planted: npt.NDArray[np.bool_], **_unused: object) -> LabelledImages:
    """Return examples of which the planted (n,) bool are negatives: pictures like no other, with the right class."""
    import numpy as np

    return replace(side, images=np.where(planted[:, None, None, None], 255 - side.images, side.images))


_MAKE_CANARIES = {"mislabelled": _mislabel, "rare": _make_rare}
