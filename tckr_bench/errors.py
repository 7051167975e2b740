"""The one tree of user errors.

Every mistake a user can make ends in a `TckrError`: one sentence that says what failed, what was found and
what to do. `exit_code_of` is the only place that turns errors into exit codes. Anything else that is raised is
a bug of ours, or of a plugin, and keeps its traceback.
"""

from __future__ import annotations

import difflib
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_STAGE_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_NO = 1
EXIT_NOT_ENOUGH_EVIDENCE = 3
EXIT_INTERRUPTED = 130
STORAGE_ERRORS = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)


class TckrError(Exception):
    """A mistake the user can mend; its text is one sentence."""


class PluginError(TckrError):
    """A component is unknown, registered twice, or its distribution is broken."""


class ContractError(PluginError):
    """A component declares of itself what the harness cannot work with; its plugin is kept aside."""


class OptionError(TckrError):
    """An option of a component is unknown or has a value it cannot take."""


class MatrixError(TckrError):
    """A matrix file is missing, is not TOML, or does not say a valid matrix."""


class DatasetError(TckrError):
    """A dataset is unavailable, empty, unreadable or inconsistent."""


class StoreError(TckrError):
    """The store cannot be read or written."""


class RunError(TckrError):
    """A run directory is missing, incomplete or of another format."""


class LeaderboardError(TckrError):
    """A record, a track or the folder of the leaderboard is missing, damaged, or not what it says it is."""


class NotApplicableError(TckrError):
    """An attack cannot be made on what a method releases; the cell goes without it, and says so."""


class StagesFailedError(TckrError):
    """Some stages of a run failed; the cells that need them have no measurements."""


class UnfavourableAnswer(Exception):  # noqa: N818 - no error: what was asked has been answered
    """A verdict other than yes, already shown; nothing failed, but a script must be able to tell."""


class CheckFailed(Exception):  # noqa: N818 - no error of the program: a check was asked for and has found something
    """A check has found faults, already shown; a script must be able to tell."""


def exit_code_of(error: BaseException) -> int:
    """Return the exit code: 1 for failed stages or checks, 130 for an interrupt, 2 for every user error.

    An answer other than yes has one as well: 1 for no, 3 for not enough evidence.

    >>> exit_code_of(MatrixError("no such matrix")), exit_code_of(UnfavourableAnswer("not enough evidence"))
    (2, 3)
    """
    if isinstance(error, UnfavourableAnswer):
        return EXIT_NO if str(error) == "no" else EXIT_NOT_ENOUGH_EVIDENCE
    if isinstance(error, StagesFailedError | CheckFailed):
        return EXIT_STAGE_FAILED
    if isinstance(error, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return EXIT_USER_ERROR


def first_line(error: BaseException) -> str:
    r"""Return the first line of what an error says, without a closing full stop, or its kind.

    >>> first_line(OSError("no such file.\nlook elsewhere"))
    'no such file'
    """
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else type(error).__name__


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the nearest known name, else the known names, ready to append.

    >>> nearest("lora2", ["lora", "none"])
    "; did you mean 'lora'?"
    >>> nearest("zzz", ["lora", "none"])
    '; known: lora, none'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(names)}" if names else "; none is registered"


def storage_cause(error: BaseException) -> OSError | None:
    """Return the full or read-only disk behind an error, if any; libraries written in Rust pass on its text alone."""
    if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
        return error
    for number in STORAGE_ERRORS:
        if f"{os.strerror(number)} (os error {number})" in str(error):
            return OSError(number, os.strerror(number))
    return None


MOVE_STORE = "move the store with TCKR_BENCH_STORE"


def storage_error(error: OSError, doing: str, *, elsewhere: str = "choose another folder") -> StoreError:
    """Translate an operating-system error met while `doing` something into one sentence for the user.

    `elsewhere` says how to use another place, where this one is full or cannot be written.
    """
    if error.errno == errno.ENOSPC:
        return StoreError(f"{doing}: the disk is full; free some space or {elsewhere}")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreError(
            f"{doing}: {error.filename or 'the folder'} is not writable; change its permissions or {elsewhere}"
        )
    return StoreError(f"{doing}: {error.strerror or error}")
