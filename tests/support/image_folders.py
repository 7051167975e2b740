"""Folders of small pictures, for audits of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def digits(seed: int = 0) -> np.ndarray:
    """Return the digits in an order of their own, (n, 8, 8) uint8, each picture once."""
    images = np.unique((load_digits().images * 15).astype(np.uint8), axis=0)
    return images[np.random.default_rng(seed).permutation(len(images))]


def write_folder(root: Path, images: np.ndarray, *, classes: int = 1) -> Path:
    """Write images as PNG files; of more than one class, each in a folder of its class."""
    for index, image in enumerate(images):
        folder = root if classes == 1 else root / f"class-{index % classes}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{index:04}.png")
    return root


def write_world(root: Path, *, size: int = 80, released: int = 0, seed: int = 0) -> dict[str, Path]:
    """Write training and hold-out images, and as synthetic ones others, with so many training images among them."""
    images = digits(seed)
    train, holdout, others = images[:size], images[size : 2 * size], images[2 * size : 3 * size]
    return {
        "synthetic": write_folder(root / "synthetic", np.concatenate([train[:released], others[released:]])),
        "train": write_folder(root / "train", train, classes=2),
        "holdout": write_folder(root / "holdout", holdout),
    }
