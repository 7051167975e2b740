"""Read HTML pages as a browser would: elements with their attributes, tables as text, headings, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr", "path", "rect", "use", "circle", "line"}


@dataclass
class Element:
    """An element: its tag, its attributes, its text with that of its children, and the tags it lies in."""

    tag: str
    attributes: dict[str, str | None]
    inside: tuple[str, ...]
    text: str = ""

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    @property
    def classes(self) -> set[str]:
        return set(self.get("class").split())


@dataclass
class Table:
    """A table: its caption, its region's label, and its rows of (cells, classes of the row)."""

    element: Element
    caption: str = ""
    rows: list[tuple[list[str], set[str]]] = field(default_factory=list)


class ReadPage(HTMLParser):
    """A page that was read; text inside `hidden` spans counts, text of styles and scripts does not."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.tables: list[Table] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {[element.tag for element in self._open]}"

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"an attribute twice in <{tag}>"
        element = Element(tag, dict(attrs), tuple(parent.tag for parent in self._open))
        self.elements.append(element)
        if tag == "table":
            self.tables.append(Table(element))
        if tag == "tr":
            self.tables[-1].rows.append(([], element.classes))
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        element = self._open.pop()
        assert element.tag == tag, f"</{tag}> closes <{element.tag}>"
        if tag in ("th", "td"):
            self.tables[-1].rows[-1][0].append(" ".join(element.text.split()))
        if tag == "caption":
            self.tables[-1].caption = element.text

    def handle_data(self, data):
        if self._open and self._open[-1].tag in ("style", "script"):
            self._open[-1].text += data
            return
        apart = " " if self._open and self._open[-1].tag in ("span", "a", "strong", "code") else ""
        for element in self._open:
            element.text += f"{apart}{data}{apart}"

    def every(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    @property
    def text(self) -> str:
        return " ".join(self.every("main")[0].text.split())

    def table(self, label: str) -> Table:
        """Return the table whose caption begins so."""
        return next(table for table in self.tables if " ".join(table.caption.split()).startswith(label))

    def row(self, label: str, first: str) -> tuple[list[str], set[str]]:
        """Return cells and classes of the row of a table whose first cell begins so."""
        return next(row for row in self.table(label).rows if row[0][0].startswith(first))
