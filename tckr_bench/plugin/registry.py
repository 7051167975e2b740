"""Finds plugins through the entry-point group `tckr_bench` and looks components up by name."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from tckr_bench.errors import ContractError, OptionError, PluginError, nearest
from tckr_bench.plugin.components import FAMILIES, ClassifierComponent, Component, MetricComponent
from tckr_bench.plugin.contract import check_contract, declared, made_memorising, made_untrained, undone
from tckr_bench.plugin.hookspecs import ENTRY_POINT_GROUP, HookSpecifications
from tckr_bench.records import ComponentUse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from tckr_bench.plugin.options import Options
    from tckr_bench.records import Logits, Quantity

KindT = TypeVar("KindT", bound=Component[Any])


@dataclass(frozen=True)
class Registration:
    """A registered component with its family and the distribution it came from (`name version`)."""

    family: str
    component: Component[Any]
    distribution: str


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded, and why."""

    name: str
    distribution: str
    reason: str


@dataclass
class Registry:
    """Every component that was found, by family and name, and the plugins that could not be loaded."""

    registrations: dict[tuple[str, str], Registration] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)

    def add(self, registration: Registration) -> None:
        """Add a component.

        Raises:
            PluginError: the name is taken in its family; both distributions are named.
            ContractError: another metric measures a quantity of that name.
        """
        key = (registration.family, registration.component.name)
        if key in self.registrations:
            raise PluginError(
                f"two distributions register the {key[0]} '{key[1]}': {self.registrations[key].distribution} and "
                f"{registration.distribution}; uninstall one of them"
            )
        if isinstance(registration.component, MetricComponent):
            self._check_unique(registration.component)
        self.registrations[key] = registration

    def _check_unique(self, metric: MetricComponent) -> None:
        own = {quantity.name for quantity in metric.quantities}
        for entry in self.family("metric"):
            other = self.component(MetricComponent, entry.component.name)
            shared = own & {quantity.name for quantity in other.quantities}
            if shared:
                raise ContractError(
                    f"the metric '{metric.name}': the metric '{other.name}' of {entry.distribution} measures "
                    f"'{min(shared)}' already; a quantity has one metric"
                )

    def family(self, family: str) -> list[Registration]:
        """Return the components of a family, ordered by name."""
        return [self.registrations[key] for key in sorted(self.registrations) if key[0] == family]

    def group(self, name: str, family: str) -> list[Registration]:
        """Return the components of a family that a group stands for, in order of registration; none if unknown."""
        found = (entry for entry in self.registrations.values() if entry.family == family)
        return [entry for entry in found if name in entry.component.groups]

    def get(self, family: str, name: str) -> Registration:
        """Look a component up.

        Raises:
            PluginError: no such component; names the nearest one, and any broken plugin that may hold it.
        """
        found = self.registrations.get((family, name))
        if found is None:
            hint = nearest(name, (entry.component.name for entry in self.family(family)))
            lost = "".join(f" (the plugin '{plugin.name}' could not be loaded)" for plugin in self.broken)
            raise PluginError(f"no {family} is called '{name}'{hint}{lost}")
        return found

    def component(self, kind: type[KindT], name: str) -> KindT:
        """Look a component up by the class of its family.

        Raises:
            PluginError: no such component.
        """
        component = self.get(kind.family, name).component
        assert isinstance(component, kind), "checked when it registered"
        return component

    def components(self, kind: type[KindT]) -> list[KindT]:
        """Return the components of a family, ordered by name."""
        return [self.component(kind, entry.component.name) for entry in self.family(kind.family)]

    def quantities(self) -> tuple[Quantity, ...]:
        """Return every quantity that a metric declares, in order of registration; names are unique."""
        found = (entry.component for entry in self.registrations.values())
        return tuple(
            quantity for metric in found if isinstance(metric, MetricComponent) for quantity in metric.quantities
        )

    def use(self, family: str, name: str, *, label: str, options: Mapping[str, Any]) -> ComponentUse:
        """Validate the options and return the component as a matrix uses it, with what it declares for them.

        Raises:
            PluginError: no such component.
            OptionError: an option is unknown or cannot have its value.
            ContractError: what the component declares for these options is not what its family's class says.
        """
        registration = self.get(family, name)
        component = registration.component
        parsed = component.parse_options(options)
        try:
            told = declared(component, parsed)
        except ContractError as error:
            raise ContractError(f"{error} ({registration.distribution})") from error
        return ComponentUse(
            family=family,
            name=name,
            version=component.version,
            label=label,
            options=parsed.model_dump(mode="json"),
            distribution=registration.distribution,
            identity=component.identity(parsed),
            surface=getattr(component, "surface", "classifier"),
            shadows=told.shadows,
            work=told.work,
            image_size=told.image_size,
        )

    def untrained(self, classifier: ComponentUse) -> ComponentUse:
        """Return the same classifier made to learn nothing.

        Raises:
            ContractError: its component does not declare how.
        """
        return self._changed(classifier, made_untrained)

    def memorising(self, classifier: ComponentUse, *, epochs: int) -> ComponentUse:
        """Return the same classifier made to learn its images by heart in so many epochs.

        Raises:
            ContractError: its component does not declare how.
        """
        return self._changed(classifier, functools.partial(made_memorising, epochs=epochs))

    def undone(self, classifier: ComponentUse, logits: Logits) -> Logits:
        """Return what the outputs (n, classes) of a classifier were before its options altered them.

        Raises:
            ContractError: its component undoes them to something that cannot have been its outputs.
        """
        component = self.component(ClassifierComponent, classifier.name)
        try:
            return undone(component, component.parse_options(classifier.options), logits)
        except ContractError as error:
            raise ContractError(f"{error} ({classifier.distribution})") from error

    def _changed(self, use: ComponentUse, change: Callable[[ClassifierComponent, Options], Options]) -> ComponentUse:
        component = self.component(ClassifierComponent, use.name)
        try:
            options = change(component, component.parse_options(use.options))
        except ContractError as error:
            raise ContractError(f"{error} ({use.distribution})") from error
        return self.use("classifier", use.name, label=use.label, options=options.model_dump())

    def parse_use(
        self, text: str, family: str = "dataset", *, options: Mapping[str, Any] | None = None
    ) -> ComponentUse:
        """Return the component that `name` or `name:argument` stands for, such as `imagefolder:photos`.

        The argument is the option that the component's `argument` attribute names; further `options` may be given.
        The label is the name or, with an argument, `<name>-<the argument's last part>`; it may name a folder.

        Raises:
            PluginError: no such component; names the nearest one.
            OptionError: the component takes no argument, or the argument is empty or not a value of its option.
        """
        name, colon, argument = text.partition(":")
        component = self.get(family, name).component
        if not colon:
            return self.use(family, name, label=name, options=options or {})
        if not component.argument:
            takers = ", ".join(
                f"{entry.component.name}:..." for entry in self.family(family) if entry.component.argument
            )
            hint = f"; what takes one: {takers}" if takers else ""
            raise OptionError(f"{family} '{text}': '{name}' takes nothing after a colon; write '{name}'{hint}")
        if not argument.strip():
            example = f"{name}:{component.argument.upper()}"
            raise OptionError(f"{family} '{text}': nothing follows the colon; write {example}")
        given = {**(options or {}), component.argument: argument}
        return self.use(family, name, label=f"{name}-{slug(argument)}", options=given)

    def load(self, use: ComponentUse) -> Any:  # noqa: ANN401 - which Protocol it is depends on the family
        """Import and build the implementation of a component in use."""
        component = self.get(use.family, use.name).component
        return component.load(component.parse_options(use.options))


def slug(argument: str) -> str:
    """Return the last part of a path or an identifier as a word of letters, digits, '.', '_' and '-'.

    What has no such letters becomes a short hash, so that a label is never empty.

    >>> slug("~/my photos/Été 2024/"), slug("uoft-cs/cifar10")
    ('Ete-2024', 'cifar10')
    """
    name = Path(argument).name
    if name in ("", ".."):  # '.', '..' and the like say nothing by themselves
        name = Path(argument).resolve().name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")
    return word or hashlib.sha256(argument.encode()).hexdigest()[:8]


def build_registry(entry_points: Iterable[metadata.EntryPoint] | None = None) -> Registry:
    """Load every plugin of the entry-point group; a broken one is kept aside with its reason.

    Raises:
        PluginError: two distributions register the same name.
    """
    found = metadata.entry_points(group=ENTRY_POINT_GROUP) if entry_points is None else entry_points
    registry = Registry()
    manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
    manager.add_hookspecs(HookSpecifications)
    for entry_point in sorted(found, key=lambda point: (point.name, point.value)):
        distribution = _distribution_of(entry_point)
        try:
            module = entry_point.load()
            _register(registry, manager, module, name=entry_point.name, distribution=distribution)
        except ContractError as error:
            registry.broken.append(BrokenPlugin(entry_point.name, distribution, str(error)))
        except PluginError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin is isolated here: it must not break the others
            registry.broken.append(BrokenPlugin(entry_point.name, distribution, f"{type(error).__name__}: {error}"))
    return registry


@functools.cache
def default_registry() -> Registry:
    """Return the registry of this process, built at the first call."""
    return build_registry()


def _distribution_of(entry_point: metadata.EntryPoint) -> str:
    distribution = entry_point.dist
    return f"{distribution.name} {distribution.version}" if distribution else "(no distribution)"


def _register(
    registry: Registry, manager: pluggy.PluginManager, module: ModuleType, *, name: str, distribution: str
) -> None:
    """Call a plugin's own hooks only, so that a failure is blamed on the right plugin; all it registers, or nothing."""
    others = manager.get_plugins()
    manager.register(module, name=name)
    found: list[Registration] = []
    try:
        manager.check_pending()  # a misspelled hook would otherwise be ignored in silence
        for family in FAMILIES:
            hook = manager.subset_hook_caller(f"register_{family}s", remove_plugins=others)
            hook(register=_registrar(found, family, distribution))
        complete = Registry(dict(registry.registrations))
        for registration in found:
            complete.add(registration)
    except BaseException:
        manager.unregister(module)
        raise
    registry.registrations.update(complete.registrations)


def _registrar(found: list[Registration], family: str, distribution: str) -> Callable[[Component[Any]], None]:
    def register(component: Component[Any]) -> None:
        check_contract(component, family)
        found.append(Registration(family=family, component=component, distribution=distribution))

    return register
