"""Where and with what a run is made: versions, commit, device."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from tckr_bench.errors import RunError

PACKAGES = (
    "tckr-bench",
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "peft",
    "timm",
    "datasets",
    "safetensors",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "pyarrow",
    "pluggy",
    "pydantic",
)


def package_versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the installed version of each package; `missing` where it is not installed."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


@functools.cache
def source_commit() -> tuple[str, bool | None]:
    """Return the commit of the source this runs from, and whether it was changed; `("", None)` outside a checkout."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return "", None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return "", None


def processor() -> str:
    """Return the name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(wanted: str) -> str:
    """Return the torch device for `auto`, `cpu`, `cuda` or `mps`; asks torch only where there may be an accelerator."""
    if wanted != "auto":
        return wanted
    if not (Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists() or platform.system() == "Darwin"):
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def devices_of(device: str) -> tuple[str, ...]:
    """Return the devices a run spreads over: every GPU for `cuda`, the device itself otherwise."""
    if device != "cuda":
        return (device,)
    import torch

    return tuple(f"cuda:{index}" for index in range(max(1, torch.cuda.device_count())))


def require_device(device: str) -> None:
    """Check that a run can use a device; a plan may be made for any.

    Raises:
        RunError: torch finds no such device here.
    """
    if device == "cpu":
        return
    import torch

    there = torch.cuda.is_available() if device.startswith("cuda") else torch.backends.mps.is_available()
    if not there:
        raise RunError(
            f"torch finds no '{device}' device here; use --device cpu, or install torch for your accelerator"
        )


def device_name(device: str) -> str:
    """Return what a device is called, for the record: the GPU's own name, or the processor's."""
    if not device.startswith("cuda"):
        return processor()
    import torch

    return torch.cuda.get_device_name(torch.device(device))


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
