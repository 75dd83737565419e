"""The comparison of a tape with a likeness of it (`graph/likeness.py`), as LLVM IR.

    i64 wengert_tape_fits(ptr list, ptr words, ptr room)   1 when it fits, else 0

Objects of CPython are read at addresses that are measured (`bound.slot`) or checked (`layout_is_known`), and only while
the interpreter's lock is held. A list holds nodes alone, and a node's `inputs` is a tuple of nodes.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Optional

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


def _fact(number: int, offset: Optional[int], of: str, words: str, label: str) -> str:
    """A block that goes on to the next one if a slot of an object refers to what the words say."""
    name = f"{label}{number}"
    return f"""{name}:
  %{name}w = getelementptr ptr, ptr %{words}, i64 {number}
  %{name}a = load ptr, ptr %{name}w
  %{name}p = getelementptr i8, ptr %{of}, i64 {offset}
  %{name}b = load ptr, ptr %{name}p
  %{name}s = call i64 @same(ptr %{name}a, ptr %{name}b, ptr %words)
  %{name}c = icmp eq i64 %{name}s, 1
  br i1 %{name}c, label %{label}{number + 1}, label %no
"""


def text() -> str:
    """The LLVM IR."""
    offsets = {name: slot(Node, name) for name in (*FACTS, "inputs")}
    negative, positive = _one_digit()
    nodes = "".join([_fact(i, offsets[name], "this", "at", "fact") for i, name in enumerate(FACTS)])
    outer = "".join([_fact(i, offsets[name], "y", "about", "told") for i, name in enumerate(OUTER_FACTS)])
    return f"""
define internal i64 @same(ptr %a, ptr %b, ptr %words) nounwind {{
entry:
  %one = icmp eq ptr %a, %b
  br i1 %one, label %yes, label %types
types:
  %ap = getelementptr i8, ptr %a, i64 {_TYPE}
  %bp = getelementptr i8, ptr %b, i64 {_TYPE}
  %at = load i64, ptr %ap
  %bt = load i64, ptr %bp
  %alike = icmp eq i64 %at, %bt
  br i1 %alike, label %kinds, label %no
kinds:
  %as = getelementptr i8, ptr %a, i64 {_SIZE}
  %bs = getelementptr i8, ptr %b, i64 {_SIZE}
  %an = load i64, ptr %as
  %bn = load i64, ptr %bs
  %long = icmp eq i64 %an, %bn
  br i1 %long, label %which, label %no
which:
  %tuplep = getelementptr i64, ptr %words, i64 2
  %tupletype = load i64, ptr %tuplep
  %is.tuple = icmp eq i64 %at, %tupletype
  br i1 %is.tuple, label %walk, label %number
number:
  %floatp = getelementptr i64, ptr %words, i64 3
  %floattype = load i64, ptr %floatp
  %is.float = icmp eq i64 %at, %floattype
  br i1 %is.float, label %yes, label %whole  ; its value stands where others have their size
whole:
  %intp = getelementptr i64, ptr %words, i64 4
  %inttype = load i64, ptr %intp
  %is.int = icmp eq i64 %at, %inttype
  br i1 %is.int, label %int, label %no
int:
  switch i64 %an, label %no [i64 {negative}, label %digit
                             i64 {positive}, label %digit]
digit:
  %ad = getelementptr i8, ptr %a, i64 {_DIGIT}
  %bd = getelementptr i8, ptr %b, i64 {_DIGIT}
  %av = load i32, ptr %ad
  %bv = load i32, ptr %bd
  %equal = icmp eq i32 %av, %bv
  br i1 %equal, label %yes, label %no
walk:
  %i = phi i64 [0, %which], [%i1, %items]
  %more = icmp slt i64 %i, %an
  br i1 %more, label %items, label %yes
items:
  %o0 = mul i64 %i, 8
  %o = add i64 %o0, {_ITEMS}
  %aip = getelementptr i8, ptr %a, i64 %o
  %bip = getelementptr i8, ptr %b, i64 %o
  %ai = load ptr, ptr %aip
  %bi = load ptr, ptr %bip
  %is = call i64 @same(ptr %ai, ptr %bi, ptr %words)
  %i1 = add i64 %i, 1
  %go = icmp eq i64 %is, 1
  br i1 %go, label %walk, label %no
yes:
  ret i64 1
no:
  ret i64 0
}}

define i64 @wengert_tape_fits(ptr %list, ptr %words, ptr %room) nounwind {{
entry:
  %n = load i64, ptr %words
  %mp = getelementptr i64, ptr %words, i64 1
  %m = load i64, ptr %mp
  %lp = getelementptr i8, ptr %list, i64 {_SIZE}
  %ln = load i64, ptr %lp
  %as.long = icmp eq i64 %ln, %n
  br i1 %as.long, label %clear, label %no
clear:
  %bytes = mul i64 %m, 8
  call void @llvm.memset.p0.i64(ptr %room, i8 0, i64 %bytes, i1 false)
  %ip = getelementptr i8, ptr %list, i64 {_ITEMS}
  %items = load ptr, ptr %ip
  %first = getelementptr i64, ptr %words, i64 {HEADER}
  br label %head
head:  ; the facts of every node
  %k = phi i64 [0, %clear], [%k1, %inputs.done]
  %at = phi ptr [%first, %clear], [%at1, %inputs.done]
  %left = icmp slt i64 %k, %n
  br i1 %left, label %node, label %outer
node:
  %np = getelementptr ptr, ptr %items, i64 %k
  %this = load ptr, ptr %np
  br label %fact0
{nodes}fact{len(FACTS)}:
  %cp = getelementptr i64, ptr %at, i64 {len(FACTS)}
  %count = load i64, ptr %cp
  %matters = icmp ne i64 %count, {ANY}
  br i1 %matters, label %counted, label %inputs
counted:
  %now32 = load i32, ptr %this
  %now = zext i32 %now32 to i64
  %as.many = icmp eq i64 %now, %count
  br i1 %as.many, label %inputs, label %no
inputs:
  %tp = getelementptr i8, ptr %this, i64 {offsets["inputs"]}
  %given = load ptr, ptr %tp
  %sp = getelementptr i8, ptr %given, i64 {_SIZE}
  %size = load i64, ptr %sp
  %wp = getelementptr i64, ptr %at, i64 {len(FACTS) + 1}
  %wanted = load i64, ptr %wp
  %fits = icmp eq i64 %size, %wanted
  br i1 %fits, label %inputs.head, label %no
inputs.head:
  %j = phi i64 [0, %inputs], [%j1, %inputs.next]
  %j.left = icmp slt i64 %j, %size
  br i1 %j.left, label %input, label %inputs.done
input:
  %j8 = mul i64 %j, 8
  %jo = add i64 %j8, {_ITEMS}
  %xp = getelementptr i8, ptr %given, i64 %jo
  %x = load ptr, ptr %xp
  %jw = add i64 %j, {len(FACTS) + 2}
  %codep = getelementptr i64, ptr %at, i64 %jw
  %code = load i64, ptr %codep
  %within = icmp slt i64 %code, %n
  br i1 %within, label %earlier, label %outside
earlier:
  %ep = getelementptr ptr, ptr %items, i64 %code
  %e = load ptr, ptr %ep
  %e.same = icmp eq ptr %e, %x
  br i1 %e.same, label %inputs.next, label %no
outside:
  %slot = sub i64 %code, %n
  %rp = getelementptr ptr, ptr %room, i64 %slot
  %r = load ptr, ptr %rp
  %new = icmp eq ptr %r, null
  br i1 %new, label %meet, label %again
meet:
  store ptr %x, ptr %rp
  br label %inputs.next
again:
  %r.same = icmp eq ptr %r, %x
  br i1 %r.same, label %inputs.next, label %no
inputs.next:
  %j1 = add i64 %j, 1
  br label %inputs.head
inputs.done:
  %k1 = add i64 %k, 1
  %used = add i64 %size, {len(FACTS) + 2}
  %at1 = getelementptr i64, ptr %at, i64 %used
  br label %head
outer:  ; the facts of every node from outside
  %q = phi i64 [0, %head], [%q1, %told{len(OUTER_FACTS)}]
  %out = phi ptr [%at, %head], [%out1, %told{len(OUTER_FACTS)}]
  %q.left = icmp slt i64 %q, %m
  br i1 %q.left, label %one, label %yes
one:
  %yp = getelementptr ptr, ptr %room, i64 %q
  %y = load ptr, ptr %yp
  %met = icmp ne ptr %y, null
  br i1 %met, label %there, label %no
there:
  %self = load i64, ptr %out
  %anyone = icmp eq i64 %self, {ANY}
  %y.is = ptrtoint ptr %y to i64
  %itself = icmp eq i64 %self, %y.is
  %good = or i1 %anyone, %itself
  %about = getelementptr i64, ptr %out, i64 1
  br i1 %good, label %told0, label %no
{outer}told{len(OUTER_FACTS)}:
  %q1 = add i64 %q, 1
  %out1 = getelementptr i64, ptr %out, i64 {len(OUTER_FACTS) + 1}
  br label %outer
yes:
  ret i64 1
no:
  ret i64 0
}}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""
