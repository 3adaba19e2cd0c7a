"""CPUs of other models or abilities are told apart, and processors of one are not."""

import pytest

from urnn_bench.kernels.native import compiler, linear
from urnn_bench.machine import cpu

CORE = """processor\t: {n}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
stepping\t: 1
microcode\t: 0x1000065
cpu MHz\t\t: {mhz}
core id\t\t: {n}
flags\t\t: fpu avx avx2
bugs\t\t: spectre_v1

"""
ONE = CORE.format(n=0, mhz=2445.428)
ARM = """processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd sve
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
"""


def test_a_model_is_told_by_its_name_and_its_numbers():
    assert cpu.model(ONE) == "AMD EPYC (cpu family 25, model 1)"
    assert cpu.model(ARM).endswith("(cpu implementer 0x41, cpu part 0xd40)")
    assert cpu.model("") and "(" not in cpu.model("")


OTHERS = {
    "abilities": ("avx avx2", "avx avx2 avx512f"),
    "name": ("AMD EPYC", "AMD EPYC 7B13"),
    "number": ("model\t\t: 1", "model\t\t: 17"),
    "maker": ("AuthenticAMD", "HygonGenuine"),
}


@pytest.mark.parametrize(("old", "new"), OTHERS.values(), ids=OTHERS.keys())
def test_a_kernel_of_another_cpu_has_another_key(monkeypatch, tmp_path, old, new):
    """Whatever else is the same, such as what the compiler says of -march=native."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(cpu, "_CPUINFO", path)
    keys = set()
    for text in (ONE, ONE.replace(old, new)):
        path.write_text(text)
        keys.add(compiler._key(linear.SOURCE.path, ("cc",)))
    assert len(keys) == 2 and cpu.identity(ONE) != cpu.identity(ONE.replace(old, new))


def test_the_abilities_of_an_arm_count():
    assert cpu.identity(ARM) != cpu.identity(ARM.replace("sve", "sve2"))


def test_processors_of_one_model_share_their_kernels():
    """Their number and order, clock and microcode change between starts of one machine."""
    two = CORE.format(n=1, mhz=1500.0) + ONE.replace("0x1000065", "0x1000066")
    assert cpu.identity(two) == cpu.identity(ONE)


def test_without_a_description_it_is_what_python_knows(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "none")
    assert cpu.cpuinfo() == "" and cpu.identity("") == cpu.platform.processor()
