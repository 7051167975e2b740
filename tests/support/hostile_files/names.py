"""Hostile names: paths that lead out, names no system keeps, files where none belongs, links, look-alikes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from hostile_files.json_files import changed
from hostile_files.world import EITHER, Folder, Hostile, put

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
    ("track",),
    ("dataset",),
    ("method", "name"),
    ("submission",),
    ("seeds", 0, "scores", "name"),
    ("pictures", "name"),
)


def named() -> Iterator[Hostile]:
    """Put hostile names wherever a record has a name."""
    for path in WHERE:
        for name in NAMES:
            label = f"names/{'.'.join(map(str, path))}={ascii(name)[:30]}"
            yield changed(label, lambda value, path=path, name=name: put(value, path, name))
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
    yield added("deeper", lambda f: f.path / "deep" / "er" / "x.json")
    yield added("script", lambda f: f.path / "run.sh", b"#!/bin/sh\nid\n")
    yield added("html", lambda f: f.path / "index.html", b"<script>1</script>")
    yield added("hidden", lambda f: f.path / ".hidden.json")
    yield added("pth", lambda f: f.path / "evil.pth", b"import os")
    yield added("partial", lambda f: f.record.with_suffix(".partial"))
    yield added("extra-seed", lambda f: f.path / f"{f.student}.seed-1.parquet", b"PAR1")
    yield added("dash", lambda f: f.path / "-rf.json")
    yield added("readme", lambda f: f.path / "README.md", b"# <script>")
    yield added("gitkeep", lambda f: f.path / ".gitkeep", b"not empty")
    yield added("not-utf-8", lambda f: f.path / os.fsdecode(b"\xff\xfe.json"))
    yield added("escape", lambda f: f.path / "\x1b[31mred\nnew.json")
    yield added("bidi", lambda f: f.path / "\u202egnp.json")
    yield added("long", lambda f: f.path / ("l" * 250 + ".json"))
    yield added("capitals", lambda f: f.path / f"{f.student.upper()}.json")
    yield added("suffix", lambda f: f.path / f"{f.student}.JSON")
    yield Hostile("places/pipe", lambda f: os.mkfifo(f.path / "pipe"))
    yield Hostile("places/moved", lambda f: f.record.rename(f.path.parent / f.record.name))
    yield Hostile("places/renamed", lambda f: f.record.rename(f.path / "other.json"))
    yield Hostile("places/other-dataset", lambda f: f.path.rename(f.path.parent / "other"))
    yield Hostile("places/scores-lost", lambda f: f.scores.unlink())
    yield Hostile("places/teacher-lost", lambda f: (f.path / f"{f.teacher}.json").unlink())
    yield Hostile("places/empty-folder", lambda f: (f.path / "empty").mkdir(), EITHER)


def linked() -> Iterator[Hostile]:
    """Put links in: out of the folder, within it, and around in circles."""
    yield Hostile("links/out-file", lambda f: (f.path / "out.json").symlink_to("/etc/passwd"))
    yield Hostile("links/out-folder", lambda f: (f.path.parent / "etc").symlink_to("/etc"))
    yield Hostile("links/circle", lambda f: (f.path / "again").symlink_to(f.path))
    yield Hostile("links/up", lambda f: (f.path.parent / "up").symlink_to(f.root.parent))
    yield Hostile("links/itself", lambda f: (f.path.parent / "loop").symlink_to("loop"))
    yield Hostile("links/same-record", lambda f: (f.path / "same.json").symlink_to(f.record.name))
    yield Hostile("links/teacher-scores", _teacher_scores)
    yield Hostile("links/record", lambda f: _moved(f.record))
    yield Hostile("links/dataset", lambda f: _moved(f.path))
    yield Hostile("links/scores", lambda f: _moved(f.scores))
    yield Hostile("links/pictures", lambda f: _moved(f.pictures))


def _moved(path: object) -> None:
    other = path.with_name(f"moved-{path.name}")
    path.rename(other)
    path.symlink_to(other.name)


def _teacher_scores(folder: Folder) -> None:
    folder.scores.unlink()
    folder.scores.symlink_to(f"{folder.teacher}.seed-0.parquet")
    folder.sign()
