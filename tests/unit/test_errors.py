"""Laws of user errors: one place for exit codes, and the nearest name in every sentence."""

import errno

from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.errors import (
    DatasetError,
    MatrixError,
    OptionError,
    PluginError,
    RunError,
    StagesFailedError,
    StoreError,
    TckrError,
    exit_code_of,
    nearest,
    storage_error,
)


def test_exit_codes():
    for error in (DatasetError, MatrixError, OptionError, PluginError, RunError, StoreError, TckrError):
        assert issubclass(error, TckrError)
        assert exit_code_of(error("sentence")) == 2
    assert exit_code_of(StagesFailedError("sentence")) == 1
    assert exit_code_of(KeyboardInterrupt()) == 130


@given(st.permutations("abcdefgh"), st.integers(4, 8), st.integers(0, 3))
def test_one_wrong_letter_still_finds_the_name(letters, length, place):
    name = "".join(letters[:length])  # unlike letters: matching repeated ones is ambiguous
    typed = name[:place] + "z" + name[place + 1 :]
    assert nearest(typed, [name]) == f"; did you mean '{name}'?"


def test_storage_errors_say_what_to_do():
    assert "the disk is full" in str(storage_error(OSError(errno.ENOSPC, "no space"), "writing"))
    assert "not writable" in str(storage_error(OSError(errno.EROFS, "read-only", "/x"), "writing"))
