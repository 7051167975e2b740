"""`tckr-bench plugins`."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from tckr_bench.commands.console import make_console
from tckr_bench.errors import PluginError, nearest
from tckr_bench.plugin.components import FAMILIES
from tckr_bench.plugin.registry import Registration, default_registry


def list_plugins(family: str | None) -> None:
    """Print every component by family, then the plugins that could not be loaded.

    Raises:
        PluginError: there is no such family.
    """
    if family is not None and family not in FAMILIES:
        raise PluginError(f"no family is called '{family}'{nearest(family, FAMILIES)}")
    registry = default_registry()
    console = make_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("family", "name", "version", "from", "what it is"):
        table.add_column(column, overflow="fold", no_wrap=column in ("family", "name"))
    for each in (family,) if family else FAMILIES:
        for entry in registry.family(each):
            component = entry.component
            cells = (each, component.name, component.version, entry.distribution, component.summary)
            table.add_row(*map(escape, cells))
    console.print(table)
    for plugin in registry.broken:
        reason = f"the plugin '{plugin.name}' of {plugin.distribution} could not be loaded: {plugin.reason}"
        console.print(f"[red]broken[/] {escape(reason)}", soft_wrap=True)


def show_plugin(name: str) -> None:
    """Print the components of a name with their options.

    Raises:
        PluginError: nothing has that name.
    """
    registry = default_registry()
    found = [entry for entry in registry.registrations.values() if entry.component.name == name]
    if not found:
        known = {entry.component.name for entry in registry.registrations.values()}
        raise PluginError(f"no component is called '{name}'{nearest(name, known)}")
    console = make_console()
    for entry in found:
        console.print(
            f"[bold]{escape(name)}[/] · {entry.family} · version {escape(entry.component.version)} · "
            f"{escape(entry.distribution)}\n{escape(entry.component.summary)}"
        )
        console.print(_options_table(entry))


def _options_table(entry: Registration) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("option", "type", "default", "meaning"):
        table.add_column(column, overflow="fold", no_wrap=column == "option")
    for name, field in entry.component.options.model_fields.items():
        default = "required" if field.is_required() else repr(field.get_default(call_default_factory=True))
        table.add_row(*map(escape, (name, _type_name(field.annotation), default, field.description or "")))
    return table


def _type_name(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
