"""Hostile names: paths that lead out, names no system keeps, files where none belongs, links, look-alikes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from hostile_files.json_files import changed
from hostile_files.world import EITHER, STUDENT, TEACHER, Folder, Hostile, put

NAMES = (
    "..",
    ".",
    "",
    "../..",
    "../../../../etc/passwd",
    "/etc/passwd",
    "a/../b",
    "a/b",
    "a\\..\\b",
    "C:\\Windows\\win.ini",
    "\\\\server\\share",
    "a\x00b",
    "-rf",
    ".hidden",
    "a..b",
    "a b",
    "a\nb",
    "con",
    "nul.json",
    "a" * 121,
    "a" * 5000,
    "dıgıts",
    "dіgits",
    "ｄｉｇｉｔｓ",
    "digits\u200b",
    "%2e%2e%2f",
    "~root",
    "$HOME",
    "$(id)",
    "`id`",
    "a;id",
    "a|b",
    "*",
    "?",
    "a'b",
    'a"b',
    "<b>",
)
WHERE = (
    ("run", ("track",)),
    ("run", ("submission",)),
    ("record", ("dataset",)),
    ("record", ("method", "name")),
    ("record", ("seeds", 0, "scores", "name")),
)


def named() -> Iterator[Hostile]:
    """Put hostile names wherever a record has a name."""
    for what, path in WHERE:
        for name in NAMES:
            label = f"names/{'.'.join(map(str, path))}={ascii(name)[:30]}"
            yield changed(label, lambda value, path=path, name=name: put(value, path, name), what=what)
    for digest in ("", "z" * 64, "a" * 63, "A" * 64, "a" * 64 + "\n", "../" * 20):
        yield changed(f"names/sha256={digest[:6]!r}", lambda v, d=digest: put(v, ("seeds", 0, "scores", "sha256"), d))
    for size in (-1, 0, 1, 10**12):
        yield changed(f"names/size={size}", lambda v, s=size: put(v, ("seeds", 0, "scores", "size"), s))


def placed() -> Iterator[Hostile]:
    """Put files where they do not belong."""

    def added(name: str, where: Callable[[Folder], object], content: bytes = b"{}") -> Hostile:
        def apply(folder: Folder) -> None:
            path = where(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

        return Hostile(f"places/{name}", apply)

    yield added("track", lambda f: f.path.parent / "x.json")
    yield added("submission", lambda f: f.path / "x.json")
    yield added("other-run", lambda f: f.path.with_name("a" * 16) / "run.json")
    yield added("other-records", lambda f: f.path.with_name("a" * 16) / "records" / "digits" / "x.json")
    yield added("report", lambda f: f.path / "report" / "index.html", b"<script>1</script>")
    yield added("log", lambda f: f.path / "events.jsonl")
    yield added("deeper", lambda f: f.records / "deep" / "er" / "x.json")
    yield added("script", lambda f: f.records / "run.sh", b"#!/bin/sh\nid\n")
    yield added("html", lambda f: f.records / "index.html", b"<script>1</script>")
    yield added("hidden", lambda f: f.records / ".hidden.json")
    yield added("pth", lambda f: f.records / "evil.pth", b"import os")
    yield added("partial", lambda f: f.record.with_suffix(".partial"))
    yield added("run-partial", lambda f: f.run.with_suffix(".partial"))
    yield added("extra-seed", lambda f: f.records / f"{STUDENT}.seed-1.parquet", b"PAR1")
    yield added("extra-record", lambda f: f.records / "best.json")
    yield added("extra-dataset", lambda f: f.records.parent / "other" / "best.json")
    yield added("extra-pictures", lambda f: f.pictures.with_name("nobody.parquet"), b"PAR1")
    yield added("other-pictures", lambda f: f.pictures.parent.parent / "other" / f.pictures.name, b"PAR1")
    yield added("dash", lambda f: f.records / "-rf.json")
    yield added("readme", lambda f: f.records / "README.md", b"# <script>")
    yield added("gitkeep", lambda f: f.records / ".gitkeep", b"not empty")
    yield added("not-utf-8", lambda f: f.records / os.fsdecode(b"\xff\xfe.json"))
    yield added("escape", lambda f: f.records / "\x1b[31mred\nnew.json")
    yield added("bidi", lambda f: f.records / "\u202egnp.json")
    yield added("long", lambda f: f.records / ("l" * 250 + ".json"))
    yield added("capitals", lambda f: f.records / f"{STUDENT.upper()}.json")
    yield added("suffix", lambda f: f.records / f"{STUDENT}.JSON")
    yield Hostile("places/pipe", lambda f: os.mkfifo(f.records / "pipe"))
    yield Hostile("places/moved", lambda f: f.record.rename(f.path / f.record.name))
    yield Hostile("places/renamed", lambda f: f.record.rename(f.records / "other.json"))
    yield Hostile("places/other-dataset", lambda f: f.records.rename(f.records.with_name("other")))
    yield Hostile("places/other-submission", lambda f: f.path.rename(f.path.with_name("0" * 16)))
    yield Hostile("places/other-name", lambda f: f.path.rename(f.path.with_name("best")))
    yield Hostile("places/run-lost", lambda f: f.run.unlink())
    yield Hostile("places/record-lost", lambda f: f.record.unlink())
    yield Hostile("places/record-and-scores-lost", lambda f: (f.record.unlink(), f.scores.unlink()))
    yield Hostile("places/scores-lost", lambda f: f.scores.unlink())
    yield Hostile("places/teacher-lost", lambda f: (f.records / f"{TEACHER}.json").unlink())
    yield Hostile("places/empty-folder", lambda f: (f.path / "empty").mkdir(), EITHER)


def linked() -> Iterator[Hostile]:
    """Put links in: out of the folder, within it, and around in circles."""
    yield Hostile("links/out-file", lambda f: (f.records / "out.json").symlink_to("/etc/passwd"))
    yield Hostile("links/out-folder", lambda f: (f.path.parent / "etc").symlink_to("/etc"))
    yield Hostile("links/circle", lambda f: (f.path / "again").symlink_to(f.path))
    yield Hostile("links/twin", lambda f: f.path.with_name("a" * 16).symlink_to(f.path.name))
    yield Hostile("links/up", lambda f: (f.path.parent / "up").symlink_to(f.root.parent))
    yield Hostile("links/itself", lambda f: (f.path.parent / "loop").symlink_to("loop"))
    yield Hostile("links/same-record", lambda f: (f.records / "same.json").symlink_to(f.record.name))
    yield Hostile("links/teacher-scores", _teacher_scores)
    for what in ("run", "record", "records", "scores", "pictures", "path"):
        yield Hostile(f"links/{what}", lambda f, w=what: _moved(getattr(f, w)))


def _moved(path: object) -> None:
    other = path.with_name(f"moved-{path.name}")
    path.rename(other)
    path.symlink_to(other.name)


def _teacher_scores(folder: Folder) -> None:
    folder.scores.unlink()
    folder.scores.symlink_to(f"{TEACHER}.seed-0.parquet")
    folder.sign()
