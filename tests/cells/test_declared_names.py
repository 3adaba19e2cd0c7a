"""A cell names its states, and says which of them are memory."""

import pytest
from torch import nn

from urnn_bench.cells.base import Cell, StateSpec
from urnn_bench.registry import Components

CLOCK = (StateSpec("h"), StateSpec("clock", memory=False))


class Named(Cell):
    state_names = ("h", "c")


class Declared(Cell):
    states = CLOCK


class NamedAfterDeclared(Declared):
    state_names = ("h", "v")


class DeclaredAfterNamed(Named):
    states = CLOCK


class NamedByItself(Cell):
    """What a user's cell may do: as many names as its options ask for."""

    __init__ = nn.Module.__init__
    weights = drive = step = initial_state = None
    state_names = property(lambda self: ("h", *map(str, range(self.count))))
    count = 2


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Named, (StateSpec("h"), StateSpec("c"))),
        (Declared, CLOCK),
        (NamedAfterDeclared, (StateSpec("h"), StateSpec("v"))),
        (DeclaredAfterNamed, CLOCK),
        (type("Plain", (Cell,), {}), (StateSpec("h"),)),
        (NamedByItself(), (StateSpec("h"), StateSpec("0"), StateSpec("1"))),
    ],
)
def test_names_and_declarations_agree(cell, expected):
    assert cell.states == expected
    assert tuple(cell.state_names) == tuple(state.name for state in expected)


def test_two_declarations_that_differ_are_refused():
    body = {"states": CLOCK, "state_names": ("h", "c")}
    with pytest.raises(TypeError, match="Both has `states` and other `state_names`"):
        type("Both", (Cell,), body)
    type("Agreeing", (Cell,), {**body, "state_names": ("h", "clock")})


def test_all_states_of_the_built_in_cells_but_clocks_are_memory():
    registry = Components().cells
    for name in registry.names():
        states = registry.get(name, Cell).states
        assert [s.name for s in states if not s.memory] in ([], ["clock"])
