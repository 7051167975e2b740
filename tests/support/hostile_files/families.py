"""The families of hostile files, by what looks into them."""

from __future__ import annotations

from hostile_files import forged, json_files, lying, markup, names, parquet_files

TEXTS = {
    "broken JSON": lambda _: json_files.broken(),
    "flipped JSON": lambda _: json_files.flipped(80),
    "cut JSON": lambda _: json_files.truncated(30),
    "wrong types": lambda sample: json_files.typed(sample, every=8),
    "keys": json_files.keyed,
    "unseen characters": json_files.unseen,
    "markup": lambda sample: markup.marked(sample, each=1),
}
"""Records whose JSON or texts are hostile."""
SHOWN = {
    "everywhere": markup.everywhere,
    "labels": lambda _: markup.labelled(),
    "numbers": lambda _: markup.numbers(),
    "links": lambda _: names.linked(),
}
"""Records of which the pages are rendered too."""
FILES = {
    "immense": lambda _: json_files.immense(),
    "odd files": lambda _: json_files.odd_files(),
    "names": lambda _: names.named(),
    "places": lambda _: names.placed(),
    "claims": lambda _: forged.claims(),
    "sealed": lambda _: forged.sealed(),
}
"""Files that are too large, no files, elsewhere, or not what they say."""
TABLES = {
    "damaged scores": lambda _: parquet_files.damaged(60),
    "damaged pictures": lambda _: parquet_files.damaged(30, "pictures"),
    "tables": lambda _: parquet_files.tables(),
    "headers": lambda _: parquet_files.headers(),
    "pictures": lambda _: parquet_files.pictures(),
    "lies": lambda _: lying.lies(),
    "bombs": lambda _: lying.bombs(),
}
"""Scores and pictures that are hostile as Parquet: looked into by a process of its own, as `verify` does it."""
FAMILIES = {**TEXTS, **SHOWN, **FILES, **TABLES}
