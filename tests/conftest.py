"""What every test may rely on: no network, and the real subsets of the ten datasets where they are at hand."""

import os
from pathlib import Path

SUBSETS = Path(__file__).parents[2] / "shared" / "data"

os.environ["HF_HUB_OFFLINE"] = "1"
if "TCKR_BENCH_DATA" not in os.environ and SUBSETS.is_dir():
    os.environ["TCKR_BENCH_DATA"] = str(SUBSETS)
