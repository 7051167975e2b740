"""What a plugin author imports in tests; defined in `tckr_bench.plugin`, `fakes` and `testing`."""

from tckr_bench.plugin.fakes import (
    FakeDiffusionGenerator,
    fake_attack_evidence,
    fake_cell_evidence,
    fake_class_names,
    fake_images,
    fake_prompts,
    fake_release_evidence,
)
from tckr_bench.plugin.testing import (
    check_adapter,
    check_attack,
    check_captioner,
    check_classifier,
    check_component,
    check_dataset,
    check_generator,
    check_metric,
    check_observer,
    check_release_attack,
)

__all__ = [
    "FakeDiffusionGenerator",
    "check_adapter",
    "check_attack",
    "check_captioner",
    "check_classifier",
    "check_component",
    "check_dataset",
    "check_generator",
    "check_metric",
    "check_observer",
    "check_release_attack",
    "fake_attack_evidence",
    "fake_cell_evidence",
    "fake_class_names",
    "fake_images",
    "fake_prompts",
    "fake_release_evidence",
]
