"""What every test may rely on: no network, one thread, a store of its own, and the real subsets where at hand."""

import os
from pathlib import Path

import pytest
from checked_arrays import check_arrays

SUBSETS = Path(__file__).parents[2] / "shared" / "data"

os.environ["HF_HUB_OFFLINE"] = "1"
# As in the worker processes of a run, and before torch is imported: other numbers of threads round differently.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
if "TCKR_BENCH_DATA" not in os.environ and SUBSETS.is_dir():
    os.environ["TCKR_BENCH_DATA"] = str(SUBSETS)

check_arrays()


@pytest.fixture(scope="session", autouse=True)
def _own_store(tmp_path_factory):
    """What tests compute is remembered for the session, and never beside what the user's own runs left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCKR_BENCH_STORE", str(tmp_path_factory.mktemp("store")))
        yield
