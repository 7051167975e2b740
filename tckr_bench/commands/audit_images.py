"""`tckr-bench audit-images`."""

from __future__ import annotations

import functools
import sys

from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tckr_bench.api.image_audits import AuditRequest, carry_out_audit, plan_image_audit
from tckr_bench.commands.console import Screen, watched
from tckr_bench.errors import UnfavourableAnswer
from tckr_bench.image_audit.outcome import ImageAudit
from tckr_bench.show.image_audit_words import (
    COVERED,
    LEFT_OUT,
    counted,
    findings,
    headline,
    outcome_word,
    plan_sentences,
)

WIDTH = 100
_COLOURS = {"no trace": "bold green", "trace": "bold red", "not enough evidence": "bold yellow"}
_ANSWERS = {"trace": "no", "not enough evidence": "not enough evidence"}
"""What exit codes know them as: may these images be released?"""


def audit_images(request: AuditRequest, *, as_json: bool = False) -> None:
    """Show the plan, audit, print the answer first, and say where the page is.

    Raises:
        DatasetError: a folder or an image cannot be used, or there are too few.
        StoreError: the page cannot be written.
        UnfavourableAnswer: the answer, which has been printed, is not that no trace was found.
    """
    screen = Screen(json=as_json)
    planned = plan_image_audit(request)
    for sentence in plan_sentences(planned.folders, planned.pairs):
        screen.say(sentence)
    audit = carry_out_audit(planned, watch=functools.partial(watched, screen, doing="auditing"))
    if as_json:
        sys.stdout.write(TypeAdapter(ImageAudit).dump_json(audit, indent=1).decode() + "\n")
    else:
        screen.console.print(audit_group(audit), width=min(WIDTH, screen.console.width))
    if request.page is not None:
        screen.say(f"Page: {request.page}")
    if audit.answer != "no trace":
        raise UnfavourableAnswer(_ANSWERS[audit.answer])


def audit_group(audit: ImageAudit) -> Group:
    """Return what the terminal shows of an audit."""
    parts: list[RenderableType] = [Text(""), Text(headline(audit), style=_COLOURS[audit.answer]), Text("")]
    parts += [_bullets("Found", findings(audit)), _checks(audit), _bullets("Compared", counted(audit))]
    parts += [_bullets("What this covers", COVERED), _bullets("What it leaves out", LEFT_OUT)]
    return Group(*parts)


def _checks(audit: ImageAudit) -> Group:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("name", "outcome", "reason"):
        table.add_column(no_wrap=column == "outcome", overflow="fold")
    for check in audit.checks:
        style = "green" if check.passed else "red"
        table.add_row(Text(check.name), Text(outcome_word(check), style=style), Text(check.reason))
    return Group(Text("Checks", style="bold"), Padding(table, (0, 0, 0, 2)), Text(""))


def _bullets(title: str, sentences: tuple[str, ...]) -> Group:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sentence in sentences:
        table.add_row("-", Text(sentence))
    return Group(Text(title, style="bold"), table, Text(""))
