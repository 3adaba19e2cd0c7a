"""What a user's file does wrong is told in a sentence, and changes nothing that is not its own."""

import json
import sys
import warnings

import numpy as np
import pytest
import torch
from own_cells import CELL, TASK, replaced

OWN = ("--include", "own.py", "-q")
TWO_STATES = replaced(
    replaced(CELL, "+ u),)", "+ u), state[1] + 1)"),
    "return (self.v.new_zeros(batch, self.hidden),)",
    "return (self.v.new_zeros(batch, self.hidden), COUNT)",
)
COUNTER = "torch.zeros(batch, 1, dtype=torch.long)"
PARITY = """\
title: A task of one's own
task: {name: own_task, validation_examples: 12, test_examples: 12}
T: [4]
hidden: 5
models: {rnn: }
fit: {steps: 2, batch: 3, evaluate_every: 2}
"""

# what a cell says, what it should have said, and a part of the sentence
CELL_FAULTS = {
    "step_without_comma": ("+ u),)", "+ u))", "`step` returned a tensor of shape (4, 6); it must "
                           "return a tuple, such as (h,): a comma is missing"),
    "first_without_comma": (", self.hidden),)", ", self.hidden))", "`initial_state` returned a"),
    "step_returns_nothing": ("return (torch.tanh", "(torch.tanh", "`step` returned None"),
    "no_state": ("return (self.v.new_zeros(batch, self.hidden),)", "return ()",
                 "`initial_state` returned a value of type tuple"),
    "another_width": ("+ u),)", "+ u)[:, :3],)", "state 1, real numbers of shape (4, 3)"),
    "another_batch": ("new_zeros(batch,", "new_zeros(1,", "each must be (B, H), here with B = 4"),
    "another_number": ("+ u),)", "+ u), u)", "2 states; `initial_state` returned 1"),
    "another_kind": ("+ u),)", "+ u).cfloat(),)", "complex numbers of shape (4, 6)"),
    "drive_of_one_step": ("return x @ w.v", "return (x @ w.v)[0]", "`drive` returned a tensor"),
    "name_without_comma": ("    def weights", "    state_names = ('h')\n\n    def weights",
                           "has 1 state and the `state_names` 'h'; give it a name for each state, "
                           'such as state_names = ("h",)'),
    "states_in_words": ("    def weights", '    states = ("h",)\n\n    def weights',
                        "`states` is a value of type tuple; it must be a tuple of StateSpec"),
    "more_declared_than_there_are": (
        "    def weights",
        "    states = (StateSpec('h'), StateSpec('t', False))\n\n    def weights",
        "has 1 state and the `states` ('h', 't'); give it a name for each state, such as "
        'states = (StateSpec("h"),)'),
    "has_no_memory": ("    def weights",
                          "    states = (StateSpec('t', False),)\n\n    def weights",
                          "the cell 'own' has no memory: `states` says so of each state"),
    "tree_without_tensors": ("return x @ w.v", "return ()", "`drive` returned no tensor"),
    "number_in_a_tree": ("return x @ w.v", "return x @ w.v, 0.9",
                         "`drive` returned a value of type float; it must be a tensor"),
    "tree_of_another_length": ("return x @ w.v", "return x @ w.v, x[:1]",
                               "it must begin with (T), here (2,)"),
    "complex_features": ("    def initial_state", "    def readout_features(self, h):\n"
                         "        return h.cfloat()\n\n    def initial_state",
                         "`readout_features` returned complex numbers"),
    "features_of_another_width": (
        "    def initial_state", "    def readout_features(self, h):\n"
        "        return h[..., :2]\n\n    def initial_state",
        "`features` says real numbers of shape (4, 6)"),
}  # fmt: skip
TASK_FAULTS = {
    "targets_of_another_batch": ("x.sum(0) % 2)", "x.sum(1) % 2)", "targets of shape (4,)"),
    "real_tokens": ("Batch(x,", "Batch(x.float(),", "the signature says integers (T, B)"),
    "tokens_beyond": ("randint(0, 2,", "randint(5, 7,", "below the vocabulary of 2"),
    "not_a_batch": ("return Batch(x, x.sum(0) % 2)", "return None", "`batch` returned None"),
    "loss_of_each": ("(output, batch.y)\n\n    def scores",
                     "(output, batch.y, reduction='none')\n\n    def scores",
                     "`loss` returned a tensor of shape (3,); it must return one number"),
    "score_of_another_name": ('{"cross_entropy_nat": Score', '{"loss": Score',
                              "`scores` returned loss; `metrics` also names cross_entropy_nat"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CELL_FAULTS)
def test_a_cell_that_returns_something_else_is_told_before_training(fault, bench):
    old, new, sentence = CELL_FAULTS[fault]
    bench.write("own.py", replaced(CELL, old, new))
    err = bench("run", "tiny", "--model", "own", "--model", "lstm", *OWN, code=3).err
    assert "failed (ComponentError: the cell 'own'" in err and sentence in err
    assert {run.name[:4]: status(run) for run in bench.runs()} == {"own-": "failed", "lstm": "done"}


def status(folder):
    return json.loads((folder / "run.json").read_text())["status"]


@pytest.mark.parametrize("fault", TASK_FAULTS)
def test_a_task_that_returns_something_else_is_told_before_training(fault, bench):
    old, new, sentence = TASK_FAULTS[fault]
    bench.write("own_task.py", replaced(TASK, old, new))
    bench.write("benchmarks/parity.yaml", PARITY)
    err = bench("run", "parity", "--include", "own_task.py", "-q", code=3).err
    assert "ComponentError: the task 'own_task'" in err and sentence in err


@pytest.mark.parametrize("kind", ["nn.Parameter({})", "nn.Buffer({})"])
def test_a_complex_parameter_would_lose_its_imaginary_part(kind, bench):
    phase = kind.format("torch.randn(hidden, dtype=torch.cfloat)")
    more = f"        self.phase = {phase}\n        self.v = nn"
    bench.write("own.py", replaced(CELL, "        self.v = nn", more))
    err = bench("run", "tiny", "--model", "own", *OWN, code=3).err
    assert "the cell 'own': 'phase' is complex; keep its real and imaginary parts" in err


def test_two_states_need_two_names(bench):
    bench.write("own.py", TWO_STATES.replace("COUNT", COUNTER))
    err = bench("run", "tiny", "--model", "own", *OWN, "--probe", code=3).err
    assert "the cell 'own' has 2 states and the `state_names` ('h',)" in err
    assert 'state_names = ("h", "c")' in err


@pytest.mark.parametrize("command", [("run", "tiny", "--dry-run"), ("kernels", "--rounds", 1)])
def test_every_command_that_trains_tells_it(command, bench):
    bench.write("own.py", replaced(CELL, "+ u),)", "+ u))"))
    sizes = ("--steps", 6, "--batch", 2, "--hidden", 4) if command[0] == "kernels" else ()
    code = 2 if command[0] == "kernels" else 0
    err = bench(*command, "--model", "own", "--include", "own.py", *sizes, code=code).err
    assert "`step` returned a tensor" in err and "Traceback" not in err


SOUND = {
    "counts_steps": TWO_STATES.replace("COUNT", COUNTER).replace(
        "    def weights", '    state_names = ("h", "t")\n\n    def weights', 1),
    "learned_start": replaced(CELL, "(self.v.new_zeros(batch, self.hidden),)",
                              "(self.w[0].expand(batch, -1),)"),
    "no_weights": CELL.replace("return Weights(self.v, self.w)", "return None")
                  .replace("w.v", "self.v").replace("w.w", "self.w"),
    "complex": replaced(replaced(replaced(CELL, "(torch.tanh(state[0] @ w.w + u),)",
                        "(torch.polar(w.w[0].sigmoid(), w.w[1]) * state[0] + u,)"),
                        "(self.v.new_zeros(batch, self.hidden),)",
                        "(self.v.new_zeros(batch, self.hidden).to(torch.complex64),)"),
                        "    def weights", "    def readout_features(self, h):\n"
                        "        return h.real\n\n    def weights"),
    "keeps_its_matrix": replaced(CELL, "return Weights(self.v, self.w)",
                                 "self.kept = torch.matrix_exp(self.w - self.w.T)\n"
                                 "        return Weights(self.v, self.kept)"),
    "keeps_its_state": replaced(CELL, "return (torch.tanh(state[0] @ w.w + u),)",
                                "self.last = torch.tanh(state[0] @ w.w + u)\n"
                                "        return (self.last,)"),
    "looks_at_values": replaced(CELL, "return (torch.tanh(state[0] @ w.w + u),)",
                                "h = torch.tanh(state[0] @ w.w + u)\n"
                                "        return (h / 2 if h.norm() > 2 else h,)"),
}  # fmt: skip


READ = "[gradient_norm,state_norm,distance_to_last,memory_horizon,lyapunov]"


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_cell_trains_and_is_probed_without_a_word(name, bench):
    bench.write("own.py", SOUND[name])
    for more in ((), ("--stacked", "--seeds", 2, "--results", "stacked")):
        probing = ("--probe", "--set", "probes.at=[0,3]", "--set", f"probes.read={READ}")
        assert bench("run", "tiny", "--model", "own", *OWN, *probing, *more).err == ""
    text = "".join(path.read_text() for path in bench.folder.glob("*/*/*/metrics.csv"))
    assert text.count(",probe,lyapunov,") == 6 and text.count(",probe,memory_horizon_h,") == 6


def test_probing_changes_no_curve(bench):
    """A look draws as the network does, and copies what it keeps."""
    bench.write("own.py", replaced(SOUND["keeps_its_matrix"], "+ u),)",
                "+ u + 0.1 * torch.rand(1)),)"))  # fmt: skip
    bench("run", "tiny", "--model", "own", *OWN)
    bench("run", "tiny", "--model", "own", *OWN, "--probe", "--results", "probed")
    tests = {
        json.loads(path.read_text())["test"]["cross_entropy_nat"]
        for path in bench.folder.glob("*/*/*/run.json")
    }
    assert len(tests) == 1


CASTING = replaced(replaced(CELL, "state[0] @ w.w + u", "(state[0] @ w.w + u).float()"),
                   "state[0] @", "state[0].to(w.w.dtype) @")  # fmt: skip
BROKEN_PROBE = '''\
"""A probe."""
from urnn_bench.probes.base import Probe


class Broken(Probe):
    def read(self, trace):
        raise KeyError("no such state")
'''


def test_a_state_of_another_precision_is_told_once_and_training_goes_on(bench):
    bench.write("own.py", CASTING)
    err = bench("run", "tiny", "--model", "own", *OWN, "--probe", "--set", "probes.at=[0,3]").err
    (line,) = err.splitlines()
    assert "cannot be read at update 0: ValueError: the state 'h' is float32" in line
    assert status(*bench.runs()) == "done"


def test_a_probe_that_fails_ends_neither_the_run_nor_the_other_probes(bench):
    bench.write("broken.py", BROKEN_PROBE)
    probes = ("--probe", "--set", "probes.at=[0,3]", "--set", "probes.read=[broken,state_norm]")
    err = bench("run", "tiny", "--model", "lstm", "--include", "broken.py", "-q", *probes).err
    (line,) = err.splitlines()
    assert "broken cannot be read at update 0: KeyError: 'no such state'" in line
    (run,) = bench.runs()
    assert status(run) == "done" and "3,state_norm,h" in (run / "probes.csv").read_text()


SLIPS = {
    "default type": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "gradients": "torch.set_grad_enabled(False)",
    "seeds": "torch.manual_seed(0); np.random.seed(0); random.seed(0)",
    "determinism": "torch.use_deterministic_algorithms(True)",
    "numpy's errors": "np.seterr(all='raise')",
    "warnings": "import warnings; warnings.simplefilter('error')",
    "folder": "import os; os.chdir('/')",
    "search path": "import sys; sys.path.insert(0, '/nowhere')",
    "print": "print('hello')",
}
# what would end the run that does it
OF_A_RUN = ("gradients", "default device", "warnings")


def process_state():
    return (
        torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(), np.geterr(), list(warnings.filters),
    )  # fmt: skip


@pytest.mark.parametrize("place", ["import", "init", "step"])
def test_a_user_file_changes_nothing_of_other_models(place, bench, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    usual = bench("run", "tiny", "--model", "lstm", "-q", "--json").out
    own = {"import": (), "init": OF_A_RUN, "step": OF_A_RUN}[place]
    slips = "; ".join(slip for name, slip in SLIPS.items() if name not in own)
    old, new = {
        "import": ("class Own(Cell):", f"{slips}\n\n\nclass Own(Cell):"),
        "init": ("        self.v =", f"        {slips}\n        self.v ="),
        "step": ("        return (torch.tanh", f"        {slips}\n        return (torch.tanh"),
    }[place]
    bench.write("own.py", replaced(CELL, old, new))
    before = process_state()
    own = bench(
        "run", "tiny", "--model", "own", "--model", "lstm", *OWN, "--json", "--results", "r"
    )
    assert process_state() == before
    lines = [json.loads(line) for line in own.out.splitlines()]
    assert "hello" in own.err
    expected = [without_times(json.loads(line)) for line in usual.splitlines()]
    assert [without_times(e) for e in lines if e["run"].startswith("lstm")] == expected


CHDIR = "import os; os.chdir('/')"
PLACES = {
    "on_update_end": "    def initial_state",
    "initial_state": "        return (self.v.new_zeros",
    "readout_features": "    def initial_state",
}


@pytest.mark.parametrize("method", PLACES)
def test_a_cell_that_changes_the_folder_is_recorded_where_it_should_be(method, bench):
    place = PLACES[method]
    new = {
        "on_update_end": f"    def on_update_end(self, step):\n        {CHDIR}\n\n{place}",
        "initial_state": f"        {CHDIR}\n{place}",
        "readout_features": f"    def readout_features(self, h):\n        {CHDIR}\n"
        f"        return h\n\n{place}",
    }[method]
    bench.write("own.py", replaced(CELL, place, new))
    probes = ("--probe", "--set", "probes.at=[0,3]")
    bench("run", "tiny", "--model", "own", *OWN, "--results", "here", "--seeds", 2, *probes)
    runs = sorted((bench.folder / "here/tiny").iterdir())
    names = {"run.json", "metrics.csv", "probes.csv", "checkpoint.pt"}
    assert len(runs) == 2 and all(names <= {p.name for p in run.iterdir()} for run in runs)


def test_a_task_that_changes_the_folder_is_recorded_where_it_should_be(bench):
    baselines = '        return {"cross_entropy_nat": {"chance"'
    bench.write("own_task.py", replaced(TASK, baselines, f"        {CHDIR}\n{baselines}"))
    bench.write("benchmarks/parity.yaml", PARITY)
    bench("run", "parity", "--include", "own_task.py", "-q", "--results", "here")
    (run,) = (bench.folder / "here/parity").iterdir()
    assert status(run) == "done"


def without_times(event):
    return {key: value for key, value in event.items() if key != "train_s"}


def test_what_a_file_adds_to_the_search_path_stays_behind_the_others(bench, monkeypatch):
    """A cell may import a helper when it is built."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    bench.write("helpers/my_own_helper.py", "SCALE = 0.5\n")
    path = f"import sys; sys.path.insert(0, {str(bench.folder / 'helpers')!r})"
    source = replaced(CELL, "class Own(Cell):", f"{path}\n\n\nclass Own(Cell):")
    late = "        from my_own_helper import SCALE\n        self.v ="
    bench.write("own.py", replaced(source, "        self.v =", late))
    first = sys.path[0]
    bench("run", "tiny", "--model", "own", *OWN)
    assert sys.path[0] == first and sys.path[-1] == str(bench.folder / "helpers")


@pytest.mark.parametrize("more", [(), ("--seeds", 2), ("--profile",)])
def test_kernels_tells_what_a_cell_raises(more, bench):
    bench.write(
        "own.py", replaced(CELL, "state[0] @ w.w + u", "torch.cat([state[0], u]) @ w.w.T[:1]")
    )
    sizes = ("--steps", 6, "--batch", 2, "--hidden", 4, "--rounds", 1)
    err = bench("kernels", "--model", "own", "--include", "own.py", *sizes, *more, code=2).err
    said, line = err.splitlines()
    assert said.startswith("urnn-bench: error: the cell 'own': `step` fails: RuntimeError")
    assert line.startswith("  own.py:") and "torch.cat" in line


def test_kernels_compares_a_cell_that_draws(bench):
    bench.write("own.py", replaced(CELL, "+ u),)",
                "+ u) * ((torch.rand_like(u) > 0.3) if self.training else 0.7),)"))  # fmt: skip
    sizes = ("--steps", 6, "--batch", 2, "--hidden", 4, "--rounds", 1)
    rows = json.loads(
        bench("kernels", "--model", "own", "--include", "own.py", *sizes, "--json").out
    )
    assert [row["error"] for row in rows if row["model"] == "own"] == [0.0]
