"""What a synthetic replacement must keep to, as a user states it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import OptionError
from tckr_bench.judging import metric_names

if TYPE_CHECKING:
    from collections.abc import Sequence

TPR_METRICS = {0.1: "tpr-at-10-fpr", 0.01: metric_names.TPR, 0.001: "tpr-at-0-1-fpr"}
"""The measurement of each rate of false alarms that may be asked for."""
_TPR = re.compile(r"\s*([0-9.]+)\s*@\s*([0-9.]+)\s*")


@dataclass(frozen=True)
class TprLimit:
    """At most the share `tpr` of the members may be found at the share `fpr` of false alarms.

    `fpr` is 0.1, 0.01 or 0.001; `tpr` lies above it, as guessing finds as many, and is 1 at most.

    Raises:
        OptionError: it is not so.
    """

    tpr: float
    fpr: float

    def __post_init__(self) -> None:
        if self.fpr not in TPR_METRICS:
            raise OptionError(f"fpr is {self.fpr:g}; give one of the shares 0.1, 0.01 and 0.001")
        if not self.fpr < self.tpr <= 1:
            raise OptionError(f"tpr is {self.tpr:g}; give a share above fpr, {self.fpr:g}, and 1 at most")


@dataclass(frozen=True)
class Criteria:
    """What a replacement must keep to.

    Attributes:
        max_accuracy_drop: accuracy that may be lost against the teacher, 0 to 1.
        max_tprs: how many members the worst attack may find.
        max_auc: AUC that the worst attack may reach, above 0.5; None for no such limit.
        allow_non_adaptive: believe attacks though none of them repeats the pipeline.

    Raises:
        OptionError: a number is out of range, or there is no limit on what attacks may find.
    """

    max_accuracy_drop: float
    max_tprs: tuple[TprLimit, ...] = ()
    max_auc: float | None = None
    allow_non_adaptive: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.max_accuracy_drop <= 1:  # written so that a NaN is refused
            raise OptionError(f"max_accuracy_drop is {self.max_accuracy_drop:g}; give a share, 0 to 1, such as 0.02")
        if self.max_auc is not None and not 0.5 < self.max_auc <= 1:
            raise OptionError(f"max_auc is {self.max_auc:g}; give more than 0.5, which guessing reaches, and at most 1")
        if not self.max_tprs and self.max_auc is None:
            raise OptionError("no limit says what attacks may find; give max_tprs or max_auc")


def criteria_from(
    *, accuracy_drop: float, tprs: Sequence[str], auc: float | None, allow_non_adaptive: bool = False
) -> Criteria:
    """Return the criteria as typed: a loss in points, TPRs as `T@F` in per cent, an AUC as it is.

    Raises:
        OptionError: a number is out of range, or there is no limit on what attacks may find.

    >>> criteria_from(accuracy_drop=2, tprs=["5@1"], auc=None).max_tprs
    (TprLimit(tpr=0.05, fpr=0.01),)
    """
    if not 0 <= accuracy_drop <= 100:  # written so that a NaN is refused
        raise OptionError(f"--max-accuracy-drop is {accuracy_drop:g}; give percentage points from 0 to 100, such as 2")
    if auc is not None and not 0.5 < auc <= 1:
        raise OptionError(f"--max-auc is {auc:g}; give more than 0.5, which guessing reaches, and at most 1")
    if not tprs and auc is None:
        raise OptionError("no limit says what attacks may find; give --max-tpr, such as 5@1, or --max-auc")
    return Criteria(accuracy_drop / 100, tuple(map(tpr_limit, tprs)), auc, allow_non_adaptive)


def tpr_limit(text: str) -> TprLimit:
    """Return `T@F`, at most T % of the members at F % false alarms, as fractions; F is 10, 1 or 0.1.

    Raises:
        OptionError: it is not of that form, or guessing alone would find as many.

    >>> tpr_limit("20@10")
    TprLimit(tpr=0.2, fpr=0.1)
    """
    form = "give T@F, at most T % of the members found at F % false alarms, such as 5@1"
    parts = _TPR.fullmatch(text)
    try:
        found, alarms = (float(part) / 100 for part in parts.groups()) if parts else (math.nan, math.nan)
    except ValueError:  # such as 1.2.3
        found = math.nan
    if math.isnan(found):
        raise OptionError(f"--max-tpr '{text}' cannot be read; {form}")
    known = next((fpr for fpr in TPR_METRICS if math.isclose(fpr, alarms)), None)
    if known is None:
        raise OptionError(f"--max-tpr '{text}' asks for {100 * alarms:g} % false alarms; F is 10, 1 or 0.1")
    if not known < found <= 1:
        raise OptionError(
            f"--max-tpr '{text}' allows {100 * found:g} % of the members; guessing finds {100 * known:g} % at "
            f"{100 * known:g} % false alarms, so T lies above that and is 100 at most"
        )
    return TprLimit(found, known)
