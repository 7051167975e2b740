"""Published weights instead of training."""

from __future__ import annotations

import functools
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import AdapterComponent, Options
from tckr_bench.errors import TckrError

if TYPE_CHECKING:
    from tckr_bench.components import Context, Generator
    from tckr_bench.records import Images, Prompts


class AdapterFileOptions(Options):
    """Which published weights."""

    path: str = Field(
        default="", description="a LoRA file in the safetensors format, fitted to the generator it is used with"
    )


class FileAdapter:
    """Takes over a LoRA file that was fitted elsewhere; looks at no image."""

    def __init__(self, options: AdapterFileOptions) -> None:
        self._path = located(options)

    def adapt(
        self,
        generator: Generator,
        images: Images,  # noqa: ARG002 - the Protocol fixes the arguments
        prompts: Prompts,  # noqa: ARG002
        *,
        weights: Path,
        seed: int,  # noqa: ARG002
        context: Context,
    ) -> None:
        """Check that the file fits the generator, and copy it to the folder `weights`.

        Raises:
            TckrError: it is not a LoRA file in the safetensors format, or it does not fit.
        """
        from tckr_plugins.generators.lora_files import check_lora_file
        from tckr_plugins.generators.models import LORA_FILE

        pipeline = getattr(generator, "pipeline", None)
        if pipeline is None:
            raise TckrError(
                f"a {type(generator).__name__} takes no LoRA file; use the generator 'stable-diffusion' or the "
                "adapter 'none'"
            )
        check_lora_file(self._path, pipeline).require_fit()
        weights.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._path, weights / LORA_FILE)
        context.progress(1.0)


def located(options: AdapterFileOptions) -> Path:
    """Return the path of the file.

    Raises:
        TckrError: none is given, or there is no such file in a format that is safe to read.
    """
    path = Path(options.path).expanduser()
    if not options.path:
        raise TckrError("the adapter 'file' needs a LoRA file; write 'file:<path>' or set its option 'path'")
    if path.suffix != ".safetensors":
        raise TckrError(
            f"the adapter 'file' reads LoRA files in the safetensors format only, and '{path}' is not named "
            "so; a pickle (.bin, .pt, .ckpt) may run code and is never read: convert it first"
        )
    if not path.is_file():
        raise TckrError(f"there is no LoRA file at '{path}'; mend the option 'path' of the adapter 'file'")
    return path


def identify(options: AdapterFileOptions) -> str:
    """Return the sha256 of the file's content, or "" where none is given yet."""
    if not options.path:
        return ""
    path = located(options)
    stamp = path.stat()
    return _hash(path, stamp.st_mtime_ns, stamp.st_size)


@functools.cache
def _hash(path: Path, _modified: int, _size: int) -> str:
    """Hash once per process for as long as the file's time and size do not change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


FILE = AdapterComponent(
    "file",
    version="1",
    options=AdapterFileOptions,
    load=FileAdapter,
    summary="published LoRA weights from a safetensors file, such as file:lora.safetensors; looks at no image",
    identity=identify,
    argument="path",
)
