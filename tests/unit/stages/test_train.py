"""Laws of what training leaves: for attackers what a classifier says once its recipe is undone; how far it matches."""

import numpy as np

from tckr_bench.records import Matching, PrivacyGuarantee, TrainingHistory, Tuned
from tckr_bench.stages import train, tune
from tckr_bench.stages.train import read_history, read_predictions
from tckr_bench.stages.tune import read_tuned


class Hiding:
    """Says what the first pixel of an image is, divided by 4."""

    def fit(self, data, *, seed, context):
        return TrainingHistory((), (), 0)

    def save(self, folder):
        (folder / "weights").touch()

    def restore(self, folder, *, context):
        assert (folder / "weights").exists()

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


class Private(Hiding):
    """Proves something, and is tuned to whatever accuracy is wanted, less 2 points."""

    def fit(self, data, *, seed, context):
        return TrainingHistory((), (), 0, guarantee=PrivacyGuarantee(8.0, 1e-5, "rdp", leaves_out=("this",)))

    def tune(self, data, *, accuracy, seed, context):
        assert len(data.validation)
        return Tuned({}, Matching(accuracy, accuracy - 0.02, 5))


def test_a_matched_defence_keeps_both_accuracies_and_says_that_the_search_is_not_counted(world):
    use, prepared = world.add("classifier", "private", Private()), world.prepared()
    tuned = world.run(
        tune,
        "tune",
        components={"classifier": use},
        parents={"data": [prepared], "student": [world.trained("student")]},
    )
    matching = read_tuned(tuned).matching
    assert matching.reached == matching.wanted - 0.02
    assert not matching.met
    folder = world.run(train, "train", components={"classifier": use}, parents={"data": [prepared], "tuned": [tuned]})
    guarantee = read_history(folder).guarantee
    assert guarantee.matching == matching
    assert guarantee.leaves_out[0] == "this"
    assert "5 trainings, judged on private validation images" in guarantee.leaves_out[1]
