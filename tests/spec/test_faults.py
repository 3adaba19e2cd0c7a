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
