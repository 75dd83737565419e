"""Files made to do harm, or damaged: an error that says so, no code run, nothing read outside a buffer."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile

import pytest

import wengert
from wengert.saving.allowed import build, find
from wengert.saving.machine import Machine

ran: list[str] = []


def run_me(*args):
    ran.append("ran")


class Evil:
    def __init__(self, call, args):
        self.call = (call, args)

    def __reduce__(self):
        return self.call


def refuse(pid):
    raise pickle.UnpicklingError("no storage here")


def loads(data):
    return Machine(find, refuse, build).load(data)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_things_of_every_protocol(protocol):
    shared = [1]
    thing = {"a": [1, 2.5, "x", None, True, (1, 2, 3, 4), 2**90], "b": shared, "c": shared, 3: {4}, "d": b"\xfe", "t": ()}
    again = loads(pickle.dumps(thing, protocol))
    assert again == thing
    assert again["b"] is again["c"]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("call", "args"),
    [
        (os.system, ("true",)), (eval, ("1",)), (exec, ("1",)), (getattr, (os, "system")), (run_me, ()), (print, ("x",)),
        (open, ("f",)), (__import__, ("os",)), (pickle.loads, (b"N.",)), (io.FileIO, ("f",)), (type, ("a", (), {})),
    ],
)  # fmt: skip
def test_nothing_is_called(call, args, protocol):
    data = pickle.dumps({"state": Evil(call, args if call is not getattr else ("x", "upper"))}, protocol)
    with pytest.raises(pickle.UnpicklingError):
        loads(data)
    assert not ran


NUMPY_FLOAT = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8\x89\x88tR"
HARMFUL = {
    "huge bytearray": b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "huge set": b"c__builtin__\nset\nJ\xff\xff\xff\x7f\x85R.",
    "negative size": b"ctorch\nSize\nJ\xff\xff\xff\xff\x85\x85R.",
    "an attribute of a class": b"ctorch\nTensor\n}X\x01\x00\x00\x00aK\x01sb.",
    "state of a function": b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
    "append to a tuple": b"(K\x01tK\x02a.",
    "item of a list": b"]K\x00K\x01s.",
    "call of a number": b"K\x01)R.",
    "call of a type that is only a name": b"ctorch\nTensor\n)R.",
    "call with no tuple": b"ccollections\nOrderedDict\n]R.",
    "memo never written": b"h\x05.",
    "memo index": b"r\xff\xff\xff\xff.",
    "pop of nothing": b"a.",
    "no stop": b"]",
    "nothing": b"",
    "long string": b"X\xff\xff\xff\x7fabc.",
    "unhashable key": b"}]K\x01s.",
    "extension code": b"\x82\x01.",
    "instance": b"(cos\nsystem\no.",
    "inst": b"(S'true'\nios\nsystem\n.",
    "dotted name": b"\x8c\x08builtins\x8c\x0dobject.__init\x93.",
    "name is no text": b"K\x01K\x02\x93.",
    "items of an OrderedDict": b"ccollections\nOrderedDict\n)R}X\x05\x00\x00\x00itemsK\x01sb.",
    "object of kwargs": b"ccollections\nOrderedDict\n)}\x92.",
    "a NumPy scalar beyond its data": b"cnumpy.core.multiarray\nscalar\n(" + NUMPY_FLOAT + b"C\x01atR.",
    "a NumPy object": b"cnumpy\ndtype\n(X\x01\x00\x00\x00O\x89\x88tR.",
    "an encoding": b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.",
}


@pytest.mark.parametrize("data", HARMFUL.values(), ids=HARMFUL)
def test_harmful_or_broken_pickles_are_refused(data):
    with pytest.raises(pickle.UnpicklingError):
        loads(data)


def test_a_deep_pickle_needs_no_recursion():
    found = loads(b"(" * 100_000 + b"K\x01" + b"t" * 100_000 + b".")
    for _ in range(100_000):
        (found,) = found
    assert found == 1


# --- archives ------------------------------------------------------------------------------------------------------


def checkpoint():
    file = io.BytesIO()
    wengert.save({"weight": wengert.arange(6.0).reshape(2, 3), "name": "net"}, file)
    return file.getvalue()


def repacked(change, compression=zipfile.ZIP_STORED):
    """The checkpoint with its records (a dict of bytes) changed."""
    with zipfile.ZipFile(io.BytesIO(checkpoint())) as old:
        records = {name: old.read(name) for name in old.namelist()}
    change(records)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as new:
        for name, data in records.items():
            new.writestr(name, data)
    out.seek(0)
    return out


def swap(old, new):
    def change(records):
        assert old in records["archive/data.pkl"]
        records["archive/data.pkl"] = records["archive/data.pkl"].replace(old, new, 1)

    return change


def test_the_untouched_archive_loads():
    assert wengert.load(repacked(lambda records: None))["weight"].sum() == 15.0


@pytest.mark.parametrize(
    "change",
    [
        swap(b"K\x02K\x03\x86", b"K\x02K\x04\x86"),  # larger than the storage
        swap(b"K\x03K\x01\x86", b"K\x04K\x01\x86"),  # a stride that leaves it
        swap(b"QK\x00", b"QK\x01"),  # an offset that leaves it
        swap(b"QK\x00", b"QJ\xff\xff\xff\xff"),  # a negative offset
        swap(b"QK\x00", b"Q\x8a\x09" + b"\xff" * 8 + b"\x00"),  # an offset of 64 bits
        swap(b"K\x03K\x01\x86", b"J\xff\xff\xff\xffK\x01\x86"),  # a negative stride
        swap(b"K\x03K\x01\x86", b"K\x03\x85"),  # too few strides
        swap(b"K\x02K\x03\x86", b"G?\xf0\x00\x00\x00\x00\x00\x00K\x03\x86"),  # a size that is no integer
        swap(b"K\x06t", b"K\x05t"),  # fewer elements than the record has
        swap(b"FloatStorage", b"DoubleStorage"),
        swap(b"FloatStorage", b"NoStorage"),
        swap(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009"),  # a record that is not there
        swap(b"X\x07\x00\x00\x00storage", b"X\x06\x00\x00\x00module"),
        lambda records: records.update({"archive/data/0": b"\x00" * 20}),
        lambda records: records.pop("archive/data/0"),
        lambda records: records.pop("archive/data.pkl"),
        lambda records: records.update({"other/data.pkl": b"N."}),
        lambda records: records.update({"archive/byteorder": b"middle"}),
        lambda records: records.update({"archive/constants.pkl": b"N."}),
    ],
)
def test_lies_about_storages_are_refused(change):
    with pytest.raises(pickle.UnpicklingError):
        wengert.load(repacked(change))


def test_the_other_byte_order_is_turned():
    def change(records):
        records["archive/byteorder"] = b"big"
        records["archive/data/0"] = struct.pack(">6f", *range(6))

    assert wengert.load(repacked(change))["weight"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_zip_bomb_is_refused_before_it_unpacks():
    bomb = repacked(lambda records: records.update({"archive/data/0": bytes(10**7)}), zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 50_000
    with pytest.raises(pickle.UnpicklingError, match="compressed"):
        wengert.load(bomb)


def test_records_that_overlap_are_refused():
    """A thousand directory entries for the same bytes would unpack to a thousand times the file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"N.")
        archive.writestr("archive/data/0", bytes(100_000))
        (info,) = [i for i in archive.filelist if i.filename.endswith("/0")]
        archive.filelist.extend([info] * 1000)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="overlap"):
        wengert.load(file)


def expected_errors():
    return (pickle.UnpicklingError, RuntimeError, EOFError)


@pytest.mark.parametrize("legacy", [False, True])
def test_every_truncation_is_an_error(legacy):
    file = io.BytesIO()
    wengert.save({"w": wengert.ones(3)}, file, _use_new_zipfile_serialization=not legacy)
    whole = file.getvalue()
    for length in range(0, len(whole), 1 if legacy else 7):
        with pytest.raises(expected_errors()):
            wengert.load(io.BytesIO(whole[:length]))


@pytest.mark.parametrize("legacy", [False, True])
def test_damage_anywhere_gives_a_value_or_a_clear_error(legacy):
    file = io.BytesIO()
    wengert.save({"w": wengert.ones(3, 2), "t": (1, "a")}, file, _use_new_zipfile_serialization=not legacy)
    whole, dice = file.getvalue(), random.Random(1)
    for _ in range(1500):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(whole))] = dice.randrange(256)
        try:
            found = wengert.load(io.BytesIO(bytes(damaged)))
        except expected_errors():
            continue
        if isinstance(found, dict) and isinstance(found.get("w"), wengert.Tensor):
            found["w"].tolist()


def test_an_mmap_of_a_damaged_file_stays_inside(tmp_path):
    path = tmp_path / "m.pt"
    whole, dice = checkpoint(), random.Random(2)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            damaged[dice.randrange(len(whole))] = dice.randrange(256)
        path.write_bytes(bytes(damaged[: dice.choice([len(whole), len(whole), dice.randrange(len(whole))])]))
        try:
            found = wengert.load(path, mmap=True)
        except (*expected_errors(), RuntimeError):
            continue
        if isinstance(found, dict) and isinstance(found.get("weight"), wengert.Tensor):
            found["weight"].tolist()
