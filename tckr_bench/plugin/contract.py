"""Whether what a component declares is what the harness can work with: asked when it registers, and of every use."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from tckr_bench.errors import ContractError, TckrError, first_line
from tckr_bench.plugin.components import (
    COMPONENTS,
    AdapterComponent,
    AttackComponent,
    CaptionerComponent,
    ClassifierComponent,
    Component,
    GeneratorComponent,
    MetricComponent,
)
from tckr_bench.plugin.options import Options
from tckr_bench.records import Better, CaptionBasis, Quantity, ShadowData, Shadows, Surface, Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.records import Logits

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
MOST_DIGITS = 10


@dataclass(frozen=True)
class Declared:
    """What a component declares for certain options, as `ComponentUse` takes it over."""

    shadows: Shadows = field(default_factory=Shadows)
    work: float = 1.0
    image_size: int | None = None


def check_contract(component: Any, family: str) -> None:  # noqa: ANN401 - whatever a plugin registers
    """Check a component as its plugin registers it, with its default options.

    Nothing is asked that may read a file or the network: neither `identity` nor `published` nor `pretraining`.

    Raises:
        ContractError: one sentence on the component and what it should declare.
    """
    wanted = COMPONENTS[family]
    if not isinstance(component, wanted):
        found = type(component).__name__
        raise ContractError(f"register_{family}s was given {_article(found)}, not {_article(wanted.__name__)}")
    _check_names(component)
    _check_options(component)
    if isinstance(component, AttackComponent):
        _require(component.surface in get_args(Surface), component, f"its surface cannot be {component.surface!r}")
    if isinstance(component, CaptionerComponent):
        _require(component.basis in get_args(CaptionBasis), component, f"its basis cannot be {component.basis!r}")
    if isinstance(component, MetricComponent):
        _check_quantities(component)
    options = _default_options(component)
    declared(component, options)
    if isinstance(component, ClassifierComponent):
        if component.untrained is not None:
            made_untrained(component, options)
        if component.memorising is not None:
            made_memorising(component, options, epochs=1)


def declared(component: Component[Any], options: Options) -> Declared:
    """Return what a component declares for options that a user gave.

    Raises:
        ContractError: it is not what its family's class says it is.
    """
    if isinstance(component, AttackComponent):
        return Declared(shadows=_shadows(component, _ask(component, "shadows", component.shadows, options)))
    if isinstance(component, AdapterComponent):
        share = _ask(component, "share", component.share, options)
        _require(_is_number(share) and 0 < share <= 1, component, f"its share is above 0 to 1, found {share!r}")
        return Declared(work=float(share))
    if isinstance(component, ClassifierComponent):
        epochs = _ask(component, "epochs", component.epochs, options)
        _require(_is_count(epochs), component, f"its epochs are a whole number from 0, found {epochs!r}")
        return Declared(work=float(max(1, epochs)))  # a network that learns nothing still looks at its images
    if isinstance(component, GeneratorComponent):
        size = _ask(component, "image_size", component.image_size, options)
        known = size is None or (_is_count(size) and size > 0)
        _require(known, component, f"its image_size is a whole number from 1 or None, found {size!r}")
        return Declared(image_size=size)
    return Declared()


def made_untrained(component: ClassifierComponent, options: Options) -> Options:
    """Return the options of the same classifier that learns nothing.

    Raises:
        ContractError: the component does not declare how, or not as it should.
    """
    return _changed(component, "learns nothing", component.untrained, options)


def made_memorising(component: ClassifierComponent, options: Options, *, epochs: int) -> Options:
    """Return the options of the same classifier that learns its images by heart.

    Raises:
        ContractError: the component does not declare how, or not as it should.
    """
    return _changed(component, "learns by heart", component.memorising, options, epochs)


def undone(component: ClassifierComponent, options: Options, logits: Logits) -> Logits:
    """Return what the outputs (n, classes) of a classifier were before its options altered them.

    Raises:
        ContractError: the component undoes them to something that cannot have been outputs of the same classifier.
    """
    import numpy as np

    if component.undo is None:
        return logits
    found: Logits = _ask(component, "outputs undone", component.undo, options, logits)
    wanted, seen = (f"{array.dtype} of shape {array.shape}" for array in (logits, np.asarray(found)))
    _require(seen == wanted, component, f"its outputs undone are {wanted} like its outputs, found {seen}")
    named = logits.argmax(axis=1)[:, None]
    same = bool((np.take_along_axis(found, named, axis=1)[:, 0] == found.max(axis=1)).all()) if len(found) else True
    _require(same, component, "its outputs undone are not finite, or of another class than its outputs")
    return found


def _changed(component: ClassifierComponent, what: str, change: Callable[..., Any] | None, *given: object) -> Options:
    if change is None:
        raise ContractError(
            f"{_called(component)} cannot be made one that {what}, which the controls of every matrix need of its "
            "first classifier; let its component declare how, or name another classifier first"
        )
    found, wanted = _ask(component, f"way to one that {what}", change, *given), component.options.__name__
    _require(isinstance(found, component.options), component, f"one that {what} has {wanted}, found {found!r}")
    assert isinstance(found, Options), "just required"
    return found


def _check_names(component: Component[Any]) -> None:
    _require(_is_name(component.name), component, "its name is not lower case, digits, - and _")
    _require(_is_line(component.version), component, "its version is not one line of text")
    _require(_is_line(component.summary), component, "its summary is not one line of text")


def _check_options(component: Component[Any]) -> None:
    options: Any = component.options  # whatever the plugin gave
    is_model = isinstance(options, type) and issubclass(options, Options)
    _require(is_model, component, f"its options are no Options model, found {options!r}")
    for name, option in options.model_fields.items():
        _require(not option.is_required(), component, f"its option '{name}' has no default")
        _require(bool(option.description), component, f"its option '{name}' has no description")


def _default_options(component: Component[Any]) -> Options:
    try:
        return component.options()
    except Exception as error:  # a plugin's validators may raise anything
        raise ContractError(f"{_called(component)}: its options refuse their own defaults: {error}") from error


def _check_quantities(component: MetricComponent) -> None:
    quantities: Any = component.quantities  # whatever the plugin gave
    _require(isinstance(quantities, tuple) and bool(quantities), component, "it declares no quantities")
    for quantity in quantities:
        _require(isinstance(quantity, Quantity), component, f"no Quantity: {quantity!r}")
        _require(_is_name(quantity.name), component, f"its quantity {quantity.name!r} is no name")
        fault = _fault_of(quantity)
        _require(not fault, component, f"its quantity '{quantity.name}' {fault}")
    names = [quantity.name for quantity in quantities]
    _require(len(set(names)) == len(names), component, f"it declares a quantity twice: {', '.join(names)}")


def _fault_of(quantity: Quantity) -> str:
    """Return what is wrong with a quantity, to stand after its name; empty if nothing is."""
    if not (quantity.heading and quantity.meaning):
        return "has no heading or no meaning"
    for what, kinds in (("unit", Unit), ("better", Better)):
        if getattr(quantity, what) not in get_args(kinds):
            return f"cannot have {what} {getattr(quantity, what)!r}; allowed: {', '.join(map(repr, get_args(kinds)))}"
    if not (_is_number(quantity.scale) and 0 < quantity.scale < math.inf):
        return f"has a scale of {quantity.scale!r}; it is a number above 0"
    if not (_is_count(quantity.digits) and quantity.digits <= MOST_DIGITS):
        return f"has {quantity.digits!r} digits; they are a whole number from 0 to {MOST_DIGITS}"
    if not (_is_number(quantity.low) and _is_number(quantity.high) and quantity.low <= quantity.high):
        return f"ranges from {quantity.low!r} to {quantity.high!r}"
    if not isinstance(quantity.board, bool):
        return f"is on the boards or not, found {quantity.board!r}"
    return ""


def _shadows(component: AttackComponent, found: Any) -> Shadows:  # noqa: ANN401 - whatever a plugin returns
    _require(isinstance(found, Shadows), component, f"its shadows are Shadows, found {found!r}")
    assert isinstance(found, Shadows), "just required"
    count, data = found.count, found.data
    _require(_is_count(count), component, f"its shadow models are a whole number from 0, found {count!r}")
    _require(data in get_args(ShadowData), component, f"its shadow models cannot be trained on {data!r}")
    _require(isinstance(found.adaptive, bool), component, f"its shadow models are adaptive or not, found {found!r}")
    wanted = component.surface == "classifier" or not count
    _require(wanted, component, f"it looks at {component.surface}, so no shadow models can be compared with it")
    return found


def _ask(component: Component[Any], what: str, declared_by: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401
    try:
        return declared_by(*given)
    except TckrError:
        raise
    except Exception as error:  # a plugin is isolated here: it must not break the others
        told = f"{type(error).__name__}: {first_line(error)}"
        raise ContractError(f"{_called(component)}: asked for its {what}, it fails with {told}") from error


def _require(condition: bool, component: Component[Any], otherwise: str) -> None:
    if not condition:
        raise ContractError(f"{_called(component)}: {otherwise}")


def _called(component: Component[Any]) -> str:
    return f"the {component.family} '{component.name}'"


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def _is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _is_line(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and "\n" not in text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
