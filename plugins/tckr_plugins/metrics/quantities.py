"""Kinds of quantities that several metrics measure."""

from __future__ import annotations

from tckr_bench.components import Quantity


def area(name: str, heading: str, meaning: str) -> Quantity:
    """Return an area under a ROC curve, 0 to 1; 0.5 is guessing, and lower is better."""
    return Quantity(name, heading, meaning, digits=3, better="lower", low=0, high=1)


def rate(name: str, heading: str, meaning: str, *, digits: int = 1) -> Quantity:
    """Return a share of members found or of images repeated, 0 to 1 and shown in %; lower is better."""
    return Quantity(name, heading, meaning, unit="%", scale=100, digits=digits, better="lower", low=0, high=1)


def epsilon(name: str, heading: str, meaning: str) -> Quantity:
    """Return an epsilon of differential privacy, in nats; lower is better."""
    return Quantity(name, heading, meaning, unit="nats", digits=2, better="lower", low=0)
