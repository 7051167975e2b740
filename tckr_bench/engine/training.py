"""What is to be trained: a method on a sample of a dataset, for a cell or as a shadow model."""

from __future__ import annotations

from dataclasses import dataclass

from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.engine.remembering import once_per_use
from tckr_bench.records import ComponentUse, Method, Sample


@dataclass(frozen=True)
class Training:
    """A method to be trained on a sample of a dataset: a cell itself, or what a shadow model does in its place."""

    dataset: ComponentUse
    method: Method
    seed: int
    sample: Sample

    @property
    def shadow(self) -> bool:
        """Whether it serves an attack and not a method."""
        return self.sample.take in ("part", "test-split")

    @property
    def name(self) -> str:
        """What to call it, for people."""
        return f"shadow {self.sample.index} of {self.method.name}" if self.shadow else self.method.name

    def kind(self, kind: str) -> str:
        """Return the kind of a stage that serves this training."""
        return f"shadow-{kind}" if self.shadow else kind

    @property
    def place(self) -> str:
        """Which images are meant, to be added to a label, where it is not the training split."""
        if self.sample.take == "train":
            return ""
        return f" · shadow {self.sample.index}" if self.shadow else f" · {self.sample.take}"

    @property
    def synthesis(self) -> tuple[ComponentUse, ComponentUse]:
        """The generator and the adapter of a synthetic method."""
        assert self.method.generator is not None, "synthetic methods have a generator"
        assert self.method.adapter is not None, "synthetic methods have an adapter"
        return self.method.generator, self.method.adapter


@once_per_use
def identity_of(use: ComponentUse) -> str:
    """Return the fingerprint of what of a component is part of a key: not its label, nor where it came from."""
    return fingerprint(
        {
            "family": use.family,
            "name": use.name,
            "version": use.version,
            "options": dict(use.options),
            "identity": use.identity,
        }
    )


def image_bytes(size: int) -> float:
    """Return the bytes of a stored RGB image of `size` x `size` pixels."""
    return 3.0 * size**2
