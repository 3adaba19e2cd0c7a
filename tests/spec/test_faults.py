"""What is wrong with a benchmark: every fault, each with its place and where its key lives."""

import pytest

from urnn_bench.spec.keys import nearest_place, place_of


def test_every_fault_of_a_file_is_a_line_with_its_place(bench):
    path = bench.folder / "benchmarks/tiny.yaml"
    text = path.read_text().replace("title:", "titel:").replace("steps: 6", "stepz: six")
    path.write_text(
        text.replace("hidden: 6", "hidden: wide").replace("seeds: [0]", "seeds: [0, 0]")
    )
    said = bench("run", "tiny", code=2).err.splitlines()
    assert all(line.startswith(f"urnn-bench: error: {path}") for line in said), said
    for line, fault in zip(
        said,
        (
            "line 1: titel: unknown key 'titel'; did you mean 'title'?",
            "line 4: seeds: 0 is given twice",
            "line 5: hidden: must be a whole number, not 'wide'",
            "line 10: fit.stepz: unknown key 'stepz'; did you mean 'steps'?",
        ),
        strict=True,
    ):
        assert fault in line


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("lr=1e-2", "fit.optimizer.lr"),
        ("fit.lr=1e-2", "fit.optimizer.lr"),
        ("optimiser=adam", "fit.optimizer"),
        ("batch_size=3", "fit.batch"),
        ("fit.hidden_size=3", "hidden"),
        ("models.lstm.lr=1", "fit.optimizer.lr"),
        ("task.batch=1", "fit.batch"),
        ("grid={lr: [1]}", "fit.optimizer.lr"),
    ],
)
def test_a_key_that_lives_elsewhere_is_named_by_its_path(bench, setting, place):
    said = bench("run", "tiny", "--set", setting, code=2).err
    assert f"did you mean '{place}'?" in said and said.count("\n") == 1


def test_every_place_is_taken(bench):
    """A proposed path never leads to another unknown key."""
    words = ("learning_rate", "epochs", "num_layers", "seed", "grad_clip", "seq_len", "clip_norm")
    for place in [place_of(word) for word in words] + [nearest_place("evaluate_evry")]:
        said = bench("run", "tiny", "--set", f"{place}=[[]]", code=2).err
        assert f"--set {place}=" in said and "unknown key" not in said


def test_an_optimizer_may_be_a_name(bench):
    rows = [
        bench("run", "tiny", *settings, "--model", "lstm", "--dry-run", "--json").out
        for settings in (
            ("--set", "fit.optimizer=adam", "--set", "fit.optimizer.lr=0.01"),
            ("--set", "fit.optimizer={name: adam, lr: 0.01}"),
        )
    ]
    assert rows[0].split('"run": ')[1] == rows[1].split('"run": ')[1]


# a file with one fault in every part, the fault of a line, and what mends it
FAULTY = {
    "titel: A benchmark": ("unknown key 'titel'", "title: A benchmark"),
    "task: {name: copying, simbols: 3}": ("unknown key 'simbols'", "task: {name: copying}"),
    "T: [4, 6]": None,
    "hidden: 6": None,
    "models:": None,
    "  urnn: {cell: {name: urnn, capasity: 3}}": ("unknown key 'capasity'", "  urnn:"),
    "  lstm: {fit: {stepz: 3}}": ("unknown key 'stepz'", "  lstm:"),
    "  gru: {cell: gruu}": ("no model is called 'gruu'", "  gru:"),
    "fit: {optimizer: {name: adam, lrr: 0.1}}": ("unknown key 'lrr'", "fit:"),
    "readout: {name: mlp, width: 3}": ("unknown key 'width'", "readout: mlp"),
    "probes: {every: 2, read: [gradient_norn]}": ("no probe is called", "probes: {every: 2}"),
    "grid: {fit.bach: [1, 2]}": ("fit has no key 'bach'", "grid: {fit.batch: [1, 2]}"),
    "figures: [cost, learning_curve]": ("no figure is called", "figures: [cost]"),
}
WRONG = {line: found for line, found in FAULTY.items() if found}


def faults_in(bench, lines, code=2):
    path = bench.write("faulty.yaml", "\n".join(lines).replace("fit:\n", "") + "\n")
    said = bench("run", path, "--dry-run", code=code).err
    return [line for line in said.splitlines() if "error" in line]


def test_faults_of_all_components_are_said_at_once_in_the_order_of_the_file(bench):
    said = faults_in(bench, FAULTY)
    places = [i for i, line in enumerate(FAULTY, start=1) if line in WRONG]
    assert len(said) == len(WRONG)
    for line, number, (fault, _) in zip(said, places, WRONG.values(), strict=True):
        assert f"line {number}: " in line and fault in line


@pytest.mark.parametrize("line", WRONG)
def test_mending_a_fault_leaves_the_others_as_they_are(bench, line):
    fault, mended = FAULTY[line]
    said = faults_in(bench, [mended if one == line else one for one in FAULTY])
    assert len(said) == len(WRONG) - 1 and not [one for one in said if fault in one]


def test_a_file_whose_faults_are_all_mended_has_runs(bench):
    assert not faults_in(bench, [found[1] if found else one for one, found in FAULTY.items()], 0)


def test_whatever_does_not_fit_together_is_said_at_once(bench):
    path = bench.folder / "benchmarks/tiny.yaml"
    path.write_text(path.read_text() + "pool: last\nbidirectional: true\nprobes: {every: 2}\n")
    first, second = bench("run", "tiny", "--dry-run", code=2).err.splitlines()
    assert "pool: the task 'copying' is scored at every step" in first
    assert "bidirectional: probes follow a network step by step" in second


def test_of_many_faults_the_first_are_said_and_the_others_counted(bench):
    axes = ", ".join(f"fit.key{i}: [1]" for i in range(30))
    said = bench("run", "tiny", "--set", f"grid={{{axes}}}", code=2).err.splitlines()
    assert len(said) == 21 and said[-1].endswith("and 10 more faults")
