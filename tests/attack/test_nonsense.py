"""Requests that could be carried out, and that would mean nothing: each ends in one sentence."""

import json
import os

import pytest

LR, DECAY, EPS = "fit.optimizer.lr", "fit.optimizer.weight_decay", "fit.optimizer.eps"
SOLVED = "fit.solved={metric: %s, %s: %s}"

# what is asked for beside "run tiny", and what the one sentence has to say
REFUSED = [
    # numbers that are others in the arithmetic of the run
    ((f"{LR}=1e300",), f"--set {LR}=1e+300: 1e+300 is infinite in float32"),
    ((f"{LR}=1e-60",), f"--set {LR}=1e-60: 1e-60 is as good as 0 in float32"),
    (("fit.orthogonal_lr=1e-60",), "fit.orthogonal_lr=1e-60: 1e-60 is as good as 0 in float32"),
    (("fit.clip={value: 1e39}",), "1e+39 is infinite in float32"),
    (("fit.optimizer.decay=0.9999999999",), "0.9999999999 is 1 in float32"),
    (("fit.optimizer={name: adam, betas: [0.9, 0.9999999999]}",), "0.9999999999 is 1 in float32"),
    (("fit.optimizer={name: adam, eps: 1e30}",), "so large that nothing counts"),
    (("models.urnn.cell.eps=1e30",), "models.urnn.cell.eps=1e+30: 1e+30 is so large"),
    (("models.urnn.cell.bias_bound=1e50",), "bias_bound=1e+50: 1e+50 is infinite in float32"),
    (("models.lstm.cell.forget_bias=-1e50",), "forget_bias=-1e+50: -1e+50 is infinite"),
    (("fit.optimizer={name: sgd, weight_decay: 1e30}",), "must be below 1 / lr, which is 1000"),
    (("fit.optimizer={name: adamw, lr: 0.1, weight_decay: 10.0}",), "must be below 1 / lr"),
    (("fit.steps=1000000000000000000",), "must be at most 10,000,000,000, not 1000000000000000000"),
    # bounds of scores
    ((SOLVED % ("recall_accuracy", "above", 1.0),), "no 'recall_accuracy' is above 1.0"),
    ((SOLVED % ("recall_accuracy", "above", -0.5),), "every 'recall_accuracy' is above -0.5"),
    ((SOLVED % ("recall_accuracy", "below", 7),), "every 'recall_accuracy' is below 7"),
    ((SOLVED % ("cross_entropy_nat", "below", 0),), "no 'cross_entropy_nat' is below 0"),
    ((SOLVED % ("cross_entropy_over_baseline", "below", -1),), "it is between 0 and inf"),
    ((SOLVED % ("cross_entropy_nat", "above", ".nan"),), "must be a finite number, not .nan"),
    # probes
    (("probes={at: []}",), "no update is probed; list some, or give 'every'"),
    (("probes={at: [-1]}",), "must be at least 0, not -1"),
    (("probes={at: [2, 0, 2]}",), "2 is given twice"),
    (("probes={read: [lyapunov, {name: lyapunov}]}",), "'lyapunov' is given twice"),
    # figures
    (("figures=[{name: learning_curves, colour: 3}]",), "unknown key 'colour'"),
    (
        ("figures=[{name: learning_curves, x: epochs}]",),
        "must be 'examples', 'updates' or 'seconds'",
    ),
    (("figures=[{name: learning_curves, paper: {urnn: {4: [1]}}}]",), "must be a list, not 1"),
    (("figures=[cost, {name: cost}]",), "'cost' is given twice"),
    # the same twice, and one thing two ways
    (("seeds=[1, 1]",), "--set seeds=[1, 1]: 1 is given twice"),
    (("T=[4, 4]",), "--set T=[4, 4]: 4 is given twice"),
    (("grid={optimizer.lr: [1, 1.0]}",), "'optimizer.lr' 1.0 is given twice"),
    (("grid={clip: [{value: 1.0}, {value: 1.0}]}",), "is given twice"),
    (("T={4: 0}",), "must be a mapping, not 0"),
    # more than can be planned or named
    (("grid={batch: [%s], steps: [%s]}" % ((", ".join(map(str, range(1, 999))),) * 2),), "runs"),
    (("models.%s.cell=lstm" % ("x" * 300),), "has at most 180 bytes"),
]


def settings(values):
    return [word for value in values for word in ("--set", value)]


@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_what_cannot_be_meant_is_refused(bench, attack, values, sentence):
    error = bench("run", "tiny", "--dry-run", *settings(values), code=2).err
    assert sentence in error and error.count("\n") == 1 and len(error) < 500, error
    assert "--set" in error and "tiny.yaml" not in error
    attack.tried("requests that mean nothing")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("seeds: [0]", "seeds: [0, 0]", "line 4: seeds: 0 is given twice"),
        ("T: [4]", "T: [4, 5, 4]", "line 3: T: 4 is given twice"),
        ("  steps: 6", "  steps: 6\n  optimizer: {lr: 1e300}", "line 11: fit.optimizer.lr: 1e+300"),
        ("lstm:\n", "lstm: {cell: {forget_bias: 1e99}}\n", "line 8: models.lstm.cell.forget_bias"),
        ("[learning_curves,", "[{name: cost, x: 1},", "line 15: figures.0.x: unknown key 'x'"),
        ("hidden: 6", "hidden: 6\nparameters: 900", "give the size once"),
        ("batch: 4", "batch: 4\n  solved: {metric: recall_accuracy, above: 2}", "no 'recall_acc"),
    ],
)
def test_the_sentence_has_the_line_of_a_file(bench, old, new, place):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    assert old in text
    bench.write("benchmarks/tiny.yaml", text.replace(old, new))
    error = bench("run", "tiny", "--dry-run", code=2).err
    assert "tiny.yaml" in error and place in error and error.count("\n") == 1, error


@pytest.mark.parametrize("command", [("describe", "tiny"), ("plot", "tiny")])
def test_other_commands_refuse_a_figure_s_options_too(bench, command):
    bench.record("lstm", benchmark="tiny")
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    bench.write("benchmarks/tiny.yaml", text.replace("[learning_curves,", "[{name: cost, x: 1},"))
    error = bench(*command, code=2).err
    assert "tiny.yaml, line 15: figures.0.x: unknown key 'x'" in error, error


def test_a_metric_of_a_user_s_task_is_not_judged(bench):
    bench.write(
        "mine.py",
        '"""Copying whose accuracy is a percentage."""\n'
        "from urnn_bench.tasks.copying import Copying as _Copying\n"
        "class Mine(_Copying):\n"
        "    metric_ends = {}\n",
    )
    words = settings(["task=mine", SOLVED % ("recall_accuracy", "above", 95.0)])
    bench("run", "tiny", "--include", "mine.py", "--dry-run", *words)


def test_what_may_be_meant_is_done(bench):
    """A harmless repetition, and what is large or late for a reason."""
    words = ["--seed", 0, "--seed", 0, "--T", 4, "--T", 4, "--updates", 4, "--set", "fit.steps=4"]
    rows = json.loads(bench("run", "tiny", "--dry-run", "--json", "--model", "lstm", *words).out)
    assert [row["updates"] for row in rows] == [4]
    words = settings(["fit.optimizer={name: sgd, lr: 1e38}", "fit.evaluate_every=1000"])
    bench("run", "tiny", "--dry-run", *words, *settings(["fit.log_every=1000"]))
    bench("run", "tiny", "--dry-run", *settings([f"{LR}=1e300", "fit.dtype=float64"]))


def test_a_run_that_is_never_scored_in_between_is_scored_at_its_end(bench):
    bench("run", "tiny", "--model", "lstm", *settings(["fit.evaluate_every=1000"]))
    rows = (bench.runs()[0] / "metrics.csv").read_text().splitlines()
    scored = {row.split(",")[0] for row in rows if ",validation," in row}
    assert scored == {"0", "6"}


def test_probes_after_the_last_update_are_warned_of(bench):
    error = bench("run", "tiny", "--dry-run", *settings(["probes.at=[0, 500]"])).err
    assert "warning: --set probes.at=[0, 500]: 500 is after the last update" in error
    error = bench("run", "tiny", "--dry-run", *settings(["probes.every=7"])).err
    assert "warning: --set probes.every=7: 7 is after the last update of every run, 6" in error
    # the default of --probe is no request
    assert "warning" not in bench("run", "tiny", "--dry-run", "--probe").err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--updates", 4, "--set", "fit.steps=3"], "--updates 4 and --set fit.steps=3 contradict"),
        (["--updates", 4, "--set", "fit={steps: 3}"], "--updates 4 and --set fit.steps=3"),
        (["--batch", 4, "--set", "fit.batch=[1]"], "--batch 4 and --set fit.batch=[1]"),
        (["-q", "-v"], "-q reports less and -v more; give one of them"),
        (["--device", "gpu"], "'gpu' is not one of 'auto', 'cpu', 'cuda'"),
        (["--seed", "٣"], "'٣' is not a whole number"),
        (["--seed", "1_0"], "'1_0' is not a whole number"),
        (["--T", "9" * 5000], "is not a whole number"),
        (["--seeds", "99999999999"], "must be at most 100000"),
        (["--time-limit", "x" * 5000], "is not a number of seconds"),
        (["--set", "task.name=nope"], "error: --set task.name=nope: no task is called 'nope'"),
        (["--set", "fit.optimizer.name=nope"], "error: --set fit.optimizer.name=nope: 'nope' is"),
        (["--set", "T.².steps=3"], "a length must be a whole number of at least 1, not '²'"),
        (["--set", "T.٣.steps=3"], "a length must be a whole number of at least 1, not '٣'"),
        (["--set", "\udc80=3"], "--set takes PATH=VALUE"),
        (["--set", "fit.steps=\udc80"], "is not a YAML value"),
        (["--set", "x" * 100_000], "--set takes PATH=VALUE"),
    ],
)
def test_a_wrong_command_line_is_told_so(bench, words, sentence):
    error = bench("run", "tiny", "--dry-run", *words, code=2).err
    plain = " ".join(error.replace("│", " ").split())
    assert sentence in plain and len(plain) < 500, plain
    assert not [word for word in ("Value error", "Errno", "Traceback") if word in plain]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: None, "No such file or directory"),
        (lambda path: path.mkdir(), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 3 << 30), "larger than 1"),
        (lambda path: path.write_bytes(b"title: \xff\xfe"), "it is not text in UTF-8"),
        (lambda path: path.write_bytes(b"title: a\x00b"), "special characters are not allowed"),
        (lambda path: path.write_text("a: &a [*a]"), "a value contains itself"),
        (lambda path: path.write_text("a: " + "[" * 9000), "nested too deeply"),
        (lambda path: path.write_text("a: !!bool maybe"), "'maybe' is not of the type !!bool"),
        (lambda path: path.write_text(LAUGHS), "there are more than 200,000 values"),
        (lambda path: path.write_text("a: !!timestamp x"), "could not determine a constructor"),
    ],
)
@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_file_that_cannot_be_read_is_one_sentence(bench, attack, command, make, reason):
    make(bench.folder / "bad.yaml")
    error = bench(command, "bad.yaml", code=2).err
    assert error.startswith("urnn-bench: error: bad.yaml") and reason in error, error
    assert error.count("\n") == 1 and "Errno" not in error
    attack.tried("files that are no benchmark")


# a billion values by aliases of aliases
LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


def test_a_file_with_a_byte_order_mark_is_read(bench):
    text = (bench.folder / "benchmarks" / "tiny.yaml").read_text()
    (bench.folder / "benchmarks" / "tiny.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    bench("run", "tiny", "--dry-run")
