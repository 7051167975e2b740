"""The base of every component's options."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Options of a component: a frozen, validated model; give each field a default and a `description`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class NoOptions(Options):
    """For a component that has none."""
