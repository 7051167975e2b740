"""What every test may rely on: no network, one thread, and the real subsets of the ten datasets where at hand."""

import os
from pathlib import Path

from checked_arrays import check_arrays

SUBSETS = Path(__file__).parents[2] / "shared" / "data"

os.environ["HF_HUB_OFFLINE"] = "1"
# As in the worker processes of a run, and before torch is imported: other numbers of threads round differently.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
if "TCKR_BENCH_DATA" not in os.environ and SUBSETS.is_dir():
    os.environ["TCKR_BENCH_DATA"] = str(SUBSETS)

check_arrays()
