"""The report reads processors of several kinds."""

from wengert.run.info import parse_cpuinfo

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Some Processor @ 3.00GHz
flags\t\t: fpu sse4_2 avx avx2 fma avx512f unheard_of

processor\t: 1
model name\t: Some Processor @ 3.00GHz
flags\t\t: fpu
"""

ARM = """processor : 0
Features : fp asimd asimdhp asimddp sve
CPU implementer : 0x41

Hardware : Some Board
"""


def test_the_first_x86_processor_is_read():
    assert parse_cpuinfo(X86) == ("Some Processor @ 3.00GHz", ["sse4_2", "avx", "avx2", "fma", "avx512f"])


def test_arm_has_other_keys():
    assert parse_cpuinfo(ARM) == ("Some Board", ["asimd", "asimdhp", "asimddp", "sve"])


def test_an_unknown_text_still_gives_a_name():
    model, features = parse_cpuinfo("nothing to see")
    assert model and features == []
