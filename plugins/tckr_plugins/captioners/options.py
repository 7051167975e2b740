"""Options of the built-in captioners."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from tckr_bench.components import Options

CLASS_NAME, CAPTION = "{class_name}", "{caption}"


class ClassNameOptions(Options):
    """How the class name becomes a prompt."""

    template: str = Field(
        default=CLASS_NAME,
        description="prompt of every image of a class, such as 'a photo of a {class_name}'; the miniature knows bare "
        "names only",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if CLASS_NAME not in template:
            raise ValueError(f"write {CLASS_NAME} where the class name belongs")
        return template


class AttributesOptions(Options):
    """The attribute captioner has no options."""


class TemplateOptions(Options):
    """How a class name and a caption become a prompt; the default is the paper's."""

    template: str = Field(
        default=f"{CLASS_NAME}: {CAPTION}",
        description="the prompt, with {caption} and, if wanted, {class_name}; '{caption}' alone is the paper's "
        "caption-only prompt",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if CAPTION not in template:
            raise ValueError(f"write {CAPTION} where the caption belongs")
        return template


class ImageToTextOptions(TemplateOptions):
    """Which image-to-text model captions, and how."""

    model: str = Field(default="", description="folder or hub id of a transformers model, weights as safetensors")
    revision: str | None = Field(
        default=None, description="commit, tag or branch of a hub id; none for its main branch, as cached"
    )
    question: str = Field(
        default="",
        description="text given with every image, such as 'a photo of' or 'Question: what is shown? Answer:'; only "
        "what the model adds to it is kept",
    )
    max_new_tokens: int = Field(default=20, ge=1, le=512, description="longest caption, in tokens")
    batch_size: int = Field(
        default=16, ge=1, le=1024, description="images captioned at a time; halved while memory does not suffice"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="precision of the model; auto is float16 on a GPU, as in the paper, else float32"
    )


class Blip2Options(ImageToTextOptions):
    """BLIP-2; the defaults are the paper's settings."""

    model: str = Field(default="Salesforce/blip2-opt-2.7b", description="folder or hub id of a BLIP-2 model")


class BlipOptions(ImageToTextOptions):
    """BLIP, the smaller predecessor."""

    model: str = Field(
        default="Salesforce/blip-image-captioning-large", description="folder or hub id of a BLIP captioning model"
    )


class ClassDescriptionOptions(TemplateOptions):
    """Which file describes the classes."""

    path: Path | None = Field(default=None, description="JSON object or TOML table: class name to description")


class FileOptions(TemplateOptions):
    """Which file the captions are in."""

    path: Path | None = Field(
        default=None,
        description="captions by class (JSON {class: [captions]} or text lines 'class: caption'), or one per "
        "training image in order (JSON list, or CSV with a column 'caption')",
    )
