"""Which components the contracts run on.

A contract is a test that holds for every cell, task, readout, figure, probe or unit. It takes the
name of the component as an argument (``cell_name``, ``task_name``, ...). Without options it runs on
every component of the registries, so a new file in ``urnn_bench/cells`` is tested without a change
here. ``pytest tests/contracts --include FILE.py`` runs them on the components of that file alone.
"""

from itertools import product

import pytest

from urnn_bench.cells.base import Cell
from urnn_bench.cells.units.base import Unit
from urnn_bench.errors import ComponentError
from urnn_bench.figures.base import Figure
from urnn_bench.probes.base import Probe
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components
from urnn_bench.run.examples import example_cell
from urnn_bench.run.resolve import include
from urnn_bench.tasks._images import ImageTask
from urnn_bench.tasks.base import SyntheticTask, Task


def components_of(config):
    """Return the registries, with the components of every included file."""
    return include(Components(), config.getoption("include"))


class Selection:
    """The names that contracts run on: the included components, or all if none is included."""

    def __init__(self, config):
        self.components = components_of(config)
        self.all = not config.getoption("include")

    def names(self, registry):
        return registry.names() if self.all else tuple(registry.included)

    def cells(self):
        return self.names(self.components.cells)

    def tasks(self):
        return self.names(self.components.tasks)

    def readouts(self):
        return self.names(self.components.readouts)

    def figures(self):
        return self.names(self.components.figures)

    def probes(self):
        return self.names(self.components.probes)

    def units(self):
        return self.names(self.components.units)

    def tasks_below(self, base):
        """Return the selected tasks whose class is a subclass of ``base``."""
        registry = self.components.tasks
        return [name for name in self.tasks() if issubclass(registry.get(name, Task), base)]

    def cells_and_kernels(self):
        registry = self.components.cells
        return [
            (name, kernel) for name in self.cells() for kernel in registry.get(name, Cell).kernels
        ]

    def cells_and_probes(self):
        """Return every probe with every cell, if at least one of the two is selected."""
        pairs = product(self.components.cells.names(), self.components.probes.names())
        return [(c, p) for c, p in pairs if c in self.cells() or p in self.probes()]


# pairs before single names, as an argument can be parametrised only once
CASES = {
    ("cell_name", "kernel"): Selection.cells_and_kernels,
    ("cell_name", "probe_name"): Selection.cells_and_probes,
    ("cell_name",): Selection.cells,
    ("task_name",): Selection.tasks,
    ("synthetic_task_name",): lambda selection: selection.tasks_below(SyntheticTask),
    ("image_task_name",): lambda selection: selection.tasks_below(ImageTask),
    ("readout_name",): Selection.readouts,
    ("figure_name",): Selection.figures,
    ("probe_name",): Selection.probes,
    ("unit_name",): Selection.units,
}


def pytest_generate_tests(metafunc):
    """Parametrise a contract with the names of the components it takes."""
    arguments, selection = set(metafunc.fixturenames), Selection(metafunc.config)
    for names, cases in CASES.items():
        if arguments.issuperset(names):
            metafunc.parametrize(names if len(names) > 1 else names[0], cases(selection))
            arguments.difference_update(names)


@pytest.fixture(scope="session")
def components(pytestconfig):
    """The registries, with the components of every included file."""
    return components_of(pytestconfig)


@pytest.fixture(scope="session")
def include_options(pytestconfig):
    """The options that make the command line know the included files."""
    paths = pytestconfig.getoption("include")
    return [word for path in paths for word in ("--include", path.resolve())]


@pytest.fixture
def cell_type(cell_name, components):
    """A cell's class; one of the user's that cannot be built at its example is skipped."""
    if cell_name in components.cells.included:
        try:
            example_cell(components, cell_name)
        except ComponentError as error:
            pytest.skip(str(error))
    return components.cells.get(cell_name, Cell)


def sizes_of(cell_type, inputs, hidden):
    """Return the inputs and the width of a cell's example, or these where any will do."""
    example = cell_type.example()
    return example.inputs or inputs, example.hidden or hidden


@pytest.fixture
def readout_type(readout_name, components):
    return components.readouts.get(readout_name, Readout)


@pytest.fixture
def figure_type(figure_name, components):
    return components.figures.get(figure_name, Figure)


@pytest.fixture
def probe_type(probe_name, components):
    return components.probes.get(probe_name, Probe)


@pytest.fixture
def unit_type(unit_name, components):
    return components.units.get(unit_name, Unit)
