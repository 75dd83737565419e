"""Random numbers in kernels: the stream of `primitives/random.py`, element by element, as LLVM IR.

    <4 x i64> philox(i64 key, i64 counter, i64 block)

is block `block` of the stream: four words, eight halves. A vector whose elements are whole blocks takes each block once;
elsewhere each lane makes its own.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3 (2011).
"""

from __future__ import annotations

from wengert import dtypes
from wengert.backends.llvm.scalars import Scalars
from wengert.dtypes import DType

_ROUNDS = 10
_FACTORS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_HALVES = 8  # in a block
_BITS = 24  # of a half that a float32 below 1 holds


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def _function() -> str:
    """The text of @philox."""
    lines = ["define internal <4 x i64> @philox(i64 %key, i64 %counter, i64 %block) noinline nounwind readnone {"]
    lines.append("  %c0r0 = add i64 %block, 1")
    c = ["%c0r0", "%counter", "0", "0"]
    keys = ["%key", "0"]
    for r in range(_ROUNDS):
        for side, word in enumerate((c[0], c[2])):
            name = f"%p{side}r{r}"
            lines += [
                f"  {name}w = zext i64 {word} to i128",
                f"  {name} = mul i128 {name}w, {_FACTORS[side]}",
                f"  {name}l = trunc i128 {name} to i64",
                f"  {name}s = lshr i128 {name}, 64",
                f"  {name}h = trunc i128 {name}s to i64",
            ]
        for side, (high, word) in enumerate(((f"%p1r{r}h", c[1]), (f"%p0r{r}h", c[3]))):
            lines.append(f"  %x{side}r{r} = xor i64 {high}, {word}")
            lines.append(f"  %y{side}r{r} = xor i64 %x{side}r{r}, {keys[side]}")
        c = [f"%y0r{r}", f"%p1r{r}l", f"%y1r{r}", f"%p0r{r}l"]
        for side in range(2):
            lines.append(f"  %k{side}r{r} = add i64 {keys[side]}, {_signed(_STEPS[side])}")
        keys = [f"%k0r{r}", f"%k1r{r}"]
    vector = "poison"
    for place, word in enumerate(c):
        lines.append(f"  %v{place} = insertelement <4 x i64> {vector}, i64 {word}, i32 {place}")
        vector = f"%v{place}"
    return "\n".join([*lines, f"  ret <4 x i64> {vector}\n}}"])


def uniform(s: Scalars, args: list[str], types: list[DType], result: DType) -> str:
    """A float32 in [0, 1) for (key, counter, place): half `place` of the stream."""
    s.w.declare("philox", _function())
    key, counter = (_first(s, x) for x in args[:2])
    halves = _halves(s, key, counter, args[2])
    bits = s.w.emit(f"lshr {s.vector('i32')} {halves}, {s.number(32 - _BITS, 'i32')}")
    number = s.w.emit(f"sitofp {s.vector('i32')} {bits} to {s.type(dtypes.float32)}")
    return s.two("fmul", dtypes.float32, number, s.constant(2.0**-_BITS, dtypes.float32))


def _first(s: Scalars, x: str) -> str:
    return x if s.lanes == 1 else s.w.emit(f"extractelement {s.type(dtypes.int64)} {x}, i32 0")


def _block(s: Scalars, key: str, counter: str, block: str) -> str:
    """The halves of a block."""
    words = s.w.emit(f"call <4 x i64> @philox(i64 {key}, i64 {counter}, i64 {block})")
    return s.w.emit(f"bitcast <4 x i64> {words} to <{_HALVES} x i32>")


def _halves(s: Scalars, key: str, counter: str, places: str) -> str:
    """The half of each lane."""
    if s.lanes % _HALVES:
        return _each(s, key, counter, places)
    w, kind = s.w, s.type(dtypes.int64)
    first = _first(s, places)
    inside = w.emit(f"and i64 {first}, {_HALVES - 1}")
    begins = w.emit(f"icmp eq i64 {inside}, 0")
    steps = f"<{', '.join(f'i64 {i}' for i in range(s.lanes))}>"
    wanted = s.two("add", dtypes.int64, s.splat(first, dtypes.int64), steps)
    same = w.emit(f"icmp eq {kind} {places}, {wanted}")
    symbol = f"llvm.vector.reduce.and.v{s.lanes}i1"
    w.declare(symbol, f"declare i1 @{symbol}({s.vector('i1')})")
    together = w.emit(f"call i1 @{symbol}({s.vector('i1')} {same})")
    whole = w.emit(f"and i1 {begins}, {together}")
    blocks, lanes, after = w.block(), w.block(), w.block()
    w.line(f"  br i1 {whole}, label %{blocks}, label %{lanes}\n{blocks}:")
    fast = _in_blocks(s, key, counter, first)
    w.line(f"  br label %{after}\n{lanes}:")
    slow = _each(s, key, counter, places)
    w.line(f"  br label %{after}\n{after}:")
    return w.emit(f"phi {s.vector('i32')} [{fast}, %{blocks}], [{slow}, %{lanes}]")


def _in_blocks(s: Scalars, key: str, counter: str, first: str) -> str:
    """The halves from `first`, which begins a block."""
    start = s.w.emit(f"lshr i64 {first}, {_HALVES.bit_length() - 1}")
    parts = [
        _block(s, key, counter, start if b == 0 else s.w.emit(f"add i64 {start}, {b}")) for b in range(s.lanes // _HALVES)
    ]
    width = _HALVES
    while len(parts) > 1:
        order = ", ".join(f"i32 {i}" for i in range(2 * width))
        parts = [
            s.w.emit(f"shufflevector <{width} x i32> {a}, <{width} x i32> {b}, <{2 * width} x i32> <{order}>")
            for a, b in zip(parts[::2], parts[1::2])
        ]
        width *= 2
    return parts[0]


def _each(s: Scalars, key: str, counter: str, places: str) -> str:
    """Lane by lane."""
    found = "poison"
    for lane in range(s.lanes):
        place = places
        if s.lanes > 1:
            place = s.w.emit(f"extractelement {s.type(dtypes.int64)} {places}, i32 {lane}")
        block = s.w.emit(f"lshr i64 {place}, {_HALVES.bit_length() - 1}")
        inside = s.w.emit(f"and i64 {place}, {_HALVES - 1}")
        half = s.w.emit(f"extractelement <{_HALVES} x i32> {_block(s, key, counter, block)}, i64 {inside}")
        if s.lanes == 1:
            return half
        found = s.w.emit(f"insertelement {s.vector('i32')} {found}, i32 {half}, i32 {lane}")
    return found
