"""What a plugin registers: a component per implementation, of the class of its family.

A component's name, version and options identify it before anything heavy is imported; `load` imports late. What the
harness must know of an implementation (how many shadow models an attack needs, how a classifier is kept from learning)
the component declares in a field of its class, as a function of its options: the harness reads no option by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import ValidationError

from tckr_bench.errors import OptionError, nearest
from tckr_bench.plugin.observing import Observer
from tckr_bench.plugin.options import Options
from tckr_bench.plugin.protocols import (
    Adapter,
    Attack,
    Captioner,
    Classifier,
    Dataset,
    Generator,
    Metric,
    ReleaseAttack,
    WrittenCaptioner,
)
from tckr_bench.records import CaptionBasis, Quantity, Shadows

if TYPE_CHECKING:
    from tckr_bench.records import DatasetDescription, Logits, Pretraining, Surface

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Component(Generic[T_co]):
    """One implementation, as registered by a plugin; use the class of its family.

    Attributes:
        name: what a matrix file calls it; unique within its family.
        version: part of every cache key; raise it whenever the output for the same input changes.
        options: the `Options` model; its defaults are the component's defaults.
        load: returns the implementation of the family's Protocol: its class, if that takes the options and imports
            nothing heavy, else what `lazily` returns.
        summary: one line for `tckr-bench plugins list`.
        identity: hash of what the options point at (weights in a folder, say), where that can change.
        argument: the option that `name:value` sets, such as `imagefolder:photos`; empty where there is none.
        groups: names that stand for this component and others, such as `paper-ten` for ten datasets.
    """

    family: ClassVar[str]

    name: str
    version: str
    options: type[Options]
    load: Callable[[Any], T_co]
    summary: str
    identity: Callable[[Any], str] = lambda _options: ""
    argument: str = ""
    groups: tuple[str, ...] = ()

    def parse_options(self, given: Mapping[str, Any]) -> Options:
        """Validate options given by a user.

        Raises:
            OptionError: one sentence with the nearest right name, or the value found and what is allowed.
        """
        unknown = sorted(set(given) - set(self.options.model_fields))
        if unknown:
            hint = nearest(unknown[0], self.options.model_fields)
            raise OptionError(f"component '{self.name}' has no option '{unknown[0]}'{hint}")
        try:
            return self.options.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "options"
            raise OptionError(
                f"option '{where}' of component '{self.name}' cannot be {first['input']!r}: {first['msg']}"
            ) from error


@dataclass(frozen=True)
class DatasetComponent(Component[Dataset]):
    """A real dataset; `published` returns its description as published, for plans where the data is not at hand."""

    family = "dataset"

    published: Callable[[Any], DatasetDescription | None] = lambda _options: None


@dataclass(frozen=True)
class WorkingComponent(Component[T_co]):
    """What works on images one by one.

    `operations` returns the floating-point operations of one unit of its stage - an image captioned, adapted to,
    generated, or trained on for one epoch - for forecasts of large models; None where it is not known.
    """

    operations: Callable[[Any], float | None] = lambda _options: None


@dataclass(frozen=True)
class CaptionerComponent(WorkingComponent[Captioner | WrittenCaptioner]):
    """Describes real images.

    `basis` says what a caption follows from; where it is `file`, the implementation is a `WrittenCaptioner`.
    """

    family = "captioner"

    basis: CaptionBasis = "image"


@dataclass(frozen=True)
class GeneratorComponent(WorkingComponent[Generator]):
    """Makes images from prompts.

    `pretraining` returns what its weights have seen; `image_size` the side in pixels of what it makes, for forecasts;
    either None where it is not known.
    """

    family = "generator"

    pretraining: Callable[[Any], Pretraining | None] = lambda _options: None
    image_size: Callable[[Any], int | None] = lambda _options: None


@dataclass(frozen=True)
class AdapterComponent(WorkingComponent[Adapter]):
    """Fits a generator to images.

    `share` returns the share of the training images that the harness gives it, above 0 to 1, drawn evenly from the
    classes, at least one of each.
    """

    family = "adapter"

    share: Callable[[Any], float] = lambda _options: 1.0


@dataclass(frozen=True)
class ClassifierComponent(WorkingComponent[Classifier]):
    """Learns labels. The controls of every matrix are made of its first classifier by `untrained` and `memorising`.

    Attributes:
        epochs: how often it sees each training image, for forecasts.
        untrained: returns the options of the same classifier that learns nothing; None if it cannot.
        memorising: returns the options of the same classifier that learns its images by heart, unaltered, in so many
            epochs; None if it cannot.
        undo: returns what its outputs (n, classes) float32 were before options altered them, with the same class on
            top; None if none does. Attackers know the options, so it is what they look at, of the target and of every
            shadow model.
    """

    family = "classifier"

    epochs: Callable[[Any], int] = lambda _options: 1
    untrained: Callable[[Any], Options] | None = None
    memorising: Callable[[Any, int], Options] | None = None
    undo: Callable[[Any, Logits], Logits] | None = None


@dataclass(frozen=True)
class AttackComponent(Component[Attack | ReleaseAttack]):
    """Scores membership.

    `surface` is what it looks at: `classifier` makes it an `Attack`, any other a `ReleaseAttack`. `shadows` returns the
    shadow models it wants trained.
    """

    family = "attack"

    surface: Surface = "classifier"
    shadows: Callable[[Any], Shadows] = lambda _options: Shadows()


@dataclass(frozen=True)
class MetricComponent(Component[Metric]):
    """Measures a cell; `quantities` are all that its measurements may be of."""

    family = "metric"

    quantities: tuple[Quantity, ...] = ()


@dataclass(frozen=True)
class ObserverComponent(Component[Observer]):
    """Hears of a run."""

    family = "observer"


COMPONENTS: Mapping[str, type[Component[Any]]] = {
    kind.family: kind
    for kind in (
        DatasetComponent,
        CaptionerComponent,
        GeneratorComponent,
        AdapterComponent,
        ClassifierComponent,
        AttackComponent,
        MetricComponent,
        ObserverComponent,
    )
}
FAMILIES = tuple(COMPONENTS)


def lazily(module: str, name: str) -> Callable[[Any], Any]:
    """Return a `load` that imports a class, or a function, at its first call and calls it with the options.

    >>> lazily("fractions", "Fraction")("1/2")
    Fraction(1, 2)
    """

    def load(options: Any) -> Any:  # noqa: ANN401 - any options, any implementation
        return getattr(importlib.import_module(module), name)(options)

    return load
