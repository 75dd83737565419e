"""Each transform does what it says to one image, and to a batch what it does to each image of it."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import wengert
from wengert.datasets import transforms as T
from wengert.datasets.transforms import functional as F
from wengert.datasets.transforms.chance import uniform, whole_numbers

GREY = np.random.default_rng(0).integers(0, 256, (7, 5), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (7, 5, 3), dtype=np.uint8)


def tensor(picture):
    return T.PILToTensor()(picture)


def array(image):
    return image if isinstance(image, np.ndarray) else image.numpy()


# --- values


def test_to_tensor_scales_bytes_and_moves_channels_first():
    image = T.ToTensor()(COLOUR)
    assert image.shape == (3, 7, 5) and image.dtype is wengert.float32
    np.testing.assert_array_equal(image.numpy(), np.moveaxis(COLOUR, 2, 0) / np.float32(255))
    assert T.ToTensor()(GREY).shape == (1, 7, 5)


def test_to_tensor_leaves_other_dtypes_as_they_are():
    for dtype in (np.float64, np.int32, np.bool_):
        image = T.ToTensor()(GREY.astype(dtype))
        np.testing.assert_array_equal(image.numpy()[0], GREY.astype(dtype))
        assert image.numpy().dtype == dtype


def test_to_tensor_does_not_share_memory():
    picture = GREY.astype(np.float32)
    image = T.ToTensor()(picture)
    picture[:] = -1
    assert float(image.min()) >= 0


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(np.zeros(3), ValueError), (np.zeros((1, 2, 3, 4)), ValueError), ([[1]], TypeError), ("image", TypeError)],
)
def test_to_tensor_refuses_what_is_no_picture(wrong, error):
    with pytest.raises(error):
        T.ToTensor()(wrong)
    with pytest.raises(TypeError, match="is a tensor already"):
        T.ToTensor()(wengert.zeros(1, 2, 2))


def test_an_empty_picture_is_an_empty_tensor():
    assert T.ToTensor()(np.zeros((0, 4), np.uint8)).shape == (1, 0, 4)


def test_normalize_is_the_formula_per_channel():
    image = T.ToTensor()(COLOUR)
    mean, std = (0.1, 0.2, 0.3), (0.5, 1.0, 2.0)
    wanted = (image.numpy() - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
    np.testing.assert_allclose(T.Normalize(mean, std)(image).numpy(), wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(T.Normalize([0.5], 2)(image).numpy(), (image.numpy() - np.float32(0.5)) / 2)
    assert F.normalize(image, mean, std, inplace=True) is image
    np.testing.assert_allclose(image.numpy(), wanted, rtol=1e-6, atol=1e-7)


def test_normalize_refuses_what_has_no_mean():
    with pytest.raises(TypeError, match="ToTensor before Normalize"):
        T.Normalize(0, 1)(GREY)
    with pytest.raises(TypeError, match="floating"):
        T.Normalize(0, 1)(tensor(GREY))
    with pytest.raises(ValueError, match="standard deviation is zero"):
        T.Normalize(0.5, (1, 0, 1))(T.ToTensor()(COLOUR))
    with pytest.raises(ValueError, match="channels, rows, columns"):
        T.Normalize(0, 1)(wengert.zeros(3, 3))


def test_convert_image_dtype_keeps_the_range():
    image = tensor(np.array([[0, 1, 128, 255]], np.uint8))
    real = T.ConvertImageDtype(wengert.float32)(image)
    np.testing.assert_array_equal(real.numpy()[0, 0], np.float32([0, 1, 128, 255]) / 255)
    assert T.ConvertImageDtype(wengert.uint8)(real).tolist() == image.tolist()
    assert T.ConvertImageDtype(wengert.int16)(image).tolist() == [[[0, 128, 16384, 32640]]]
    assert T.ConvertImageDtype(wengert.uint8)(T.ConvertImageDtype(wengert.int16)(image)).tolist() == image.tolist()
    assert F.convert_image_dtype(image, wengert.uint8) is image
    with pytest.raises(RuntimeError, match="too few digits"):
        F.convert_image_dtype(real, wengert.int32)


def test_grey_is_the_luminance():
    white = np.full((2, 2, 3), 255, np.uint8)
    assert (T.Grayscale()(white) == 255).all() and T.Grayscale()(white).shape == (2, 2)
    assert T.Grayscale(3)(COLOUR).shape == (7, 5, 3) and T.Grayscale()(GREY) is GREY
    assert T.Grayscale(3)(T.ToTensor()(COLOUR)).shape == (3, 7, 5)
    near = T.Grayscale()(T.ToTensor()(COLOUR)).numpy()[0] * 255
    np.testing.assert_allclose(near, T.Grayscale()(COLOUR), atol=0.6)
    with pytest.raises(ValueError, match="1 or 3"):
        T.Grayscale(2)(COLOUR)


# --- geometry: pictures and tensors agree


MOVES = [
    T.CenterCrop(3),
    T.CenterCrop((9, 4)),
    T.CenterCrop((7, 5)),
    T.CenterCrop((8, 10)),
    T.Pad(2),
    T.Pad((1, 2), fill=7),
    T.Pad((1, 0, 3, 2), padding_mode="edge"),
    T.Pad(3, padding_mode="reflect"),
    T.Pad((4, 2), padding_mode="symmetric"),
    T.Resize((14, 10), T.InterpolationMode.NEAREST_EXACT),
    F.hflip,
    F.vflip,
    lambda image: F.crop(image, 1, 2, 3, 2),
    lambda image: F.crop(image, -2, 3, 4, 6),
    lambda image: F.crop(image, 5, -3, 6, 2),
    lambda image: F.crop(image, 20, 20, 2, 3),
    lambda image: F.crop(image, 0, 0, 0, 2),
]


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("move", MOVES)
def test_a_tensor_is_moved_as_its_picture_is(move, picture):
    np.testing.assert_array_equal(move(tensor(picture)).numpy(), tensor(move(picture)).numpy())


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("move", [m for m in MOVES if hasattr(m, "batch")] + [T.Resize((4, 6)), T.Resize(9)])
def test_a_batch_is_moved_as_its_images_are(move, picture):
    pictures = np.stack([picture, picture[::-1], picture // 2])
    np.testing.assert_array_equal(move.batch(pictures), np.stack([move(one) for one in pictures]))
    tensors = wengert.stack([T.ToTensor()(one) for one in pictures])
    wanted = np.stack([move(one).numpy() for one in tensors])
    np.testing.assert_allclose(move.batch(tensors).numpy(), wanted, rtol=1e-6, atol=1e-6)


def test_crop_is_a_window_with_zeros_outside():
    np.testing.assert_array_equal(F.crop(GREY, 2, 1, 3, 4), GREY[2:5, 1:5])
    np.testing.assert_array_equal(F.crop(GREY, -1, -2, 3, 4), np.pad(GREY, ((1, 0), (2, 0)))[:3, :4])
    assert not F.crop(GREY, 50, 50, 2, 2).any()


def test_pad_fills_as_asked():
    np.testing.assert_array_equal(T.Pad((1, 2, 3, 4), fill=9)(GREY), np.pad(GREY, ((2, 4), (1, 3)), constant_values=9))
    assert T.Pad(1, fill=(1, 2, 3))(COLOUR)[0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: T.Pad(-1), ValueError),
        (lambda: T.Pad((1, 2, 3)), ValueError),
        (lambda: T.Pad(1.5), TypeError),
        (lambda: T.Pad(1, padding_mode="wrap"), ValueError),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError),
        (lambda: T.CenterCrop("large"), TypeError),
        (lambda: T.Resize(-1), ValueError),
        (lambda: T.RandomCrop(3, padding=(1, 2, 3)), ValueError),
        (lambda: T.RandomHorizontalFlip(1.5), ValueError),
        (lambda: T.Compose([T.ToTensor(), 3]), TypeError),
        (lambda: T.Lambda(3), TypeError),
        (lambda: F.hflip([1, 2]), TypeError),
        (lambda: F.hflip(np.zeros(3)), ValueError),
        (lambda: F.resize(GREY, 3, "bilinear"), TypeError),
        (lambda: F.resize(GREY, 0), ValueError),
        (lambda: F.resize(GREY, 3, max_size=2), ValueError),
    ],
)
def test_bad_arguments_are_refused_at_once(make, error):
    with pytest.raises(error):
        make()


def test_resize_keeps_the_proportion_of_one_number():
    assert F.resize(np.zeros((20, 10), np.uint8), 5).shape == (10, 5)
    assert F.resize(np.zeros((10, 20, 3), np.uint8), 5).shape == (5, 10, 3)
    assert F.resize(np.zeros((10, 30), np.uint8), 5, max_size=10).shape == (3, 10)
    assert F.resize(wengert.zeros(2, 3, 10, 20), [4, 4]).shape == (2, 3, 4, 4)
    assert F.resize(GREY, (7, 5)) is GREY


@pytest.mark.parametrize("mode", [T.InterpolationMode.BILINEAR, T.InterpolationMode.BICUBIC])
@pytest.mark.parametrize("size", [(1, 1), (3, 9), (20, 2)])
def test_resize_keeps_a_constant_and_the_same_dtype(mode, size):
    for dtype in (np.uint8, np.float32):
        resized = F.resize(np.full((6, 5), 200, dtype), size, mode)
        assert resized.dtype == dtype
        np.testing.assert_allclose(resized, np.full(size, 200), rtol=1e-6)


# --- chance


def test_random_crop_stays_inside_and_reaches_every_place():
    wengert.manual_seed(0)
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    seen = {int(T.RandomCrop((2, 2))(picture)[0, 0]) for _ in range(200)}
    assert seen == {0, 1, 2, 4, 5, 6}
    with pytest.raises(ValueError, match="larger than the image"):
        T.RandomCrop(4)(picture)
    assert T.RandomCrop(6, pad_if_needed=True)(picture).shape == (6, 6)
    assert T.RandomCrop(3, padding=2)(tensor(picture)).shape == (1, 3, 3)


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_batch_is_cropped_image_by_image(picture, as_tensor):
    wengert.manual_seed(0)
    images = np.stack([picture] * 40)
    if as_tensor:
        images = wengert.stack([tensor(picture)] * 40)
    cut = array(T.RandomCrop((4, 3), padding=1).batch(images))
    bordered = array(T.Pad(1)(tensor(picture) if as_tensor else picture))
    rows = slice(1, None) if as_tensor else slice(None)
    wanted = {
        array(F.crop(tensor(T.Pad(1)(picture)) if as_tensor else bordered, top, left, 4, 3)).tobytes()
        for top in range(6)
        for left in range(5)
    }
    found = {one.tobytes() for one in cut}
    assert rows and found <= wanted and len(found) > 10


@pytest.mark.parametrize(("flip", "plain"), [(T.RandomHorizontalFlip, F.hflip), (T.RandomVerticalFlip, F.vflip)])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_flip_happens_with_its_probability(flip, plain, as_tensor):
    wengert.manual_seed(0)
    images = wengert.stack([tensor(COLOUR)] * 200) if as_tensor else np.stack([COLOUR] * 200)
    flipped = array(plain(images[0])).tobytes()
    share = np.mean([one.tobytes() == flipped for one in array(flip(0.25).batch(images))])
    assert 0.15 < share < 0.35
    assert array(flip(1.0)(images[0])).tobytes() == flipped == array(flip(1.0).batch(images))[3].tobytes()
    np.testing.assert_array_equal(array(flip(0.0).batch(images)), array(images))


def test_the_seed_decides():
    def drawn():
        wengert.manual_seed(3)
        return [*uniform(3), *whole_numbers(1000, 3), *T.RandomCrop(2)(GREY).ravel()]

    assert drawn() == drawn()


@given(st.integers(1, 50), st.integers(0, 20))
@settings(max_examples=20)
def test_whole_numbers_are_below_their_bound(bound, n):
    drawn = whole_numbers(bound, n)
    assert drawn.shape == (n,) and ((drawn >= 0) & (drawn < bound)).all()


# --- chains


def test_a_chain_takes_a_batch_only_if_every_link_does():
    assert T.batch_form(T.Compose([T.CenterCrop(3), T.Compose([T.ToTensor()])])) is not None
    assert T.batch_form(T.Compose([T.ToTensor(), T.Lambda(abs)])) is None
    assert T.batch_form(abs) is None and T.batch_form(T.Grayscale()) is None
    assert T.batch_form(None)(GREY) is GREY
    assert T.batch_form(T.Compose([]))(GREY) is GREY


def test_a_subclass_that_changes_one_image_is_not_taken_for_its_parent():
    class Darker(T.ToTensor):
        def __call__(self, pic):
            return super().__call__(pic) / 2

    class Named(T.ToTensor):
        pass

    assert T.batch_form(Darker()) is None and T.batch_form(Named()) is not None


def test_a_chain_prints_its_links():
    assert repr(T.Compose([T.ToTensor(), T.Pad(1)])) == (
        "Compose(\n    ToTensor()\n    Pad(padding=1, fill=0, padding_mode=constant)\n)"
    )
