"""What all pages share: templates, style sheet, and a policy that lets a page run nothing but what it came with."""

from __future__ import annotations

import base64
import functools
import hashlib
from dataclasses import dataclass
from importlib import metadata, resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True)
class Crumb:
    """A step of the way to a page: what it is called and where it lies from the root; empty for the page itself."""

    words: str
    target: str = ""


@dataclass(frozen=True)
class Page:
    """What the frame shows of a page.

    Attributes:
        title: as browsers show it.
        root: the way up to the root, such as `../../`; empty for the index.
        crumbs: the way from the index to this page.
        styles: style sheets, one after the other.
        scripts: scripts, one after the other, at the end of the page.
        policy: allows these styles and scripts and pictures in data addresses, and nothing else.
        version: of this program.
        what: what the pages are of, in a word.
    """

    title: str
    root: str
    crumbs: tuple[Crumb, ...]
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    policy: str
    version: str
    what: str


def render(
    template: str,
    *,
    title: str,
    depth: int = 2,
    what: str = "leaderboard",
    crumbs: tuple[Crumb, ...] = (),
    styles: tuple[str, ...] = (),
    scripts: tuple[str, ...] = (),
    **context: object,
) -> str:
    """Render a template that extends `base.html`.

    `depth` is how many folders below the root the page lies; `styles` come after the site's own; `context` is what the
    template shows. A template must not use style attributes: the policy refuses them.
    """
    from markupsafe import Markup

    sheets = (static("site.css"), *styles)
    page = Page(
        title=title,
        root="../" * depth,
        crumbs=crumbs,
        styles=tuple(Markup(sheet) for sheet in sheets),  # noqa: S704 - our own files
        scripts=tuple(Markup(script) for script in scripts),  # noqa: S704 - our own files
        policy=content_policy(sheets, scripts),
        version=metadata.version("tckr-bench"),
        what=what,
    )
    return environment().get_template(template).render(page=page, **context)


def content_policy(styles: tuple[str, ...], scripts: tuple[str, ...]) -> str:
    """Return the policy of a page with these inline styles and scripts.

    >>> content_policy((), ())
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
    """
    parts = ["default-src 'none'"]
    for directive, texts in (("style-src", styles), ("script-src", scripts)):
        if texts:
            parts.append(" ".join([directive, *map(_digest, texts)]))
    return "; ".join([*parts, "img-src data:", "base-uri 'none'", "form-action 'none'"])


@functools.cache
def static(name: str) -> str:
    """Return the text of a file in `static/`."""
    return (resources.files("tckr_bench.leaderboard.site") / "static" / name).read_text(encoding="utf-8")


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates, everything escaped."""
    import jinja2

    from tckr_bench.text import plain

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tckr_bench.leaderboard.site"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain"] = plain
    return made


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
