"""Helpers shared by dataset plugins: where data lies, what a folder holds, its fingerprint, splits and decoding."""

from tckr_bench.datasets.decoding import (
    ImageFacts,
    decode_images,
    decode_with_shapes,
    inspect_images,
    resize_to_rgb,
    shrink,
)
from tckr_bench.datasets.folders import (
    DATA_VARIABLE,
    IMAGE_SUFFIXES,
    ImageFolder,
    data_root,
    encoded_folder_images,
    fingerprint_files,
    fingerprint_once,
    list_images,
    read_image_folder,
    scan_image_folder,
)
from tckr_bench.datasets.splits import stratified_split

__all__ = [
    "DATA_VARIABLE",
    "IMAGE_SUFFIXES",
    "ImageFacts",
    "ImageFolder",
    "data_root",
    "decode_images",
    "decode_with_shapes",
    "encoded_folder_images",
    "fingerprint_files",
    "fingerprint_once",
    "inspect_images",
    "list_images",
    "read_image_folder",
    "resize_to_rgb",
    "scan_image_folder",
    "shrink",
    "stratified_split",
]
