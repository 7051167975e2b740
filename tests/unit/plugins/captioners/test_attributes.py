"""Laws of the attribute captions."""

import numpy as np
import numpy.typing as npt
import pytest
from tckr_plugins.captioners.attributes import BRIGHTNESS, CHUNK, describe_images

Pixels = npt.NDArray[np.uint8]


def draw_box(colour: tuple[int, int, int], rows: slice, columns: slice, backdrop: int = 0) -> Pixels:
    """Draw one filled box on a plain 32x32 background."""
    image = np.full((32, 32, 3), backdrop, dtype=np.uint8)
    image[rows, columns] = colour
    return image


def describe(image: Pixels) -> str:
    """Describe one image."""
    return describe_images(image[None])[0]


@pytest.fixture
def noise() -> Pixels:
    """Draw 40 images of smooth random colours and shapes."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, size=(40, 4, 4, 3), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def test_same_images_give_same_sentences(noise: Pixels) -> None:
    assert describe_images(noise) == describe_images(noise.copy())


def test_sentence_depends_on_its_own_image_only(noise: Pixels) -> None:
    alone = [describe(image) for image in noise]
    assert describe_images(noise) == alone
    assert describe_images(noise[::-1]) == alone[::-1]


def test_more_images_than_a_chunk() -> None:
    image = draw_box((200, 200, 200), slice(4, 28), slice(8, 24))
    sentences = describe_images(np.repeat(image[None], CHUNK + 1, axis=0))
    assert sentences == [describe(image)] * (CHUNK + 1)


def test_no_image_gives_no_sentence() -> None:
    assert describe_images(np.zeros((0, 32, 32, 3), dtype=np.uint8)) == []


@pytest.mark.parametrize("shape", [(2, 32, 32), (2, 32, 32, 1), (2, 4, 32, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="images must be"):
        describe_images(np.zeros(shape, dtype=np.uint8))


def test_brighter_objects_get_brighter_words() -> None:
    boxes = [draw_box((v, v, v), slice(4, 28), slice(8, 24)) for v in range(20, 256, 5)]
    sentences = describe_images(np.stack(boxes))
    ranks = [max(i for i, word in enumerate(BRIGHTNESS) if f"a {word} " in text) for text in sentences]
    assert ranks == sorted(ranks)
    assert set(ranks) == set(range(len(BRIGHTNESS)))


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((220, 20, 20), "red"),
        ((240, 140, 20), "orange"),
        ((235, 225, 30), "yellow"),
        ((20, 180, 30), "green"),
        ((30, 60, 220), "blue"),
        ((130, 30, 200), "purple"),
        ((240, 60, 170), "pink"),
        ((110, 65, 25), "brown"),
        ((130, 130, 130), "grey"),
        ((250, 250, 250), "white"),
    ],
)
@pytest.mark.parametrize("backdrop", [0, 255])
def test_colours_are_named(colour: tuple[int, int, int], name: str, backdrop: int) -> None:
    if name == "white":
        backdrop = 0
    sentence = describe(draw_box(colour, slice(4, 28), slice(8, 24), backdrop))
    assert f" {name} object" in sentence
    assert sentence.endswith(f"on a {'white' if backdrop else 'black'} background")


def test_greyscale_images_have_no_colour() -> None:
    grey = np.random.default_rng(1).integers(0, 256, size=(20, 28, 28, 1), dtype=np.uint8)
    sentences = describe_images(grey.repeat(3, axis=3))
    assert all(any(f" {word} object" in text for word in ("black", "grey", "white")) for text in sentences)


def test_extent_follows_the_box() -> None:
    upright = describe(draw_box((180, 180, 180), slice(1, 31), slice(11, 21)))
    lying = describe(draw_box((180, 180, 180), slice(11, 21), slice(1, 31)))
    assert ", tall and narrow, compact, plain, evenly lit, centred on" in upright
    assert ", short and wide, compact, plain, evenly lit, centred on" in lying


@pytest.mark.parametrize(
    ("rows", "columns", "word"),
    [
        (slice(10, 22), slice(2, 12), "left"),
        (slice(10, 22), slice(20, 30), "right"),
        (slice(2, 12), slice(10, 22), "high"),
        (slice(20, 30), slice(10, 22), "low"),
    ],
)
def test_position_follows_the_box(rows: slice, columns: slice, word: str) -> None:
    assert f", {word} on a black background" in describe(draw_box((180, 180, 180), rows, columns))


def test_stripes_are_patterned_and_light_comes_from_above() -> None:
    striped = draw_box((220, 220, 220), slice(4, 28), slice(8, 24))
    striped[4:28:2, 8:24] = 90
    assert ", patterned," in describe(striped)
    graded = draw_box((230, 230, 230), slice(4, 28), slice(8, 24))
    graded[16:28, 8:24] = 120
    assert ", lighter above," in describe(graded)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_plain_images_are_their_own_object(value: int) -> None:
    sentence = describe(np.full((8, 8, 3), value, dtype=np.uint8))
    assert "tall and wide, compact, plain, evenly lit, centred" in sentence
