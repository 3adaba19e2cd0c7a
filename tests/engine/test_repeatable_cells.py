"""A cell that cannot compute the same again, or train what it has, is told before training."""

import csv
import json

import pytest
from own_cells import CELL, replaced

OWN = ("--model", "own", "--include", "own.py", "-q")
WEIGHTS = "return Weights(self.v, self.w)"
STEP = "return (torch.tanh(state[0] @ w.w + u),)"
INIT = "        self.v = nn"
FIRST = "return (self.v.new_zeros(batch, self.hidden),)"
METHODS = "    def initial_state"


def with_init(line):
    return replaced(CELL, INIT, f"        {line}\n{INIT}")


def with_method(text):
    return replaced(CELL, METHODS, f"{text}\n\n{METHODS}")


# a cell, and a part of the sentence
FAULTS = {
    "generator_of_the_module": (
        replaced(
            replaced(CELL, STEP, "noise = RNG.random()\n        return (torch.tanh(noise * u),)"),
            "class Own",
            "RNG = np.random.default_rng(0)\n\n\nclass Own",
        ),
        "returns something else for the same arguments",
    ),
    "generator_of_the_cell": (
        replaced(
            with_init("self.rng = torch.Generator().manual_seed(1)"),
            WEIGHTS,
            "return Weights(self.v, self.w * torch.rand(1, generator=self.rng))",
        ),
        "draw from the generators of torch, numpy.random or random",
    ),
    "counts_its_calls": (
        replaced(
            with_init("self.calls = 1"),
            WEIGHTS,
            "self.calls += 1\n        return Weights(self.v, self.w / self.calls)",
        ),
        "keep what changes in a state",
    ),
    "goes_on_from_its_last_state": (
        replaced(
            replaced(
                with_init("self.last = None"),
                FIRST,
                "return (torch.zeros(batch, self.hidden) if self.last is None else self.last,)",
            ),
            STEP,
            "self.last = torch.tanh(state[0] @ w.w + u).detach()\n        return (self.last + u,)",
        ),
        "returns something else for the same arguments",
    ),
    "changes_its_state_in_place": (
        replaced(CELL, STEP, "h = state[0]\n        h *= 0.9\n        h += u\n        return (h,)"),
        "`step` changes the state that it is given",
    ),
    "makes_a_parameter_late": (
        replaced(
            with_init("self.b = None"),
            WEIGHTS,
            "self.b = self.b or nn.Parameter(torch.ones(1))\n"
            "        return Weights(self.v, self.w * self.b)",
        ),
        "makes its parameter 'cell.b' after `__init__`, so nothing trains it",
    ),
    "replaces_a_parameter": (
        with_method(
            "    def on_update_end(self, step):\n        self.w = nn.Parameter(self.w / 2)"
        ),
        "`on_update_end` replaces the parameter 'cell.w'",
    ),
    "lazy_parameter": (
        with_init("self.layer = nn.LazyLinear(hidden)"),
        "the parameter 'layer.weight' has no shape yet",
    ),
    "two_states_of_one_name": (
        replaced(
            replaced(CELL, FIRST, FIRST.replace(",)", ",) * 2")),
            STEP,
            'return (torch.tanh(state[0] @ w.w + u), u)\n\n    state_names = ("h", "h")',
        ),
        "the `state_names` ('h', 'h')",
    ),
    "gradients_off": (
        replaced(CELL, WEIGHTS, f"torch.set_grad_enabled(False)\n        {WEIGHTS}"),
        "switches gradients off",
    ),
    "features_of_another_type": (
        with_method("    def readout_features(self, h):\n        return h.double()"),
        "`readout_features` returned numbers of type float64; the weights are float32",
    ),
    "state_dict_of_numbers": (
        with_method(
            "    def get_extra_state(self):\n        return 3\n\n"
            "    def set_extra_state(self, value):\n        pass"
        ),
        "'cell._extra_state' in its state_dict is a value of type int",
    ),
    "flops_in_words": (
        with_method('    def flops(self):\n        return "many"'),
        "`flops` returned a value of type str",
    ),
    "raises": (
        replaced(CELL, STEP, "raise KeyError(3)"),
        "the cell 'own': `step` fails: KeyError: 3",
    ),
    "says_nothing": (
        replaced(
            replaced(CELL, STEP, "raise Mute"),
            "class Own",
            "class Mute(Exception):\n    def __str__(self):\n        return 1 / 0\n\n\nclass Own",
        ),
        "`step` fails: Mute:",
    ),
    "state_with_names": (
        replaced(CELL, STEP, "return (torch.tanh(state.h @ w.w + u),)"),
        "states come as a plain tuple: unpack it",
    ),
    "exits": (
        replaced(CELL, STEP, "raise SystemExit(3)"),
        "`step` fails: RuntimeError: it calls sys.exit(3)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_told_in_a_sentence_and_other_models_are_trained(fault, bench):
    source, sentence = FAULTS[fault]
    bench.write("own.py", source)
    err = bench("run", "tiny", *OWN, "--model", "lstm", code=3).err
    assert "failed (ComponentError: the cell 'own'" in err and sentence in err
    statuses = {
        p.name[:4]: json.loads((p / "run.json").read_text())["status"] for p in bench.runs()
    }
    assert statuses == {"own-": "failed", "lstm": "done"}


def test_a_file_that_exits_while_it_is_imported_is_an_error_with_its_name(bench):
    bench.write("own.py", replaced(CELL, "class Own", "raise SystemExit(0)\n\n\nclass Own"))
    err = bench("list", "models", "--include", "own.py", code=2).err
    assert "own.py: cannot be imported: RuntimeError: it calls sys.exit(0)" in err


FADING = {
    "attribute": ("self.scale = 1.0", "self.scale = self.scale / 2"),
    "buffer of no state_dict": (
        'self.register_buffer("scale", torch.ones(()), persistent=False)',
        "self.scale /= 2",
    ),
    "buffer": ('self.register_buffer("scale", torch.ones(()))', "self.scale /= 2"),
}


@pytest.mark.parametrize("kind", FADING)
def test_what_an_update_leaves_outside_of_buffers_is_a_warning(kind, bench):
    """Attributes begin anew when a run is resumed, so its curve would be another one."""
    init, update = FADING[kind]
    source = replaced(with_init(init), WEIGHTS, "return Weights(self.v, self.w * self.scale)")
    hook = f"    def on_update_end(self, step):\n        {update}\n\n{METHODS}"
    bench.write("own.py", replaced(source, METHODS, hook))
    err = bench("run", "tiny", *OWN).err
    assert ("keeps what an update changes in no parameter and no buffer" in err) == (
        kind != "buffer"
    )


SETS_TYPE = replaced(CELL, WEIGHTS, f"torch.set_default_dtype(torch.float64)\n        {WEIGHTS}")


def test_a_stack_is_sized_without_changing_what_follows(bench):
    bench.write("own.py", SETS_TYPE)
    runs = ("run", "tiny", "-q", "--model", "own", "--model", "lstm", "--include", "own.py")
    bench(*runs, "--results", "alone")
    bench(*runs, "--seeds", 2, "--stacked", "--results", "stacked")
    bench("run", "tiny", "-q", "--model", "lstm", "--results", "usual")
    tests = {}
    for folder in ("alone", "stacked", "usual"):
        (path,) = (bench.folder / folder).glob("*/lstm*-s0-*/run.json")
        tests[folder] = json.loads(path.read_text())["test"]["cross_entropy_nat"]
    assert tests["alone"] == tests["usual"] == pytest.approx(tests["stacked"], rel=1e-4)


# a state with a matrix for every sequence, one with a number, and one with bits
FORMS = {
    "matrix": ("batch, 2, self.hidden", "state[1] + u.unsqueeze(1)"),
    "number": ("batch", "state[1] + u.mean(1)"),
    "bits": ("batch, self.hidden, dtype=torch.bool", "state[1] | (u > 0)"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_probe_reads_states_of_any_form(form, bench):
    size, following = FORMS[form]
    source = replaced(CELL, "+ u),)", f"+ u), {following})")
    first = f"(self.v.new_zeros(batch, self.hidden), self.v.new_zeros({size}))"
    source = replaced(source, FIRST, f'return {first}\n\n    state_names = ("h", "c")')
    bench.write("own.py", source)
    read = "[gradient_norm,state_norm,distance_to_last,memory_horizon,lyapunov]"
    probing = ("--probe", "--set", "probes.at=[0]", "--set", f"probes.read={read}")
    assert bench("run", "tiny", *OWN, *probing).err == ""
    (run,) = bench.runs()
    rows = [*csv.DictReader((run / "probes.csv").read_text().splitlines())]
    lengths = {len([r for r in rows if r["state"] == name]) for name in ("h", "c")}
    assert len(lengths) == 1 and lengths.pop() > 0


PRECISIONS = {
    "weights from numpy": (
        "0.3 * torch.randn(hidden, hidden)",
        "torch.from_numpy(np.random.normal(0, 0.3, (hidden, hidden)))",
    ),
    "zeros of the default type": ("self.v.new_zeros(", "torch.zeros("),
}


@pytest.mark.parametrize("kind", PRECISIONS)
def test_kernels_measures_a_cell_in_one_precision(kind, bench):
    bench.write("own.py", replaced(CELL, *PRECISIONS[kind]))
    sizes = ("--steps", 6, "--batch", 2, "--hidden", 4, "--rounds", 1)
    out = bench("kernels", "--model", "own", "--include", "own.py", *sizes, "--json").out
    assert [row["error"] for row in json.loads(out) if row["model"] == "own"] == [0.0]


def test_kernels_tells_what_a_cell_raises_while_it_is_timed(bench):
    late = "self.calls = getattr(self, 'calls', 0) + 1\n        if self.calls > 3:\n"
    raising = f"{late}            raise KeyError('late')\n        {WEIGHTS}"
    bench.write("own.py", replaced(CELL, WEIGHTS, raising))
    sizes = ("--steps", 6, "--batch", 2, "--hidden", 4, "--rounds", 3)
    err = bench("kernels", "--model", "own", "--include", "own.py", *sizes, code=2).err
    said, line = err.splitlines()
    assert said == "urnn-bench: error: the model 'own' cannot be measured: KeyError: 'late'"
    assert line.startswith("  own.py:") and line.endswith(": raise KeyError('late')")


def test_a_buffer_that_is_replaced_is_as_good_as_one_that_is_changed(bench):
    """The trial of a stack would leave its own tensor in the place of the buffer."""
    init = 'self.register_buffer("mean", torch.zeros(hidden))'
    step = (
        "h = torch.tanh(state[0] @ w.w + u)\n        if self.training:\n"
        "            self.mean = 0.9 * self.mean + 0.1 * h.detach().mean(0)\n"
        "        return (h - self.mean,)"
    )
    bench.write("own.py", replaced(with_init(init), STEP, step))
    tests = {}
    for folder, more in {"alone": (), "stacked": ("--stacked",)}.items():
        bench("run", "tiny", *OWN, "--seeds", 2, "--results", folder, *more)
        paths = sorted((bench.folder / folder).glob("*/*/run.json"))
        tests[folder] = [json.loads(path.read_text())["test"] for path in paths]
    assert tests["alone"] == tests["stacked"]
