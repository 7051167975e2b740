"""The paper's grid from end to end, at the size of a toy: every component of it in its real file format."""

import json

import pytest
from tiny_captioners import build_tiny_blip2
from tiny_stable_diffusion import build_tiny_model

pytestmark = pytest.mark.slow

EXCLUDED = ",".join(
    (
        '{labels="hard",cardinality=0.05}',
        '{adapter=["lora-5","lora-2"]}',
        '{captioner=["class-name","caption-only"],cardinality=0.05}',
        '{captioner=["class-name","caption-only"],adapter="lora-10"}',
    )
)
TOY = (
    "image_size=32",
    "training_images=160",
    "generation_chunk=16",
    "cardinalities=[0.05,0.1]",
    "attack.lira.shadows=8",
    "attack.rmia.shadows=8",
    "control.overfit.per_side=20",
    "control.overfit.canaries=10",
    "control.overfit.epochs=1",
    "generator.stable-diffusion-2.image_size=32",
    "generator.stable-diffusion-2.steps=2",
    "adapter.lora.steps=2",
    "adapter.lora-10.steps=2",
    "adapter.lora-5.steps=2",
    "adapter.lora-2.steps=2",
    "classifier.ofa-mobilenetv3.image_size=32",
    "classifier.ofa-mobilenetv3.epochs=1",
    f"exclude=[{EXCLUDED}]",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generator, captioner = build_tiny_model(folder / "sd"), build_tiny_blip2(folder)
    given = (
        *TOY,
        f"generator.stable-diffusion-2.model={json.dumps(str(generator))}",
        f"captioner.blip2.model={json.dumps(str(captioner))}",
        f"captioner.caption-only.model={json.dumps(str(captioner))}",
    )
    return [word for setting in given for word in ("--set", setting)]


def test_the_papers_grid_runs_and_marks_its_protocol(command, settings):
    arguments = ("--matrix", "paper", "--dataset", "digits", *settings, "--set", "protocol=paper")
    command("run", *arguments, "--out", "run", "--jobs", "2")
    records = command.records("run")
    assert command.statuses("run") == {"ok"}
    assert {record["protocol"] for record in records} == {"paper"}
    assert all(record["method"]["classifier"]["options"]["label_smoothing"] == 0.1 for record in records)
    synthetic = [record for record in records if record["method"]["role"] == "method"]
    assert {record["method"]["captioner"]["label"] for record in synthetic} == {"blip2", "caption-only", "class-name"}
    assert {record["method"]["adapter"]["options"]["sample_fraction"] for record in synthetic} == {1.0, 0.1}
    assert {record["contamination"] for record in synthetic} == {"unknown"}
