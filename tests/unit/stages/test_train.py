"""Laws of what a trained classifier leaves for attackers: what it says once the recipe is undone."""

import numpy as np

from tckr_bench.records import TrainingHistory
from tckr_bench.stages import train
from tckr_bench.stages.train import read_predictions


class Hiding:
    """Says what the first pixel of an image is, divided by 4."""

    def fit(self, data, *, seed, context):
        return TrainingHistory((), (), 0)

    def save(self, folder):
        (folder / "weights").touch()

    def predict(self, images, *, context):
        return images[:, 0, 0, :].astype(np.float32) / 4


def trained(world, name, **declared):
    use = world.add("classifier", name, Hiding(), **declared)
    prepared = world.prepared(name=f"data of {name}")
    folder = world.run(
        train,
        "train",
        components={"classifier": use},
        parents={"data": [prepared]},
        parameters={"queries": 2},
        name=name,
    )
    return read_predictions(folder)


def test_attackers_see_outputs_undone_and_accuracy_is_that_of_the_outputs_released(world):
    plain = trained(world, "plain")
    declared = trained(world, "declared", undo=lambda _options, logits: logits * np.float32(4))
    for part in ("challenge", "validation", "queries"):
        assert getattr(plain, part).size
        np.testing.assert_array_equal(getattr(declared, part), 4 * getattr(plain, part))
    np.testing.assert_array_equal(declared.test, plain.test)
