"""Laws of the sample sequence: balanced prefixes, own seeds, every prompt before any comes twice."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench.records import Prompts
from tckr_bench.stages.generate import plan_samples


def prompts(labels):
    labels = np.asarray(labels, dtype=np.int64)
    return Prompts(tuple(f"prompt {i}" for i in range(len(labels))), labels, np.arange(len(labels)))


some_labels = st.lists(st.integers(0, 4), min_size=5, max_size=40)


@given(some_labels, st.integers(1, 60), st.integers(0, 60), st.integers(0, 3))
def test_a_part_of_the_sequence_is_the_same_however_it_is_asked_for(labels, first, more, seed):
    whole = plan_samples(prompts(labels), start=0, stop=first + more, seed=seed)
    part = plan_samples(prompts(labels), start=first, stop=first + more, seed=seed)
    assert part.seeds == whole.seeds[first:]
    assert part.prompts.texts == whole.prompts.texts[first:]


@given(some_labels, st.integers(1, 80))
def test_every_prefix_is_balanced_to_one_image_per_class(labels, count):
    planned = plan_samples(prompts(labels), start=0, stop=count, seed=0)
    counts = [int((planned.prompts.labels == label).sum()) for label in set(labels)]
    assert max(counts) - min(counts) <= 1


@given(some_labels)
def test_a_class_uses_every_prompt_before_any_comes_again(labels):
    classes = len(set(labels))
    largest = max(labels.count(label) for label in labels)
    planned = plan_samples(prompts(labels), start=0, stop=classes * largest, seed=0)
    for label in set(labels):
        sources = planned.prompts.sources[planned.prompts.labels == label][: labels.count(label)]
        assert len(set(sources.tolist())) == labels.count(label)


def test_a_prompt_goes_with_its_class_and_its_source():
    planned = plan_samples(prompts([0, 1, 1, 2]), start=0, stop=20, seed=5)
    for text, label, source in zip(planned.prompts.texts, planned.prompts.labels, planned.prompts.sources, strict=True):
        assert text == f"prompt {source}"
        assert [0, 1, 1, 2][source] == label


def test_no_two_samples_share_a_seed_and_another_seed_shares_none():
    one = plan_samples(prompts([0, 1]), start=0, stop=500, seed=0).seeds
    other = plan_samples(prompts([0, 1]), start=0, stop=500, seed=1).seeds
    assert len({*one, *other}) == 1000
