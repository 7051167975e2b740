"""What a method is, where it stands and what limits it, in plain words; text of records comes out plain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.controls import control_of
from tckr_bench.show.limits import EXPLANATIONS, MARKS
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import ComponentUse, Method, Surface
    from tckr_bench.results.records import ResultRecord

SURFACES: dict[Surface, tuple[str, str]] = {
    "classifier": ("The released classifier", "what every entry releases; the worst of these is its measurement"),
    "generator": ("The adapted generator", "only if it were released too; no measurement counts it"),
    "images": ("The synthetic images", "only if they were released too; no measurement counts them"),
    "captions": ("The captions", "only if they were released too; no measurement counts them"),
    "data": (
        "The examples alone",
        "no model is looked at: above 0.5, members differ from non-members beforehand, and no measurement counts",
    ),
}
"""What an attack looks at, as a heading, and what that means for an entry's measurements."""

STANDINGS = {
    "ranked": "Ranked",
    "incomplete": "Not ranked: incomplete",
    "untrusted": "Not ranked: not trusted",
    "test-chosen": "Not ranked: epochs chosen on the test set",
    "control": "Not ranked: a control",
}
UNADAPTED = "none"
"""The adapter that leaves a generator as it is."""
_KNOWN = "a method whose answer is known."


@dataclass(frozen=True)
class Mark:
    """What limits a result: a few words, and why it matters."""

    words: str
    why: str


def what_it_is(method: Method) -> str:
    """Say in one plain sentence what a method releases; of a control also what must come of it."""
    classifier = named(method.classifier)
    if method.role == "baseline":
        return f"A {classifier} classifier trained on the real images: what every other entry is measured against."
    if method.role == "defended":
        tuned = ", tuned to reach the accuracy of the first synthetic entry" if method.matched else ""
        return f"A {classifier} classifier trained on the real images with a defence of its own{tuned}."
    if method.role == "control":
        control = control_of(method)
        return f"A control: it {control.words}." if control else f"A control: {_KNOWN}"
    learns = "a teacher's probabilities for" if method.labels == "soft" else "the classes of"
    return f"A {classifier} classifier that never sees a real image: it learns {learns} {_images_of(method)}."


def _images_of(method: Method) -> str:
    assert method.generator is not None, "a synthetic method has a generator"
    fitted = method.adapter is not None and method.adapter.name != UNADAPTED
    adapted = f"adapted with {named(method.adapter)}" if fitted and method.adapter else "not adapted to the real images"
    prompts = f" from captions of {named(method.captioner)}" if method.captioner else ""
    return f"images that {named(method.generator)}, {adapted}, makes{prompts}, {method.cardinality:g} for each real one"


def unbroken(name: str) -> str:
    r"""Return a name that is never broken before the dot between two of its parts.

    >>> unbroken("lora · soft") == "lora\N{NO-BREAK SPACE}· soft"
    True
    """
    return plain(name).replace(" · ", "\N{NO-BREAK SPACE}· ")


def named(use: ComponentUse) -> str:
    """Return what a matrix calls a component, with the component's own name where that is another."""
    label, name = plain(use.label), plain(use.name)
    return label if label == name else f"{label} ({name})"


def standing_of(entry: Entry, standings: Standings) -> str:
    """Say an entry's rank with its interval, or why it has none."""
    if entry.rank is None:
        return STANDINGS[entry.standing]
    count = sum(other.rank is not None for other in standings.entries)
    reach = ""
    if entry.rank_low is not None and entry.rank_high is not None:
        reach = f" (95 %: {entry.rank_low} to {entry.rank_high})"
    return f"Rank {entry.rank}{reach} of {count} ranked"


def marks_of(record: ResultRecord) -> tuple[Mark, ...]:
    """Return what limits a record: how its epochs were chosen, and what its generator was pretrained on."""
    keys = (record.protocol, record.contamination)
    return tuple(Mark(MARKS[key][1], EXPLANATIONS[key]) for key in keys if key in MARKS)
