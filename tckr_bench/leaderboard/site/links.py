"""Where each page of the site lies, as paths from its root; whatever a record says, they stay inside."""

from __future__ import annotations

import hashlib
import re

INDEX = "index.html"
_SAFE = re.compile(r"[a-z0-9][a-z0-9._-]{0,119}")


def method_link(track: str, slug: str) -> str:
    """Return where the page of a method lies.

    >>> method_link("mini", "teacher-c0ffee5e")
    'methods/mini/teacher-c0ffee5e.html'
    """
    return f"methods/{file_name(track)}/{file_name(slug)}.html"


def dataset_link(track: str, dataset: str) -> str:
    """Return where the page of a dataset lies.

    >>> dataset_link("mini", "digits")
    'datasets/mini/digits.html'
    """
    return f"datasets/{file_name(track)}/{file_name(dataset)}.html"


def file_name(name: str) -> str:
    """Return a name as a file's: as it is where every system takes it so, else what is safe of it with a digest.

    >>> file_name("fashion-mnist"), file_name("../..")
    ('fashion-mnist', 'page-0cfd1c96cbc0')
    """
    if _SAFE.fullmatch(name) and ".." not in name:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "page"
    return f"{safe}-{digest}"
