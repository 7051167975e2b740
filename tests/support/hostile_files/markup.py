"""Markup and code in every text of a record: shown as text wherever a record may be shown, never run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hostile_files.json_files import BOTH, changed
from hostile_files.world import EITHER, REFUSED, Folder, Hostile, Samples, at, paths_of, put

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    '"><svg/onload=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]>",
    "javascript:alert(1)",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example www.evil.example a@evil.example",
    "| a | b |\n|---|---|",
    "# heading\n\n* list\n```sh\nid\n```",
    "{{7*7}} {% raw %} ${7*7} #{7*7} <%= 7*7 %>",
    "{{ self.__init__.__globals__ }}",
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "＠SUM(1)",
    "\t=1+1",
    '"=1+1",=2+2',
    "\\input{/etc/passwd}",
    "\\immediate\\write18{id}",
    "\\end{tabular} % & # $ _ ^ ~ {",
    "^^5cinput x",
    "[red]red[/red] [link=https://evil.example]x[/link]",
    "%s %n {0} %(a)s",
    "&lt;script&gt; &#60;b&#62; &amp;",
    "' OR 1=1 --",
    "$(id) `id` ; id | id && id",
    "Wordwithoutend" * 200,
    "a\u0301\u0302\u0303" * 40,
    "\u3164\u2800\u115f",
)


def marked(samples: Samples, *, each: int = 2) -> Iterator[Hostile]:
    """Put markup into every text, several in turn."""
    for what in BOTH:
        sample = getattr(samples, what)
        for number, path in enumerate(path for path in paths_of(sample) if isinstance(at(sample, path), str)):
            for step in range(each):
                text = MARKUP[(number * each + step) % len(MARKUP)]
                name = f"markup/{'.'.join(map(str, path))}={ascii(text)[:24]}"
                yield changed(name, lambda value, path=path, text=text: put(value, path, text), EITHER, what=what)


def _both(name: str, change: Callable[[dict, dict], object], expected: str = REFUSED) -> Hostile:
    """Return a case that changes the JSON of the record and of the run's file."""

    def apply(folder: Folder) -> None:
        record, run = folder.json(), folder.json("run")
        change(record, run)
        folder.write(record)
        folder.write(run, "run")

    return Hostile(name, apply, expected)


def _free_texts(sample: dict) -> list[tuple]:
    """Return the paths of texts that nothing is named by or follows from."""
    named = {("track",), ("submission",), ("dataset",), ("method", "name"), ("method", "role"), ("method", "labels")}
    fixed = ("name", "sha256", "family", "surface", "status", "metric", "attack", "protocol", "contamination")
    fixed += ("label", "failure", "data")
    return [
        path
        for path in paths_of(sample)
        if isinstance(at(sample, path), str)
        and path not in (*named, ("primary_attack",))
        and path[-1] not in fixed
        and path[0] not in ("metrics", "description", "keys")
    ]


def everywhere(samples: Samples) -> Iterator[Hostile]:
    """Put one text into every free text at once: labels, options, gates, commands, provenance."""
    for text in MARKUP:

        def fill(record: dict, run: dict, text: str = text) -> None:
            for value, sample in ((record, samples.record), (run, samples.run)):
                for path in _free_texts(sample):
                    put(value, path, text)
            record["method"]["classifier"]["options"] = {text: text, "list": [text], "deep": {text: [1, None, text]}}
            run["provenance"]["versions"] = run["provenance"]["distributions"] = {text: text}
            run["seconds"], run["keys"] = {text: 1.0}, {text: {text: ["a" * 64]}}

        yield _both(f"everywhere/{ascii(text)[:30]}", fill, EITHER)


def labelled() -> Iterator[Hostile]:
    """Put markup into labels, class names, attack names and failures."""
    for text in MARKUP:

        def fill(value: dict, run: dict, text: str = text) -> None:
            for part in ("captioner", "generator", "adapter", "classifier"):
                value["method"][part]["label"] = f"{text}{part}"
            value["description"]["class_names"] = [f"{text}{n}" for n in range(3)]
            value["description"]["source"] = value["description"]["native_size"] = text
            model = value["threat_models"].pop("lira")
            value["threat_models"][text] = {**model, "sees": text, "owns": text}
            run["attacks"][0].update(label=text, name=text)
            run["primary_attack"] = text
            for measurement in value["seeds"][0]["measurements"]:
                measurement["attack"] = text if measurement["attack"] == "lira" else measurement["attack"]
                measurement["interval"] = text
            value["gates"][0].update(name=text, reason=text)
            value["seeds"].append(
                {**value["seeds"][0], "seed": 1, "status": "failed", "measurements": [], "scores": None}
            )
            value["seeds"][1]["failure"] = text

        yield _both(f"labels/{ascii(text)[:30]}", fill)


def numbers() -> Iterator[Hostile]:
    """Put numbers that make no sense wherever a shown measurement comes from."""
    for value in (-1e15, -1.0, -1e-300, 0.0, 5e-324, 1.0000001, 2.0, 1e15):
        for part in ("value", "low", "high"):

            def fill(record: dict, part: str = part, value: float = value) -> None:
                for measurement in record["seeds"][0]["measurements"]:
                    measurement[part] = value

            yield changed(f"numbers/{part}={value}", fill)

        def all_three(record: dict, value: float = value) -> None:
            for measurement in record["seeds"][0]["measurements"]:
                measurement.update(value=value, low=value, high=value, examples=0)

        yield changed(f"numbers/all={value}", all_three)

        def costs(record: dict, value: float = value) -> None:
            record["seeds"][0]["cost"][0].update(wall_seconds=value, cpu_seconds=value, peak_memory_bytes=int(value))

        yield changed(f"numbers/costs={value}", costs, EITHER)
        # 1.0000001 times as many images are as many, and the name of a method has six digits: it is shown as 1x
        expected = EITHER if value == 1.0000001 else REFUSED
        yield changed(f"numbers/cardinality={value}", lambda r, v=value: r["method"].update(cardinality=v), expected)
        yield changed(f"numbers/images={value}", lambda r, v=value: r.update(images_generated=int(v)))
    for shadows in ("many", [1], {}, None, 1e15, True, -1, "９"):
        yield changed(
            f"numbers/shadows={shadows!r}",
            lambda r, s=shadows: r["attacks"][0]["shadows"].update(count=s),
            EITHER,
            what="run",
        )
    for splits in ({}, {"train": 0}, {"train": -5, "test": -5}, {"train": 10**15, "test": 10**15}, {"test": 12}):
        yield changed(f"numbers/splits={splits}", lambda r, s=splits: r.update(splits=s))
    yield changed("numbers/classes=0", lambda r: r["description"].update(class_names=[]))
    yield changed("numbers/classes=1", lambda r: r["description"].update(class_names=["a"]))
