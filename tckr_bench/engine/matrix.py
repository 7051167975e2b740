"""Matrix files: TOML that names axes, expanded to methods in a fixed order."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from tckr_bench import controls
from tckr_bench.controls import Control, ControlOptions, Parts, Regime
from tckr_bench.engine.matrix_file import (
    COMPONENT_AXES,
    METHOD_AXES,
    OVERRIDE_AXES,
    MatrixFile,
    first_fault,
    read_matrix_file,
)
from tckr_bench.errors import MatrixError, OptionError, nearest
from tckr_bench.plugin.registry import Registry
from tckr_bench.records import Cell, ComponentUse, Method
from tckr_bench.results.measuring import own_metrics

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Selection = Mapping[str, str | float | list[str | float]]
ORDINARY = Regime()


@dataclass(frozen=True)
class Matrix:
    """A matrix, validated against the registered components and ready to be planned.

    `observers` are options for those that a command names; no observer watches because a file says so. `regimes` say,
    by the names of the controls, how their methods are trained and attacked.
    """

    file: MatrixFile
    datasets: tuple[ComponentUse, ...]
    methods: tuple[Method, ...]
    attacks: tuple[ComponentUse, ...]
    metrics: tuple[ComponentUse, ...]
    overrides: Mapping[str, tuple[Method, ...]] = field(default_factory=dict)
    observers: Mapping[str, ComponentUse] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)

    def regime_of(self, method: Method) -> Regime:
        """Return how a method is trained and attacked."""
        control = controls.control_of(method)
        return self.regimes[control.name] if control else ORDINARY

    def methods_for(self, dataset: ComponentUse) -> tuple[Method, ...]:
        """Return the methods as a dataset has them: the same names, with the options the file sets for it alone."""
        return self.overrides.get(dataset.label, self.methods)

    def cells(self) -> list[Cell]:
        """Return every cell: dataset by dataset, seed by seed, method by method."""
        product = itertools.product(self.datasets, self.file.seeds)
        return [Cell(dataset, method, seed) for dataset, seed in product for method in self.methods_for(dataset)]


def load_matrix(name: str, registry: Registry, *, settings: Sequence[str] = (), datasets: Sequence[str] = ()) -> Matrix:
    """Read a shipped matrix by name or a file by path, apply `--set` and `--dataset`, and expand it.

    Raises:
        MatrixError: unknown matrix, not TOML, or an axis that makes no sense.
        PluginError, OptionError: a component or option that is not there; names the nearest one.
    """
    return expand(read_matrix_file(name, settings=settings, datasets=datasets), registry)


def expand(file: MatrixFile, registry: Registry) -> Matrix:
    """Turn a matrix file into methods, controls and uses of components, always in the same order."""
    attacks = _uses(file, "attack", registry)
    if file.primary_attack not in attacks:
        hint = nearest(file.primary_attack, attacks)
        raise MatrixError(f"matrix '{file.name}': primary_attack '{file.primary_attack}' is not an attack of it{hint}")
    if attacks[file.primary_attack].surface != "classifier":
        raise MatrixError(
            f"matrix '{file.name}': primary_attack '{file.primary_attack}' looks at "
            f"{attacks[file.primary_attack].surface}; every row releases a classifier, so name an attack on that"
        )
    datasets = _datasets(file, registry)
    overrides = {
        use.label: _all_methods(_overridden(file, file.override[use.label]), registry)
        for use in datasets
        if use.label in file.override
    }
    methods = _all_methods(file, registry)
    return Matrix(
        file=file,
        datasets=datasets,
        methods=methods,
        attacks=tuple(attacks.values()),
        metrics=_metrics(file, registry),
        overrides=overrides,
        observers=_uses(file, "observer", registry),
        regimes={control.name: control.regime(options) for control, options in _asked(file)},
    )


def _metrics(file: MatrixFile, registry: Registry) -> tuple[ComponentUse, ...]:
    """Return the harness's own metrics, with the options the file gives them, and those that only the file names."""
    named = _uses(file, "metric", registry)
    known = {use.name for use in named.values()}
    own = [registry.use("metric", name, label=name, options={}) for name in own_metrics(registry) if name not in known]
    return tuple(sorted((*own, *named.values()), key=lambda use: use.name))


def _all_methods(file: MatrixFile, registry: Registry) -> tuple[Method, ...]:
    axes = {axis: _uses(file, axis, registry) for axis in COMPONENT_AXES}
    teachers = tuple(_teacher(use, axes["classifier"]) for use in axes["classifier"].values())
    methods = (*teachers, *_defended(file, registry), *_methods(file, axes), *_controls(file, axes, registry))
    twice = [name for name, count in Counter(method.name for method in methods).items() if count > 1]
    if twice:
        raise MatrixError(
            f"matrix '{file.name}': two methods would be called '{twice[0]}'; "
            "give a component, a cardinality or a defence another name"
        )
    return methods


def _overridden(file: MatrixFile, changes: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> MatrixFile:
    """Return the file with the options that differ for one dataset."""
    axes: dict[str, dict[str, dict[str, Any]]] = {}
    for axis, labels in changes.items():
        if axis not in OVERRIDE_AXES:
            hint = nearest(axis, OVERRIDE_AXES)
            raise MatrixError(f"matrix '{file.name}': override knows no axis '{axis}'{hint}")
        axes[axis] = dict(getattr(file, axis))
        for label, options in labels.items():
            if label not in axes[axis]:
                raise MatrixError(
                    f"matrix '{file.name}': override names no {axis} '{label}'{nearest(label, axes[axis])}"
                )
            axes[axis][label] = {**axes[axis][label], **options}
    return file.model_copy(update=axes)


def _datasets(file: MatrixFile, registry: Registry) -> tuple[ComponentUse, ...]:
    """Return the datasets named: by label of a table, by group, by name, or as `name:argument`; each once."""
    uses: dict[str, ComponentUse] = {}
    for text in file.datasets:
        members = [entry.component.name for entry in registry.group(text, "dataset")]
        for member in members or [text]:
            use = _dataset(member, file, registry)
            if uses.setdefault(use.label, use) != use:
                raise MatrixError(
                    f"matrix '{file.name}': two datasets would both be called '{use.label}'; give one of them a table "
                    f"with a label of its own, [dataset.<label>] with component = '{use.name}'"
                )
    return tuple(uses.values())


def _dataset(text: str, file: MatrixFile, registry: Registry) -> ComponentUse:
    if "component" in file.dataset.get(text, {}):
        return _use(registry, "dataset", label=text, given=file.dataset[text])
    return registry.parse_use(text, "dataset", options=file.dataset.get(text.partition(":")[0], {}))


def _uses(file: MatrixFile, axis: str, registry: Registry) -> dict[str, ComponentUse]:
    labelled: dict[str, dict[str, Any]] = getattr(file, axis)
    return {label: _use(registry, axis, label=label, given=given) for label, given in labelled.items()}


def _use(registry: Registry, family: str, *, label: str, given: Mapping[str, Any]) -> ComponentUse:
    if not LABEL.fullmatch(label):
        raise MatrixError(f"{family} '{label}': a label is letters, digits, '.', '_' and '-', since it names folders")
    options = dict(given)
    name = options.pop("component", label)
    if not isinstance(name, str):
        raise OptionError(f"{family} '{label}': component must be a name, found {name!r}")
    return registry.use(family, name, label=label, options=options)


def _methods(file: MatrixFile, axes: Mapping[str, Mapping[str, ComponentUse]]) -> list[Method]:
    """Return the product of the axes less `exclude`, then what `include` adds, without repetition."""
    values: dict[str, list[Any]] = {axis: list(axes[axis]) for axis in COMPONENT_AXES}
    values |= {"labels": list(file.labels), "cardinality": list(file.cardinalities)}
    excluded = [_check_selection(file, entry, axes, "exclude") for entry in file.exclude]
    chosen = [
        combination for combination in _product(values) if not any(_matches(combination, entry) for entry in excluded)
    ]
    for entry in file.include:
        selection = _check_selection(file, entry, axes, "include")
        chosen += _product({axis: _as_list(selection.get(axis, values[axis][0])) for axis in METHOD_AXES})
    distinct = dict.fromkeys(tuple(combination[axis] for axis in METHOD_AXES) for combination in chosen)
    return [_method(dict(zip(METHOD_AXES, values, strict=True)), axes) for values in distinct]


def _product(values: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for combination in itertools.product(*(values[axis] for axis in METHOD_AXES)):
        yield dict(zip(METHOD_AXES, combination, strict=True))


def _matches(combination: Mapping[str, Any], selection: Selection) -> bool:
    return all(combination[axis] in _as_list(wanted) for axis, wanted in selection.items())


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - a TOML value
    return value if isinstance(value, list) else [value]


def _check_selection(
    file: MatrixFile, entry: Mapping[str, Any], axes: Mapping[str, Mapping[str, ComponentUse]], section: str
) -> Selection:
    for axis, wanted in entry.items():
        if axis not in METHOD_AXES:
            raise MatrixError(f"matrix '{file.name}': {section} names no axis '{axis}'{nearest(axis, METHOD_AXES)}")
        for value in _as_list(wanted):
            if not isinstance(value, str | int | float):
                raise MatrixError(f"matrix '{file.name}': {section}: {axis} is a name or a number, found {value!r}")
            if axis in axes and value not in axes[axis]:
                hint = nearest(str(value), axes[axis])
                raise MatrixError(f"matrix '{file.name}': {section} names no {axis} '{value}'{hint}")
            if axis == "labels" and value not in ("hard", "soft"):
                raise MatrixError(f"matrix '{file.name}': {section}: labels are 'hard' or 'soft', found '{value}'")
            if axis == "cardinality" and (not isinstance(value, int | float) or not 0 < value < math.inf):
                raise MatrixError(
                    f"matrix '{file.name}': {section}: a cardinality is a number above 0, found '{value}'"
                )
    return entry


def _method(combination: Mapping[str, Any], axes: Mapping[str, Mapping[str, ComponentUse]]) -> Method:
    cardinality = float(combination["cardinality"])
    if not 0 < cardinality < math.inf:
        raise MatrixError(f"a cardinality is a number above 0, found {cardinality:g}")
    parts = [combination[axis] for axis in COMPONENT_AXES]
    return Method(
        name="-".join([*parts, combination["labels"], f"{cardinality:g}x"]),
        role="method",
        labels=combination["labels"],
        cardinality=cardinality,
        captioner=axes["captioner"][parts[0]],
        generator=axes["generator"][parts[1]],
        adapter=axes["adapter"][parts[2]],
        classifier=axes["classifier"][parts[3]],
    )


def _teacher(use: ComponentUse, classifiers: Mapping[str, ComponentUse]) -> Method:
    name = "teacher" if len(classifiers) == 1 else f"teacher-{use.label}"
    return Method(name=name, role="baseline", classifier=use)


def _defended(file: MatrixFile, registry: Registry) -> list[Method]:
    """Return the defences: classifiers trained on real data with a protection of their own.

    The key `matched` of a defence has it tuned to the validation accuracy of the matrix's first student.
    """
    found = []
    for label, given in file.defence.items():
        options = dict(given)
        matched = options.pop("matched", False)
        if not isinstance(matched, bool):
            raise MatrixError(f"matrix '{file.name}': defence '{label}': matched is true or false, found {matched!r}")
        use = _use(registry, "classifier", label=label, given=options)
        found.append(Method(label, "defended", use, matched=matched))
    return found


def _asked(file: MatrixFile) -> list[tuple[Control[Any], ControlOptions]]:
    """Return the controls that the file's protocol asks for, with what the file sets of each.

    Raises:
        MatrixError: a table that is no control's, or a key or value that the control does not take.
    """
    names = [control.name for control in controls.CONTROLS]
    for name in file.control:
        if name not in names:
            raise MatrixError(f"matrix '{file.name}': no control is called '{name}'{nearest(name, names)}")
    found = []
    for control in controls.asked_under([file.protocol]):
        try:
            found.append((control, control.options.model_validate(file.control.get(control.name, {}))))
        except ValidationError as error:
            fault = first_fault(error, control.options, within=f"control.{control.name}.")
            raise MatrixError(f"matrix '{file.name}': {fault}") from error
    return found


def _controls(
    file: MatrixFile, axes: Mapping[str, Mapping[str, ComponentUse]], registry: Registry
) -> tuple[Method, ...]:
    """Return the methods of the controls, which run in every matrix; they use its first captioner and classifier."""
    first = {axis: next(iter(axes[axis].values())) for axis in ("captioner", "classifier")}
    parts = Parts(components=registry, image_size=file.image_size, **first)
    return tuple(method for control, options in _asked(file) for method in control.methods(parts, options))
