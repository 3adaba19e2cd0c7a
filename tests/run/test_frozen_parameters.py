"""Parameters that an overflow has frozen are told, counted and recorded."""

import json

import pytest
from conftest import with_setting
from engine.own_cells import CELL, replaced

# the value of the matrix is as it was, its gradient 1e25 times as large
HUGE = replaced(CELL, "Weights(self.v, self.w)",
                "Weights(self.v, self.w + 1e25 * (self.w - self.w.detach()))")  # fmt: skip
RUN = ("run", "tiny", "--model", "huge", "--include", "huge.py", "--set", "hidden=4",
       "--set", "fit.clip=null", "--set", "fit.log_every=1")  # fmt: skip


def record(bench):
    (folder,) = bench.runs()
    return json.loads((folder / "run.json").read_text())


def test_an_overflow_is_told_once_and_recorded(bench):
    bench.write("huge.py", HUGE)
    err = bench(*RUN).err
    (warning,) = [line for line in err.splitlines() if "no longer move" in line]
    assert "16 of" in warning and "fit.optimizer.accumulator=root" in warning
    seen = record(bench)
    assert seen["frozen_parameters"] == 16 and seen["status"] == "done"
    first = f"frozen since update {seen['frozen_step']}"
    assert first in err and 0 < seen["frozen_step"] < seen["steps_done"]


@pytest.mark.parametrize("setting", ["fit.optimizer.accumulator=root", "fit.clip={value: 1.0}"])
def test_what_the_warning_proposes_helps(setting, bench):
    bench.write("huge.py", HUGE)
    err = bench(*with_setting(RUN, setting)).err
    assert "no longer move" not in err and "frozen" not in err
    assert record(bench)["frozen_parameters"] == 0


def test_the_first_update_is_kept_when_a_run_is_resumed(bench):
    bench.write("huge.py", HUGE)
    bench(*RUN, "--time-limit", "0.000001", code=3)
    stopped = record(bench)
    err = bench(*RUN).err
    done = record(bench)
    assert stopped["status"] == "timeout" and stopped["frozen_step"] == done["frozen_step"]
    assert "no longer move" not in err


def test_the_other_optimizers_are_counted_too(bench):
    bench.write("huge.py", HUGE)
    err = bench(*RUN, "--set", "fit.optimizer={name: adam}").err
    assert "no longer move" in err and record(bench)["frozen_parameters"] == 16


def test_the_option_is_another_run_and_its_default_is_none(bench):
    """Runs of before the option keep their identity."""
    for value in ("root", "square"):
        bench("run", "tiny", "--set", f"fit.optimizer.accumulator={value}", "-q")
    assert len(bench.runs()) == 4
    assert "already done" in bench("run", "tiny").err and len(bench.runs()) == 4
