import hashlib
from pathlib import Path

import numpy as np
import pytest

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry

LORA_FILE = "pytorch_lora_weights.safetensors"
PAPER_FILE = Path(__file__).parents[5] / "shared" / "paper" / "lora" / "lora_sd2_cifar10.safetensors"


@pytest.fixture(scope="module")
def published(lab, tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    lab.adapt(lab.stable_diffusion(tiny_model), folder)
    return (folder / LORA_FILE).rename(folder / "mine.safetensors")


def take_over(lab, path, folder, generator):
    images, prompts = lab.dark_images()
    lab.load("adapter", "file", path=str(path)).adapt(
        generator, images, prompts, weights=folder, seed=0, context=Context()
    )


def test_the_file_s_images_are_made(lab, tiny_model, published, tmp_path):
    generator = lab.stable_diffusion(tiny_model)
    plain = generator.generate(lab.request, context=Context())
    take_over(lab, published, tmp_path, generator)
    assert [path.name for path in tmp_path.iterdir()] == [LORA_FILE]
    assert (tmp_path / LORA_FILE).read_bytes() == published.read_bytes()
    generator.restore(tmp_path)
    assert lab.largest_difference(plain, generator.generate(lab.request, context=Context())) > 10


def test_its_content_is_its_identity(published, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(published.read_bytes())
    identities = [
        default_registry().use("adapter", "file", label="x", options={"path": str(path)}).identity
        for path in (published, copy)
    ]
    assert identities == [hashlib.sha256(published.read_bytes()).hexdigest()] * 2
    copy.write_bytes(b"another")
    assert default_registry().use("adapter", "file", label="x", options={"path": str(copy)}).identity != identities[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "needs a LoRA file; write 'file:<path>'"),
        ("weights.bin", "a pickle .* is never read"),
        ("nothing.safetensors", "there is no LoRA file at"),
        ("text.safetensors", "cannot be read as safetensors"),
        ("other.safetensors", "1 of its .* tensors"),
    ],
)
def test_a_wrong_file_is_one_sentence(lab, tiny_model, published, tmp_path, name, message):
    from safetensors.numpy import load_file, save_file

    (tmp_path / "weights.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "text.safetensors").write_text("not tensors")
    tensors = load_file(published)
    first = next(iter(tensors))
    save_file({**tensors, first: np.zeros((4, 99), np.float32)}, tmp_path / "other.safetensors")
    path = tmp_path / name if name else ""
    with pytest.raises(TckrError, match=message):
        take_over(lab, path, tmp_path / "weights", lab.stable_diffusion(tiny_model))
    assert not (tmp_path / "weights").exists()


def test_a_generator_without_a_pipeline_is_one_sentence(lab, published, tmp_path):
    with pytest.raises(TckrError, match="a NoiseGenerator takes no LoRA file"):
        take_over(lab, published, tmp_path, lab.load("generator", "noise"))


@pytest.mark.skipif(not PAPER_FILE.is_file(), reason="the paper's LoRA file is not at hand")
def test_the_paper_s_file_does_not_fit_the_miniature(lab, tmp_path):
    with pytest.raises(TckrError, match=r"256 of its 256 tensors|\d+ of its \d+ tensors"):
        take_over(lab, PAPER_FILE, tmp_path, lab.stable_diffusion("miniature"))
