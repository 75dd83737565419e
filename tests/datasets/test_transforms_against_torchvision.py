"""The same images through torchvision: equal for whole numbers, to rounding for real ones."""

import numpy as np
import pytest

from wengert.datasets import transforms as ours
from wengert.datasets.transforms import functional as our_functional

torch = pytest.importorskip("torch")
theirs = pytest.importorskip("torchvision.transforms")
PIL = pytest.importorskip("PIL.Image")

MODES = ["NEAREST", "BILINEAR", "BICUBIC"]
COLOUR = np.random.default_rng(0).integers(0, 256, (13, 17, 3), dtype=np.uint8)
GREY = COLOUR[:, :, 0].copy()
pictures = pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])


@pictures
@pytest.mark.parametrize("size", [(13, 5), (13, 50), (4, 17), (60, 17), (30, 40), 29])
@pytest.mark.parametrize("mode", MODES)
def test_resize_is_pillows_on_bytes(picture, size, mode):
    # Where both sides shrink, releases of Pillow differ in which one they shrink (and round) first.
    found = ours.Resize(size, ours.InterpolationMode[mode])(picture)
    wanted = theirs.Resize(size, theirs.InterpolationMode[mode])(PIL.fromarray(picture))
    np.testing.assert_array_equal(found, np.asarray(wanted))


@pictures
@pytest.mark.parametrize("size", [(5, 5), (4, 30), 7])
def test_resize_rounds_twice_as_pillow_does(picture, size):
    found = ours.Resize(size)(picture).astype(int)
    wanted = np.asarray(theirs.Resize(size)(PIL.fromarray(picture))).astype(int)
    assert np.abs(found - wanted).max() <= 1


@pictures
@pytest.mark.parametrize("size", [(5, 5), (30, 40), 7, 29])
@pytest.mark.parametrize("mode", MODES)
def test_resize_of_a_tensor(picture, size, mode):
    found = ours.Resize(size, ours.InterpolationMode[mode])(ours.ToTensor()(picture))
    wanted = theirs.Resize(size, theirs.InterpolationMode[mode], antialias=True)(theirs.ToTensor()(picture))
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)


CASES = [
    ("CenterCrop", (4,)),
    ("CenterCrop", ((20, 6),)),
    ("CenterCrop", ((6, 22),)),
    ("CenterCrop", ((5, 5),)),
    ("Pad", (2,)),
    ("Pad", ((1, 2), 5)),
    ("Pad", ((1, 2, 3, 4), 0, "edge")),
    ("Pad", (3, 0, "reflect")),
    ("Pad", (3, 0, "symmetric")),
    ("Grayscale", ()),
    ("Grayscale", (3,)),
    ("RandomHorizontalFlip", (1.0,)),
    ("RandomVerticalFlip", (1.0,)),
]


@pictures
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_pictures(picture, name, arguments):
    found = getattr(ours, name)(*arguments)(picture)
    wanted = getattr(theirs, name)(*arguments)(PIL.fromarray(picture))
    np.testing.assert_array_equal(found, np.asarray(wanted))


@pictures
@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_tensors(picture, name, arguments):
    if arguments == (3,) and name == "Grayscale" and picture is GREY:
        pytest.skip("torchvision 0.28 gives a grey tensor back with one channel, whatever is asked for")
    found = getattr(ours, name)(*arguments)(ours.ToTensor()(picture))
    wanted = getattr(theirs, name)(*arguments)(theirs.ToTensor()(picture))
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-6, atol=1e-7)


@pictures
def test_the_usual_chain_is_bit_for_bit(picture):
    n = 1 if picture.ndim == 2 else 3
    found, wanted = (
        kit.Compose([kit.ToTensor(), kit.Normalize((0.1307,) * n, (0.3081,) * n)])(picture) for kit in (ours, theirs)
    )
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("mode", ["1", "L", "I", "F", "RGB"])
def test_to_tensor_of_a_pil_image(mode):
    picture = PIL.fromarray(COLOUR).convert(mode)
    found, wanted = ours.ToTensor()(picture), theirs.ToTensor()(picture)
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    assert str(found.dtype).split(".")[1] == str(wanted.dtype).split(".")[1]


@pytest.mark.parametrize("old", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("new", ["uint8", "int16", "int32", "int64", "float32", "float64"])
def test_convert_image_dtype(old, new):
    import wengert

    values = np.linspace(0, 1, 11) if "float" in old else np.linspace(0, np.iinfo(old).max, 11)
    array = values.astype(old).reshape(1, 1, 11)
    try:
        wanted = theirs.ConvertImageDtype(getattr(torch, new))(torch.from_numpy(array.copy()))
    except RuntimeError:
        with pytest.raises(RuntimeError):
            our_functional.convert_image_dtype(wengert.from_numpy(array), getattr(wengert, new))
        return
    found = our_functional.convert_image_dtype(wengert.from_numpy(array), getattr(wengert, new))
    assert found.numpy().dtype == new
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-6)
