"""The comparison of a tape with a likeness of it (`graph/likeness.py`), as LLVM IR.

    i64 wengert_tape_fits(ptr list, ptr words, ptr room)   1 when it fits, else 0

Objects of CPython are read at addresses that are measured (`bound.slot`) or checked (`layout_is_known`), and only while
the interpreter's lock is held. A list holds nodes alone, and a node's `inputs` is a tuple of nodes.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from typing import Any

from wengert.backends.llvm import jit
from wengert.backends.llvm.bound import slot, without_lock
from wengert.graph.likeness import ANY, FACTS, HEADER, OUTER_FACTS, compare
from wengert.graph.node import Node

# PyObject: count of references, type; PyVarObject: size; PyTupleObject: items; PyListObject: pointer to the items.
_TYPE, _SIZE, _ITEMS = 8, 16, 24
# PyFloatObject: the value. PyLongObject: a word that tells the sign and the number of digits, then digits of 30 bits.
_VALUE, _DIGIT = 16, 24


def install(objects: Any) -> None:
    """Make the comparison known, once. objects: from LLVM IR and what compiles it to object code."""
    if compare or not layout_is_known():
        return
    code = jit.Loaded(objects(text(), jit.compile_object))
    function: Any = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
        code.address("wengert_tape_fits")
    )
    function.code = code  # keeps it alive
    compare.append(function)


def layout_is_known() -> bool:
    """Whether nodes, tuples, lists and numbers of this interpreter lie in memory as the code expects."""
    if sys.implementation.name != "cpython" or without_lock() or None in [slot(Node, name) for name in (*FACTS, "inputs")]:
        return False
    word, half = ctypes.c_int64.from_address, ctypes.c_uint32.from_address
    probe: Any = (object(), 1.5, 1234567)
    items = [probe]
    start = id(probe)
    counted = sys.getrefcount(probe)
    more = [probe, probe]
    return (
        word(start + _TYPE).value == id(tuple)
        and word(start + _SIZE).value == 3
        and [word(start + _ITEMS + 8 * i).value for i in range(3)] == list(map(id, probe))
        and word(word(id(items) + _ITEMS).value).value == start
        and word(id(items) + _SIZE).value == 1
        and ctypes.c_double.from_address(id(probe[1]) + _VALUE).value == 1.5
        and half(id(probe[2]) + _DIGIT).value == 1234567
        and word(id(probe[2]) + _SIZE).value == _one_digit()[-1]
        and half(start).value - (counted - 1) == len(more)
    )


def _one_digit() -> tuple[int, ...]:
    """What stands in an int's word of sign and size when it has one digit: negative, positive."""
    return (8 | 2, 8) if sys.version_info >= (3, 12) else (-1, 1)


# --- the text ---------------------------------------------------------------------------------------------------------


def text() -> str:
    """The LLVM IR."""
    return "\n".join([_same(), _fits(), "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"])


def _read(name: str, kind: str, of: str, offset: object) -> str:
    """Lines that read what stands so many bytes into an object, or into a row of words."""
    return f"  %{name}.at = getelementptr i8, ptr %{of}, i64 {offset}\n  %{name} = load {kind}, ptr %{name}.at"


def _agree(name: str, kind: str, offset: int, yes: str) -> str:
    """A block that goes on to `yes` where the same stands so many bytes into a and into b."""
    return f"""{name}:
{_read(f"{name}.a", kind, "a", offset)}
{_read(f"{name}.b", kind, "b", offset)}
  %{name}.same = icmp eq {kind} %{name}.a, %{name}.b
  br i1 %{name}.same, label %{yes}, label %no"""


def _is_a(name: str, number: int, yes: str, other: str) -> str:
    """A block that goes on to `yes` where a and b are of this one of the types in the head of the words."""
    return f"""{name}:
{_read(f"{name}.type", "ptr", "words", 8 * (2 + number))}
  %{name}.same = icmp eq ptr %type.a, %{name}.type
  br i1 %{name}.same, label %{yes}, label %{other}"""


def _same() -> str:
    """i64 same(ptr a, ptr b, ptr words): whether two objects are one, or equal tuples or numbers."""
    negative, positive = _one_digit()
    return f"""
define internal i64 @same(ptr %a, ptr %b, ptr %words) nounwind {{
  %one = icmp eq ptr %a, %b
  br i1 %one, label %yes, label %type
{_agree("type", "ptr", _TYPE, "tuples")}
{_is_a("tuples", 0, "size", "floats")}
{_is_a("floats", 1, "value", "ints")}
{_is_a("ints", 2, "sign", "no")}
{_agree("value", "i64", _VALUE, "yes")}
{_agree("sign", "i64", _SIZE, "short")}
short:
  switch i64 %sign.a, label %no [i64 {negative}, label %digit
                                 i64 {positive}, label %digit]
{_agree("digit", "i32", _DIGIT, "yes")}
{_agree("size", "i64", _SIZE, "walk")}
walk:
  %i = phi i64 [0, %size], [%i1, %item]
  %more = icmp slt i64 %i, %size.a
  br i1 %more, label %item, label %yes
item:
  %i8 = mul i64 %i, 8
  %offset = add i64 %i8, {_ITEMS}
{_read("x", "ptr", "a", "%offset")}
{_read("y", "ptr", "b", "%offset")}
  %agree = call i64 @same(ptr %x, ptr %y, ptr %words)
  %i1 = add i64 %i, 1
  %on = icmp eq i64 %agree, 1
  br i1 %on, label %walk, label %no
yes:
  ret i64 1
no:
  ret i64 0
}}"""


def _facts(names: Sequence[str], of: str, words: str, label: str) -> str:
    """Blocks LABEL0, LABEL1, ... up to one of that name that comes next: each slot of a node refers to what the words say."""
    return "\n".join([f"""{label}{i}:
{_read(f"{label}{i}.wanted", "ptr", words, 8 * i)}
{_read(f"{label}{i}.there", "ptr", of, slot(Node, name))}
  %{label}{i}.same = call i64 @same(ptr %{label}{i}.wanted, ptr %{label}{i}.there, ptr %words)
  %{label}{i}.on = icmp eq i64 %{label}{i}.same, 1
  br i1 %{label}{i}.on, label %{label}{i + 1}, label %no""" for i, name in enumerate(names)])  # fmt: skip


def _fits() -> str:
    """The function; see `Likeness` for the words."""
    return f"""
define i64 @wengert_tape_fits(ptr %list, ptr %words, ptr %room) nounwind {{
{_read("n", "i64", "words", 0)}
{_read("m", "i64", "words", 8)}
{_read("length", "i64", "list", _SIZE)}
  %as.long = icmp eq i64 %length, %n
  br i1 %as.long, label %clear, label %no
clear:
  %bytes = mul i64 %m, 8
  call void @llvm.memset.p0.i64(ptr %room, i8 0, i64 %bytes, i1 false)
{_read("items", "ptr", "list", _ITEMS)}
  %first = getelementptr i64, ptr %words, i64 {HEADER}
  br label %head
head:  ; every node on the tape
  %k = phi i64 [0, %clear], [%k1, %inputs.done]
  %about = phi ptr [%first, %clear], [%about1, %inputs.done]
  %left = icmp slt i64 %k, %n
  br i1 %left, label %node, label %outer
{_node()}
{_inputs()}
inputs.done:
  %k1 = add i64 %k, 1
  %used = add i64 %size, {len(FACTS) + 2}
  %about1 = getelementptr i64, ptr %about, i64 %used
  br label %head
{_outer()}
yes:
  ret i64 1
no:
  ret i64 0
}}"""


def _node() -> str:
    """Blocks for the facts of one node, and for the references to it."""
    return f"""node:
  %k8 = mul i64 %k, 8
{_read("this", "ptr", "items", "%k8")}
  br label %fact0
{_facts(FACTS, "this", "about", "fact")}
fact{len(FACTS)}:
{_read("count", "i64", "about", 8 * len(FACTS))}
  %matters = icmp ne i64 %count, {ANY}
  br i1 %matters, label %counted, label %inputs
counted:
  %now32 = load i32, ptr %this
  %now = zext i32 %now32 to i64
  %as.many = icmp eq i64 %now, %count
  br i1 %as.many, label %inputs, label %no"""


def _inputs() -> str:
    """Blocks for which nodes one node reads. A node from outside is entered into its room when it is met first."""
    return f"""inputs:
{_read("given", "ptr", "this", slot(Node, "inputs"))}
{_read("size", "i64", "given", _SIZE)}
{_read("wanted", "i64", "about", 8 * (len(FACTS) + 1))}
  %fit = icmp eq i64 %size, %wanted
  br i1 %fit, label %inputs.head, label %no
inputs.head:
  %j = phi i64 [0, %inputs], [%j1, %inputs.next]
  %j.left = icmp slt i64 %j, %size
  br i1 %j.left, label %input, label %inputs.done
input:
  %j8 = mul i64 %j, 8
  %xo = add i64 %j8, {_ITEMS}
{_read("x", "ptr", "given", "%xo")}
  %co = add i64 %j8, {8 * (len(FACTS) + 2)}
{_read("code", "i64", "about", "%co")}
  %within = icmp slt i64 %code, %n
  br i1 %within, label %earlier, label %outside
earlier:
  %e8 = mul i64 %code, 8
{_read("e", "ptr", "items", "%e8")}
  %e.same = icmp eq ptr %e, %x
  br i1 %e.same, label %inputs.next, label %no
outside:
  %number = sub i64 %code, %n
  %place = getelementptr ptr, ptr %room, i64 %number
  %met = load ptr, ptr %place
  %new = icmp eq ptr %met, null
  br i1 %new, label %meet, label %again
meet:
  store ptr %x, ptr %place
  br label %inputs.next
again:
  %met.same = icmp eq ptr %met, %x
  br i1 %met.same, label %inputs.next, label %no
inputs.next:
  %j1 = add i64 %j, 1
  br label %inputs.head"""


def _outer() -> str:
    """Blocks for the facts of every node from outside."""
    last = len(OUTER_FACTS)
    return f"""outer:
  %q = phi i64 [0, %head], [%q1, %told{last}]
  %out = phi ptr [%about, %head], [%out1, %told{last}]
  %q.left = icmp slt i64 %q, %m
  br i1 %q.left, label %one, label %yes
one:
  %q8 = mul i64 %q, 8
{_read("y", "ptr", "room", "%q8")}
  %there = icmp ne ptr %y, null
  br i1 %there, label %itself, label %no
itself:
{_read("self", "i64", "out", 0)}
  %anyone = icmp eq i64 %self, {ANY}
  %y.is = ptrtoint ptr %y to i64
  %very = icmp eq i64 %self, %y.is
  %good = or i1 %anyone, %very
  %facts = getelementptr i64, ptr %out, i64 1
  br i1 %good, label %told0, label %no
{_facts(OUTER_FACTS, "y", "facts", "told")}
told{last}:
  %q1 = add i64 %q, 1
  %out1 = getelementptr i64, ptr %out, i64 {last + 1}
  br label %outer"""
