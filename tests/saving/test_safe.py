"""safetensors, beside the package of that name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors import SafetensorError

import wengert
from tests.functions.peer import array
from wengert import nn
from wengert.saving import load_file, load_metadata, safe, save_file

NAMES = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64".split()


def tensors():
    made = {name: wengert.arange(6).reshape(2, 3).to(getattr(wengert, name)) for name in NAMES}
    return {**made, "scalar": wengert.tensor(2.5), "empty": wengert.zeros(0, 3), "turned": wengert.arange(6.0).reshape(2, 3).T}


def test_a_round_trip_with_metadata(tmp_path):
    path = tmp_path / "m.safetensors"
    before = tensors()
    save_file(before, path, {"epoch": "3", "größe": "ß"})
    after = load_file(path)
    assert after.keys() == before.keys()
    for name, x in before.items():
        assert after[name].dtype is x.dtype and after[name].shape == x.shape
        np.testing.assert_array_equal(array(after[name]), array(x))
    assert load_metadata(path) == {"epoch": "3", "größe": "ß"}
    assert wengert.load(path).keys() == before.keys()
    assert safe.load(safe.save(before)).keys() == before.keys()


def test_both_ways_with_the_package(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as their_load, save_file as their_save

    path = tmp_path / "m.safetensors"
    before = tensors()
    save_file(before, path, {"a": "b"})
    for name, x in their_load(path).items():
        assert str(x.dtype).partition(".")[2] == before[name].dtype.name
        assert x.tolist() == before[name].tolist()
    their_save({name: torch.tensor(x.tolist(), dtype=getattr(torch, x.dtype.name)) for name, x in before.items()}, path)
    for name, x in load_file(path).items():
        assert x.dtype is before[name].dtype and x.tolist() == before[name].tolist()


def test_a_module(tmp_path):
    path = tmp_path / "m.safetensors"
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    save_file(a.state_dict(), path)
    b.load_state_dict(load_file(path))
    assert wengert.equal(a.weight, b.weight)


def test_what_the_format_cannot_say_is_refused(tmp_path):
    x = wengert.ones(3)
    with pytest.raises(ValueError, match="share memory"):
        safe.save({"a": x, "b": x[1:]})
    with pytest.raises(ValueError, match="share memory"):
        safe.save({"a": x, "b": x})
    with pytest.raises(ValueError, match="complex128"):
        safe.save({"a": wengert.ones(2, dtype=wengert.complex128)})
    with pytest.raises(ValueError, match="expected a Tensor"):
        safe.save({"a": 3})
    with pytest.raises(ValueError, match="Expected a dict"):
        safe.save([x])
    with pytest.raises(TypeError, match="metadata"):
        safe.save({"a": x}, {"a": 1})


def packed(header, data=b"\x00" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"abc", packed(b"{"), packed(b"[]"), packed(b"\xff\xfe"), (2**60).to_bytes(8, "little") + b"{}",
        packed({"a": GOOD}, b"\x00" * 7), packed({"a": GOOD}, b"\x00" * 9), packed({"a": {**GOOD, "shape": [3]}}),
        packed({"a": {**GOOD, "dtype": "F7"}}), packed({"a": {**GOOD, "dtype": []}}), packed({"a": {**GOOD, "shape": [-2]}}),
        packed({"a": {**GOOD, "shape": [2.0]}}), packed({"a": {**GOOD, "data_offsets": [4, 12]}}),
        packed({"a": {**GOOD, "data_offsets": [8, 0]}}), packed({"a": GOOD, "b": GOOD}), packed({"a": {**GOOD, "more": 1}}),
        packed({"a": 3}), packed(b'{"a": %s, "a": %s}' % ((json.dumps(GOOD).encode(),) * 2)),
        packed({"a": {**GOOD, "shape": [2**62, 2**62]}}), packed(b"[" * 100_000),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(data):
    with pytest.raises(SafetensorError):
        safe.load(data)
