"""The IDX reader gives back what was written, and refuses everything that is not a whole IDX file."""

import gzip
import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from wengert.datasets.idx import ELEMENT, parse_idx, read_idx

CODE = {np.dtype(big).newbyteorder("="): code for code, big in ELEMENT.items()}


def to_idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">2B2B{array.ndim}I", 0, 0, CODE[array.dtype], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


any_array = st.sampled_from(sorted(CODE, key=str)).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)


@given(any_array)
def test_what_is_written_is_read(array):
    found = parse_idx(to_idx(array), "file")
    assert found.dtype == array.dtype and found.dtype.isnative and found.flags.writeable
    np.testing.assert_array_equal(found, array)


@given(any_array, st.data())
def test_no_shorter_file_is_taken(array, data):
    content = to_idx(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(RuntimeError, match=r"^file (is truncated|is not an IDX file)"):
        parse_idx(content[:cut], "file")


def test_a_longer_file_is_not_taken():
    with pytest.raises(RuntimeError, match=r"too long: its header promises \[3\] elements of 1 bytes, 11 bytes"):
        parse_idx(to_idx(np.zeros(3, np.uint8)) + b"\0", "file")


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"\x89PNG....", b"\0\0\x0a\x01\0\0\0\0", b"\0\x01\x08\x01\0\0\0\0"]
)
def test_another_format_is_not_taken(content):
    with pytest.raises(RuntimeError, match="not an IDX file: it begins with"):
        parse_idx(content, "file")


@pytest.mark.parametrize("shape", [(0, *[2**32 - 1] * 3), (1,) * 100])
def test_a_shape_that_no_array_can_have_is_refused(shape):
    content = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + b"\0" * int(0 not in shape)
    with pytest.raises(RuntimeError, match="shape that can't be read"):
        parse_idx(content, "file")


def test_plain_and_compressed_files_are_the_same(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "plain").write_bytes(to_idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(to_idx(array)))
    np.testing.assert_array_equal(read_idx(tmp_path / "plain"), array)
    np.testing.assert_array_equal(read_idx(str(tmp_path / "packed.gz")), array)


def test_a_cut_or_changed_compressed_file_is_refused(tmp_path):
    packed = gzip.compress(to_idx(np.arange(200, dtype=np.uint8)))
    path = tmp_path / "packed.gz"
    for cut in (2, 5, 12, len(packed) // 2, len(packed) - 1):
        path.write_bytes(packed[:cut])
        with pytest.raises(RuntimeError, match=r"packed\.gz is (truncated|damaged)"):
            read_idx(path)
    for position in (3, len(packed) // 2, len(packed) - 6):
        changed = bytearray(packed)
        changed[position] ^= 0xFF
        path.write_bytes(changed)
        with pytest.raises(RuntimeError, match=r"packed\.gz is "):
            read_idx(path)


def test_the_checksum_is_that_of_the_content(tmp_path):
    content = to_idx(np.arange(10, dtype=np.int32))
    path = tmp_path / "packed.gz"
    for level in (1, 9):
        path.write_bytes(gzip.compress(content, level))
        assert read_idx(path, hashlib.sha256(content).hexdigest()).shape == (10,)
    with pytest.raises(RuntimeError, match=r"shape \[10\], but not the one that is expected .* Delete it"):
        read_idx(path, "0" * 64)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")
