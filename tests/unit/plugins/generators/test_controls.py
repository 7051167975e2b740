import numpy as np
import pytest
from tckr_plugins.generators.controls import altered

from tckr_bench.datasets.contamination import judge_contamination
from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import DatasetDescription, GenerationRequest, Prompts


def load(family, name, **options):
    registry = default_registry()
    return registry.load(registry.use(family, name, label=name, options=options))


def ask(sources, seeds):
    count = len(sources)
    prompts = Prompts(("a",) * count, np.zeros(count, dtype=np.int64), np.asarray(sources, dtype=np.int64))
    return GenerationRequest(prompts, tuple(seeds))


@pytest.fixture
def training_images():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


@pytest.fixture(params=[False, True], ids=["as they are", "altered"])
def either(request, training_images, tmp_path):
    return memorizer_of(training_images, tmp_path, altered=request.param)


@pytest.fixture
def memorizer(training_images, tmp_path):
    return memorizer_of(training_images, tmp_path)


def memorizer_of(training_images, tmp_path, **options):
    generator = load("generator", "memorizer", image_size=12, **options)
    prompts = ask(range(6), range(6)).prompts
    load("adapter", "memorize").adapt(generator, training_images, prompts, weights=tmp_path, seed=0, context=Context())
    generator.restore(tmp_path)
    return generator


def test_the_memorizer_releases_the_image_that_a_prompt_describes(memorizer, training_images):
    images = memorizer.generate(ask([4, 0, 4, 5], [9, 9, 1, 2]), context=Context())
    assert np.array_equal(images, training_images[[4, 0, 4, 5]])


def test_the_memorizer_has_the_size_of_what_it_stores(memorizer):
    assert memorizer.image_size == 12
    assert load("generator", "memorizer").image_size == 32


def test_an_altered_image_depends_on_its_original_and_its_seed_alone(training_images, tmp_path):
    generator = memorizer_of(training_images, tmp_path, altered=True)
    images = generator.generate(ask([4, 0, 4, 4], [9, 9, 1, 9]), context=Context())
    assert (images.shape, images.dtype) == ((4, 12, 12, 3), np.uint8)
    assert np.array_equal(images[0], images[3])
    assert not np.array_equal(images[0], images[2])
    assert np.array_equal(images[1:2], generator.generate(ask([0], [9]), context=Context()))


def test_altered_images_are_mirrored_cropped_and_brightened_within_bounds():
    ramp = np.zeros((40, 40, 3), dtype=np.uint8)
    ramp[:, :, 0], ramp[..., 2] = 5 * np.arange(40), 100  # tells where a column was, and what was done to its level
    found = [altered(ramp, seed=seed).astype(float) for seed in range(300)]
    levels = np.array([image[..., 2].mean() / 100 for image in found])
    rises = [(image[0, 30, 0] - image[0, 10, 0]) / level / 100 for image, level in zip(found, levels, strict=True)]
    sides = np.abs(rises)  # a window of so many sides rises by so much of what the whole does
    assert 0.74 < levels.min() < 0.8
    assert 1.28 < levels.max() < 1.34
    assert 0.77 < sides.min() < 0.83
    assert 0.97 < sides.max() < 1.03
    assert 0.4 < np.mean(np.array(rises) < 0) < 0.6


@pytest.mark.parametrize("source", [6, -1])
def test_an_image_that_is_not_stored_is_one_sentence(either, source):
    with pytest.raises(TckrError, match="holds 6 images"):
        either.generate(ask([0, source], [1, 2]), context=Context())


def test_a_memorizer_without_weights_says_which_adapter_it_needs(tmp_path):
    generator = load("generator", "memorizer")
    generator.restore(tmp_path)
    with pytest.raises(TckrError, match="adapter 'memorize'"):
        generator.generate(ask([0], [1]), context=Context())


def test_the_memory_is_the_same_bytes_each_time(training_images, tmp_path):
    files = []
    for name in ("one", "two"):
        load("adapter", "memorize").adapt(
            load("generator", "memorizer"),
            training_images,
            ask(range(6), range(6)).prompts,
            weights=tmp_path / name,
            seed=0,
            context=Context(),
        )
        files.append((tmp_path / name / "training_images.safetensors").read_bytes())
    assert files[0] == files[1]


def test_noise_depends_on_the_seed_alone():
    generator = load("generator", "noise", image_size=16)
    images = generator.generate(ask([0, 1, 2], [3, 4, 3]), context=Context())
    assert images.shape == (3, 16, 16, 3)
    assert images.dtype == np.uint8
    assert np.array_equal(images[0], images[2])
    assert not np.array_equal(images[0], images[1])
    assert np.array_equal(images[1:2], generator.generate(ask([7], [4]), context=Context()))


def test_noise_is_uniform_over_all_levels():
    images = load("generator", "noise").generate(ask([0] * 50, range(50)), context=Context())
    counts = np.bincount(images.ravel(), minlength=256)
    expected = images.size / 256
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert 170 < chi_square < 360  # 255 degrees of freedom: 255 +- 4.5 standard deviations of 22.6


def test_no_prompts_give_no_images(either):
    assert either.generate(ask([], []), context=Context()).shape == (0, 12, 12, 3)
    assert load("generator", "noise").generate(ask([], []), context=Context()).shape == (0, 32, 32, 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("noise", {"image_size": 0}),
        ("stable-diffusion", {"steps": 0}),
        ("stable-diffusion", {"image_size": 30}),
        ("stable-diffusion", {"guidance": -1}),
        ("stable-diffusion", {"batch_sizes": 3}),
        ("stable-diffusion", {"dtype": "int8"}),
    ],
)
def test_options_out_of_range_are_refused(name, options):
    with pytest.raises(OptionError):
        default_registry().use("generator", name, label="x", options=options)


@pytest.mark.parametrize("name", ["noise", "memorizer"])
def test_a_control_has_seen_nothing_before(name):
    component = default_registry().get("generator", name).component
    seen = component.pretraining(component.parse_options({}))
    assert judge_contamination(seen, DatasetDescription("pets", ("cat",), {}, "", "", "", "")) == "none"
