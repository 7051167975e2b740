import numpy as np
import pytest

from tckr_bench.errors import OptionError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry

NAMES = ("ankle boot", "bag {x}")
LABELS = np.array([1, 0, 1])


def caption(name, images, **options):
    registry = default_registry()
    captioner = registry.load(registry.use("captioner", name, label=name, options=options))
    return captioner.caption(images, LABELS, class_names=NAMES, context=Context())


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def test_the_class_name_goes_into_the_template(images):
    assert caption("class-name", images) == ["bag {x}", "ankle boot", "bag {x}"]
    assert caption("class-name", images, template="a photo of a {class_name}")[0] == "a photo of a bag {x}"
    assert caption("class-name", images, template="{class_name}, {other} style")[1] == "ankle boot, {other} style"


def test_a_template_without_the_placeholder_is_refused():
    with pytest.raises(OptionError, match=r"write \{class_name\} where the class name belongs"):
        default_registry().use("captioner", "class-name", label="x", options={"template": "a photo"})


def test_attributes_describe_each_image_by_itself(images):
    from tckr_plugins.captioners.attributes import describe_images

    prompts = caption("attributes", images)
    assert prompts[0] == f"bag {{x}}: {describe_images(images[:1])[0]}"
    assert prompts[1].startswith("ankle boot: ")
    assert len(prompts) == 3
