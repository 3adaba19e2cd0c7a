"""Adding a component adds one file: its contract and the command line need nothing else.

One cell, task, figure, probe and unit are written as a user would write them, and the contracts run
on them in a process of their own. Then each gets a fault, which its contract must find.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from stateful_cells import CELLS
from user_files import CELL, CUT_GRADIENT, FIGURE, PROBE, TASK, UNIT

from urnn_bench.registry import Components

CONTRACTS = Path(__file__).parent
COMPONENTS = Components()
REGISTRIES = (
    COMPONENTS.cells,
    COMPONENTS.tasks,
    COMPONENTS.figures,
    COMPONENTS.probes,
    COMPONENTS.units,
)
FILES = {
    "new_cell": CELL,
    "new_task": TASK,
    "new_figure": FIGURE,
    "new_probe": PROBE,
    "new_unit": UNIT,
}
# the contracts of a component are in one file; a cell can also be trained and probed
MODULES = (
    ("new_cell", "test_cells"),
    ("new_cell", "test_learning"),
    ("new_cell", "test_probe_readings"),
    ("new_task", "test_tasks"),
    ("new_figure", "test_figures"),
    ("new_probe", "test_probe_readings"),
    ("new_unit", "test_units"),
)
BENCHMARK = """\
title: New components
task: {name: new_task}
T: [5]
hidden: 4
models: {new_cell: , rnn: }
fit: {steps: 4, batch: 3, evaluate_every: 2}
"""


class Fault(NamedTuple):
    """A component with a fault, and the contract that must find it."""

    source: str
    contract: str


def broken(source, sound, faulty, contract):
    assert source.count(sound) == 1
    return Fault(source.replace(sound, faulty), contract)


FAULTS = {
    "reads_its_own_parameters": broken(
        CELL, "h @ w.w_h.T", "h @ self.w_h.T", "test_step_reads_only_its_arguments"
    ),
    "changes_its_state": broken(CELL, "tanh(h @", "tanh(h.add_(1) @", "test_step_is_pure"),
    "state_of_wrong_shape": broken(
        CELL, "new_zeros(batch,", "new_zeros(1,", "test_shapes_and_types"
    ),
    "cuts_the_gradient": Fault(CUT_GRADIENT, "test_gradient_equals_finite_differences"),
    "learns_one_step_back": Fault(CUT_GRADIENT, "test_learns_copying_memory"),
    "has_an_unused_parameter": broken(
        CELL, "linear(x, w.w_x, w.bias)", "linear(x, w.w_x)", "test_every_parameter_has_a_gradient"
    ),
    "always_starts_the_same": broken(
        CELL,
        "super().__init__(inputs, hidden, options)",
        "super().__init__(inputs, hidden, options); torch.manual_seed(0)",
        "test_the_seed_alone_decides_the_initial_values",
    ),
    "ignores_the_seed": broken(
        TASK,
        ", generator=rng",
        "",
        "test_a_batch_depends_on_seed_split_and_index_alone",
    ),
    "has_the_same_splits": broken(
        TASK, "generator=rng)", "generator=rng.manual_seed(0))", "test_splits_differ"
    ),
    "has_a_wrong_baseline": broken(
        TASK, '"mean": 1.0', '"mean": 0.9', "test_the_baseline_is_what_its_predictor_scores"
    ),
    "scores_another_loss": broken(
        TASK,
        "return (output",
        "return 2 * (output",
        "test_the_baseline_is_what_its_predictor_scores",
    ),
    "has_no_axis_label": broken(
        FIGURE, 'ax.set_xlabel("T (steps)")', "", "test_labels_axes_and_models"
    ),
    "reads_a_name_as_a_formula": broken(
        FIGURE, "escaped(model)", "model", "test_a_name_is_never_read_as_a_formula"
    ),
    "fails_without_scores": broken(
        FIGURE, "losses.empty", "False", "test_raises_nothing_to_show_without_a_score"
    ),
    "sorts_the_records": broken(
        FIGURE,
        "losses = results",
        'results.metrics["value"] *= 2; losses = results',
        "test_changes_nothing_of_the_records",
    ),
    "reads_a_matrix": broken(
        PROBE, ".mean(-1) for", " for", "test_reads_curves_over_time_or_numbers"
    ),
    "reads_its_own_rate": broken(
        UNIT, "+ w.rate *", "+ self.rate *", "test_step_reads_only_its_arguments"
    ),
    "forgets_the_map": broken(
        UNIT,
        "(state[0] + w.rate * (functional.elu(x) - state[0]),)",
        "(w.rate * functional.elu(x),)",
        "test_says_whether_it_remembers",
    ),
    "changes_the_map": broken(UNIT, "(state[0] +", "(state[0].mul_(2) +", "test_step_is_pure"),
    "changes_the_trace": broken(
        PROBE, "s.abs()", "s.abs_()", "test_changes_neither_the_trace_nor_the_cell"
    ),
}


class Outcome(NamedTuple):
    """The result of one test of the contracts."""

    module: str
    function: str
    parameters: str
    result: str
    message: str


def run_contracts(folder, files, *options):
    """Write files, run the contracts on them in a new process, and return the outcome of each."""
    arguments = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", CONTRACTS]
    arguments += ["--ignore", __file__, "--junitxml", folder / "outcomes.xml", *options]
    for name, source in files.items():
        (folder / f"{name}.py").write_text(source)
        arguments += ["--include", folder / f"{name}.py"]
    # pytest-xdist tells its workers by variables what they are
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    process = subprocess.run(
        [*map(str, arguments)], cwd=CONTRACTS.parents[1], env=env, capture_output=True, text=True
    )
    assert process.returncode in (0, 1), process.stdout + process.stderr
    return [outcome(case) for case in ElementTree.parse(folder / "outcomes.xml").iter("testcase")]


def outcome(case):
    """Return the outcome of a test case in pytest's XML report."""
    module = case.get("classname").split(".")[2]
    function, _, parameters = case.get("name").rstrip("]").partition("[")
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            return Outcome(module, function, parameters, child.tag, child.get("message"))
    return Outcome(module, function, parameters, "passed", "")


def functions(module):
    """Return the names of the tests in one of the files of this folder."""
    body = ast.parse((CONTRACTS / f"{module}.py").read_text()).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    return {name for name in names if name.startswith("test_")}


def left_out(outcomes, name, module):
    """Return the tests of a file that did not run on a component, though they take one."""
    known = {name for registry in REGISTRIES for name in registry.names()}
    on_component = {o.function for o in outcomes if name in o.parameters}
    without_component = {
        o.function
        for o in outcomes
        if "empty parameter set" in o.message or not known.intersection(o.parameters.split("-"))
    }
    return functions(module) - on_component - without_component


# one test for each process, as every worker of pytest-xdist would start its own
def test_new_components_pass_every_contract(tmp_path):
    outcomes = run_contracts(tmp_path, FILES)
    assert [o for o in outcomes if o.result not in ("passed", "skipped")] == []
    for name, module in MODULES:
        of_module = [o for o in outcomes if o.module == module]
        assert {o.function for o in of_module} == functions(module)
        assert left_out(of_module, name, module) == set()
        assert any(name in o.parameters and o.result == "passed" for o in of_module)


def test_cells_with_a_clock_or_an_image_pass_every_contract(tmp_path):
    outcomes = run_contracts(tmp_path, CELLS, "-k", " or ".join(CELLS))
    assert [o for o in outcomes if o.result not in ("passed", "skipped")] == []
    modules = ("test_cells", "test_learning", "test_probe_readings", "test_kernels")
    passed = {(o.module, name) for o in outcomes for name in CELLS if name in o.parameters}
    assert passed >= {(module, "clocked") for module in modules}
    assert passed >= {(module, "convolutional") for module in modules[:-1]}


FORMER_NAMES = {
    "urnn_bench.spec.types": "urnn_bench.spec.schema",
    "SyntheticTask": "DrawnTask",
    "Vectors": "Reals",
    "def sample": "def draw",
    "def baseline_output": "def memoryless",
    "Targets.LAST_STEP": 'answer="last"',
    "    Targets,\n": "",
}


def test_a_file_with_former_names_passes_every_contract(tmp_path):
    former = TASK
    for new, old in FORMER_NAMES.items():
        assert new in former
        former = former.replace(new, old)
    outcomes = run_contracts(tmp_path, {"former_task": former}, "-k", "former_task")
    assert "test_the_baseline_is_what_its_predictor_scores" in {o.function for o in outcomes}
    assert [o for o in outcomes if o.result not in ("passed", "skipped")] == []


def test_contracts_find_every_fault(tmp_path):
    files = {name: fault.source for name, fault in FAULTS.items()}
    tests = " or ".join(f"({fault.contract} and {name})" for name, fault in FAULTS.items())
    outcomes = run_contracts(tmp_path, files, "-k", tests)
    failures = [o for o in outcomes if o.result == "failure"]
    found = {
        name
        for name, fault in FAULTS.items()
        if any(o.function == fault.contract and name in o.parameters for o in failures)
    }
    assert found == set(FAULTS)


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The command line in a folder with the new components and a benchmark of them."""
    from conftest import CommandLine

    command = CommandLine(tmp_path_factory.mktemp("command"), new=BENCHMARK)
    for name, source in FILES.items():
        command.write(f"{name}.py", source)
    return command


def included(*names):
    return [word for name in names for word in ("--include", f"{name}.py")]


@pytest.mark.parametrize("name", FILES)
def test_describe_knows_a_new_component(name, command):
    (description,) = json.loads(command("describe", name, *included(name), "--json").out)
    assert description["about"] == ast.get_docstring(ast.parse(FILES[name]))
    assert description["kind"] == {"cell": "model"}.get(name[4:], name[4:])
    assert f"called '{name}'" in command("describe", name, code=2).err


def test_new_components_run_together(command):
    components = included("new_cell", "new_task", "new_probe")
    probes = ("--probe", "--set", "probes.at=[0, 4]", "--set", "probes.read=[new_probe]")
    command("run", "new", *components, *probes, "-q")
    for folder in command.runs("new"):
        record = json.loads((folder / "run.json").read_text())
        assert record["status"] == "done" and record["test"]["mse"] > 0
        assert "new_probe,h" in (folder / "probes.csv").read_text()
        assert "probe,new_probe," in (folder / "metrics.csv").read_text()
    rows = json.loads(command("table", "new", "--json").out)
    assert {row["model"] for row in rows} == {"new_cell", "rnn"}
    out = command("plot", "new", *included("new_figure"), "--figure", "new_figure").out
    assert (command.folder / out.strip()).read_bytes().startswith(b"\x89PNG")
