"""A cell written against the old names of the hooks is told the new ones when it is loaded."""

import pytest

from urnn_bench.cells.base import Cell
from urnn_bench.errors import UsageError
from urnn_bench.registry import Registry

CELL = """
from torch import nn
from urnn_bench.cells.base import Cell


class Leaky(Cell):
    def weights(self):
        return ()

    def drive(self, x, w):
        return x

    def step(self, u, state, w):
        return (0.9 * state[0] + u,)

    def initial_state(self, batch):
        return ()

    {extra}
"""


def load(folder, extra):
    path = folder / "leaky.py"
    path.write_text(CELL.format(extra=extra))
    return Registry("model", "cells").include(path).get("leaky", Cell)


@pytest.mark.parametrize(
    ("extra", "new"),
    [
        ("def read(self, h): return h", "readout_features"),
        ("def updated(self, step): return None", "on_update_end"),
        ("def orthogonal(self): return ()", "orthogonal_parameters"),
        ("fused = {}", "kernels"),
        ("counts_steps = True", "time_varying"),
        ("asks_host = 'no reason'", "host_sync_reason"),
    ],
)
def test_an_old_name_is_one_sentence_with_the_new_one(extra, new, tmp_path):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, extra)
    old = extra.removeprefix("def ").split()[0].split("(")[0]
    assert f"Leaky.{old} was renamed to {new}; rename it" in str(caught.value)


def test_a_cell_without_annotations_is_loaded(tmp_path):
    assert load(tmp_path, "time_varying = True").time_varying
