"""MNIST is read whole and right from wherever it lies, a sample at a time or a batch; wrong files are refused."""

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

import wengert
from tests.datasets.test_idx import to_idx
from wengert.datasets import MNIST, mnist, transforms
from wengert.utils.data import DataLoader, Dataset

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "data"
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = (np.arange(12) % 10).astype(np.uint8)
FILES = {
    f"{part}-{what}": to_idx(array)
    for part in ("train", "t10k")
    for what, array in (("images-idx3-ubyte", IMAGES), ("labels-idx1-ubyte", LABELS))
}


@pytest.fixture(autouse=True)
def small(request, monkeypatch):
    """Twelve images stand for the 70,000, unless the test is about the real ones."""
    if "real" not in request.function.__name__:
        sums = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
        monkeypatch.setattr(mnist, "CHECKSUM", sums)


def lay(folder: Path, packed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        path = folder / f"{name}.gz" if packed else folder / name
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture
def root(tmp_path):
    lay(tmp_path / "mnist")
    return tmp_path


def test_the_real_test_set_is_as_published():
    found = MNIST(EXAMPLES, train=False)
    assert len(found) == 10_000 and found.data.shape == (10_000, 28, 28) and found.targets.shape == (10_000,)
    assert found.data.dtype is wengert.uint8 and found.targets.dtype is wengert.int64
    assert found.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(found.targets.numpy()).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert found.classes[7] == "7 - seven" and found.class_to_idx["7 - seven"] == 7


def test_the_real_training_set_is_as_published():
    found = MNIST(str(EXAMPLES))
    assert len(found) == 60_000 and found.targets[:5].tolist() == [5, 0, 4, 1, 9]
    mean = found.data.numpy().mean() / 255
    assert round(float(mean), 4) == 0.1307


@pytest.mark.parametrize("folder", [".", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_files_are_found_in_each_usual_place(tmp_path, folder, packed):
    lay(tmp_path / folder, packed)
    for train in (True, False):
        np.testing.assert_array_equal(MNIST(tmp_path, train=train).data.numpy(), IMAGES)


def test_a_sample_is_a_picture_and_an_int(root):
    found = MNIST(root)
    picture, label = found[3]
    assert isinstance(found, Dataset) and type(label) is int and label == 3
    assert isinstance(picture, np.ndarray) and picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, IMAGES[3])
    np.testing.assert_array_equal(found[-1][0], IMAGES[11])
    np.testing.assert_array_equal(found[np.int64(2)][0], IMAGES[2])


def test_a_sample_is_the_callers_own(root):
    found = MNIST(root)
    found[0][0][:] = 0
    np.testing.assert_array_equal(found[0][0], IMAGES[0])


@pytest.mark.parametrize(("index", "error"), [(12, IndexError), (-13, IndexError), (1.0, TypeError), ("a", TypeError)])
def test_an_index_that_is_none_is_refused(root, index, error):
    with pytest.raises(error):
        MNIST(root)[index]


def test_transforms_are_applied(root):
    found = MNIST(root, transform=transforms.ToTensor(), target_transform=lambda label: label + 100)
    image, label = found[5]
    assert label == 105 and image.shape == (1, 28, 28) and image.dtype is wengert.float32
    np.testing.assert_array_equal(image.numpy()[0], IMAGES[5] / np.float32(255))


CHAINS = {
    "none": None,
    "to tensor": transforms.ToTensor(),
    "normalised": transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]),
    "cut": transforms.Compose([transforms.CenterCrop(20), transforms.Pad(2), transforms.ToTensor()]),
    "a function": transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x * 2)]),
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("target_transform", [None, lambda label: label * 2])
def test_a_batch_is_its_samples(root, chain, target_transform):
    found = MNIST(root, transform=CHAINS[chain], target_transform=target_transform)
    indices = [7, 0, 0, 11]
    whole = found.__getbatch__(np.array(indices, np.int64))
    assert (whole is NotImplemented) == (chain == "a function" or target_transform is not None)
    images, labels = next(iter(DataLoader(found, batch_sampler=[indices])))
    samples = [found[index] for index in indices]
    assert images.dtype is (wengert.uint8 if chain == "none" else wengert.float32)
    np.testing.assert_array_equal(images.numpy(), np.stack([np.asarray(image) for image, _ in samples]))
    assert labels.dtype is wengert.int64 and labels.tolist() == [label for _, label in samples]


def test_a_batch_with_an_index_out_of_range_is_refused(root):
    with pytest.raises(IndexError):
        MNIST(root, transform=transforms.ToTensor()).__getbatch__(np.array([0, 12]))


def test_a_loader_gives_what_the_set_holds(root):
    loader = DataLoader(MNIST(root, transform=transforms.ToTensor()), batch_size=5)
    batches = list(loader)
    assert [tuple(images.shape) for images, _ in batches] == [(5, 1, 28, 28), (5, 1, 28, 28), (2, 1, 28, 28)]
    together = np.concatenate([images.numpy() for images, _ in batches])
    np.testing.assert_array_equal(together[:, 0], IMAGES / np.float32(255))
    assert [label for _, labels in batches for label in labels.tolist()] == LABELS.tolist()


def test_changed_data_and_labels_are_what_is_read(root):
    found = MNIST(root, transform=transforms.ToTensor())
    found.targets[0] = 9
    found.data[0] = 255
    assert found[0][1] == 9 and float(found[0][0].min()) == 1.0
    images, labels = found.__getbatch__(np.array([0, 1]))
    assert labels.tolist() == [9, 1] and float(images[0].min()) == 1.0
    found.data, found.targets = found.data[::2], found.targets[::2]
    assert len(found) == 6 and found[1][1] == 2


def test_the_set_describes_itself(root):
    text = repr(MNIST(root, transform=CHAINS["normalised"]))
    assert text.splitlines()[:4] == [
        "Dataset MNIST", "    Number of datapoints: 12", f"    Root location: {root}", "    Split: Train",
    ]  # fmt: skip
    assert "Normalize(mean=(0.1307,), std=(0.3081,))" in text


def test_a_missing_set_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(RuntimeError, match=r"Dataset not found: .*You can use download=True"):
        MNIST(tmp_path)


def test_a_truncated_file_is_refused(root):
    path = root / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RuntimeError, match=r"train-images-idx3-ubyte\.gz is truncated"):
        MNIST(root)
    assert len(MNIST(root, train=False)) == 12


@pytest.mark.parametrize("content", [FILES["train-labels-idx1-ubyte"], to_idx(IMAGES[::-1])])
def test_another_file_of_the_name_is_refused(root, content):
    (root / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(RuntimeError, match="not the one that is expected here"):
        MNIST(root)


def test_what_is_no_function_is_no_transform(root):
    with pytest.raises(TypeError, match="target_transform should be a function"):
        MNIST(root, target_transform=3)


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """Three mirrors: one that does not exist, one with damaged files, one that is well."""
    folders = [tmp_path / "gone", tmp_path / "bad", tmp_path / "good"]
    lay(folders[2])
    folders[1].mkdir()
    for path in folders[2].iterdir():
        (folders[1] / path.name).write_bytes(path.read_bytes()[:-9])
    monkeypatch.setattr(MNIST, "mirrors", tuple(f"{folder.as_uri()}/" for folder in folders))
    return folders


def test_a_download_passes_over_bad_mirrors_and_leaves_only_whole_files(mirrors, tmp_path):
    root = tmp_path / "new"
    np.testing.assert_array_equal(MNIST(root, download=True).data.numpy(), IMAGES)
    kept = sorted(path.name for path in (root / "MNIST" / "raw").iterdir())
    assert kept == sorted(f"{name}.gz" for name in FILES)


def test_a_download_fetches_nothing_that_is_there(mirrors, tmp_path, root):
    for path in mirrors[2].iterdir():
        path.unlink()
    assert len(MNIST(root, download=True)) == 12
    assert not (root / "MNIST").exists()


def test_a_download_without_a_good_mirror_says_each_reason_and_leaves_nothing(mirrors, tmp_path):
    for path in mirrors[2].iterdir():
        path.write_bytes(b"<html>not here</html>")
    root = tmp_path / "new"
    with pytest.raises(RuntimeError, match=r"(?s)could not be fetched.*gone/.*bad/.*truncated.*good/.*not an IDX file"):
        MNIST(root, download=True)
    assert list((root / "MNIST" / "raw").iterdir()) == []
