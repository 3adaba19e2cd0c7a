"""Every command that a message proposes is the run that the message is about, in its folder."""

import shlex
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.cli.app import app
from urnn_bench.proposals import Command
from urnn_bench.records.record import Record
from urnn_bench.run import scheduler
from urnn_bench.spec.load import parse_value
from urnn_bench.spec.overrides import Override, parse_override

GRID = "grid: {optimizer.lr: [0.001, 0.01]}\n"
CELL = "from urnn_bench.cells.gru import Gru\n\n\nclass Mine(Gru):\n    '''Mine.'''\n"


@pytest.fixture
def rerun(bench, monkeypatch):
    """Type a command into the real parser; return its runs, its folder and whether it forces."""
    import urnn_bench.cli.training as training

    def rerun(command):
        seen = []

        def note(requested, options, *_):
            seen.append((requested.runs, options))
            return []

        program, *words = shlex.split(command)
        assert program == "urnn-bench"
        with monkeypatch.context() as patch:
            patch.setattr(training, "prepare_runs", note)
            bench(*words, "-q")
        ((runs, options),) = seen
        return {run.identity for run in runs}, options

    return rerun


def proposed(text):
    """The commands in messages, each from its name to the end of its line."""
    found = (line.partition("urnn-bench run ") for line in text.splitlines())
    return [f"{name}{options}".partition(" (")[0] for _, name, options in found if name]


CASES = {
    "results": ("tiny", ["--results", "other one"]),
    "settings": ("tiny", ["--set", "fit.clip={norm: 1.0}", "--set", "hidden=5", "--updates", 7]),
    "batch": ("tiny", ["--batch", 3, "--set", "fit.clip=null", "--kernel", "eager"]),
    "probes": ("tiny", ["--probe", "--set", "probes.every=2", "--T", 5, "--seed", 9]),
    "path": ("my files/mine.yaml", ["--results", "a'b"]),
    "include": ("tiny", ["--include", "my files/mine.py", "--model", "mine", "--device", "cpu"]),
    "data": ("tiny", ["--data-dir", "my data"]),
}


@pytest.mark.parametrize(("benchmark", "options"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("damage", ["checkpoint.pt", "run.json"])
def test_the_command_for_a_damaged_run_names_that_run_alone(
    bench, rerun, attack, benchmark, options, damage
):
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    bench.write("my files/mine.yaml", text + GRID)
    bench.write("my files/mine.py", CELL)
    typed = ["run", benchmark, *options]
    bench(*typed, "--time-limit", 0, "-q", code=3)
    paths = sorted(bench.folder.rglob("run.json"))
    kept = shutil.copytree(paths[0].parents[2], bench.folder / "kept")
    for path in paths:
        record = Record.read(path.parent)
        (path.parent / damage).write_bytes(b"damaged")
        lines = bench(*typed, code=2).err.splitlines()
        (command,) = proposed("\n".join(line for line in lines if ": refused: " in line))
        # the other runs have gone on
        shutil.rmtree(path.parents[2])
        shutil.copytree(kept, path.parents[2])
        identities, execution = rerun(command)
        assert identities == {record.identity} and execution.force
        assert bench.folder / execution.results == path.parents[2]
        attack.tried("commands for a damaged run, typed as they were proposed")


def test_the_command_for_a_skipped_run_forces_that_run_alone(bench, rerun):
    typed = ("run", "tiny", "--seeds", 2, "--results", "other", "--set", "fit.clip=null")
    bench(*typed, "-q")
    commands = proposed(bench(*typed).err)
    expected = {Record.read(p.parent).identity for p in bench.folder.rglob("run.json")}
    found = [rerun(command) for command in commands]
    assert all(len(identities) == 1 and options.force for identities, options in found)
    assert {*expected} == set().union(*(identities for identities, _ in found))
    assert {options.results for _, options in found} == {Path("other")}


# why others are not drawn is said of a figure that is asked for
OF_PROBES = ("--figure", "gradient_norms", "--figure", "memory_over_training")


def test_the_command_that_probes_names_the_runs_that_were_not(bench, rerun):
    typed = ("run", "tiny", "--model", "lstm", "--seeds", 2, "--results", "o o")
    bench(*typed, "--updates", 4, "-q")
    commands = proposed(bench("plot", "tiny", *OF_PROBES, "--results", "o o", code=5).err)
    bench(*typed, "--updates", 4, "--probe", "-q")
    probed = [Record.read(p.parent) for p in bench.folder.rglob("run.json")]
    expected = {record.identity for record in probed if record.run.probes}
    assert commands and any(rerun(command)[0] == expected for command in commands)
    assert all(rerun(command)[1].results == Path("o o") for command in commands)


@pytest.mark.parametrize("name", [(), ("mine b",), ("my files/mine b.yaml",)])
def test_the_command_that_probes_has_the_file_that_the_runs_were_trained_with(bench, rerun, name):
    """Also if the figures are drawn by the name alone, or of all that is recorded."""
    bench.write("my files/mine b.yaml", (bench.folder / "benchmarks/tiny.yaml").read_text())
    bench("run", "my files/mine b.yaml", "--results", "my results", "-q")
    said = bench("plot", *name, *OF_PROBES, "--results", "my results", code=5).err
    commands = proposed(said)
    assert len(commands) > 1
    for command in commands:
        _, options = rerun(command)
        assert "'my files/mine b.yaml'" in command and options.results == Path("my results")
    # probes after the last update would read nothing, and the advice would never end
    (training,) = [line for line in said.splitlines() if line.startswith("memory_over_training")]
    assert "--set probes.every=6" in training


def test_commands_that_make_runs_have_the_folder(bench, rerun):
    (bench.folder / "o o").mkdir()
    for command in (("status",), ("table",), ("plot",), ("table", "tiny"), ("status", "tiny")):
        (text,) = proposed(bench(*command, "--results", "o o", code=5).err)
        assert rerun(text)[1].results == Path("o o")


def test_the_commands_of_claims_are_whole(bench, rerun):
    bench.write("benchmarks/made.yaml", bench.MADE)
    bench.write(
        "paper.yaml",
        "title: A paper\npaper: x\nclaims:\n  stuck:\n    figure: '1'\n    says: x\n    source: y\n"
        "    reference: {value: 1}\n    needs: {benchmark: made, model: lstm, T: 100}\n"
        "    quantity: {of: solved}\n    expect: {every: false}\n",
    )
    (bench.folder / "o o").mkdir()
    said = bench("verify", "paper.yaml", "--results", "o o", "--data-dir", "d d", code=5)
    (command,) = proposed(said.err)
    identities, execution = rerun(command)
    assert len(identities) == 3 and execution.results == Path("o o")
    assert execution.command.data_dir == "d d" and "add to the commands" not in said.err


def test_the_command_that_draws_has_path_folder_and_files(bench):
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    bench.write("my files/mine.yaml", text)
    bench.write("my files/mine.py", CELL)
    given = ("--results", "o o", "--include", "my files/mine.py")
    said = bench("run", "my files/mine.yaml", *given, "--model", "lstm").err
    command = said.splitlines()[-1].partition("to plot them: ")[2]
    words = shlex.split(command)
    assert words[:2] == ["urnn-bench", "plot"]
    assert bench(*words[1:]).out.count("o o/mine/figures/")


YAML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.integers() | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(value=YAML)
def test_a_recorded_setting_reads_back_as_the_same_value(value):
    text = Override(("fit", "x"), value).text
    read = parse_override(text)
    assert read.value == value and type(read.value) is type(value) and len(text.splitlines()) == 1


@pytest.mark.parametrize("text", ["null", "True", "0.001", "1e-05", "adam", "{name: sgd, lr: 0.1}"])
def test_a_recorded_setting_is_what_was_typed_if_it_can_be(text):
    value = parse_value(text)
    shown = Override(("x",), value).text.removeprefix("x=")
    assert parse_value(shown) == value and (isinstance(value, dict) or shown == text)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
NUMBER = st.integers(1, 2**40)


@given(
    given_names=st.lists(TEXT.filter(lambda t: t[0] != "-"), min_size=1, max_size=2, unique=True),
    models=st.lists(TEXT, max_size=2),
    settings=st.lists(TEXT, max_size=3),
    results=st.none() | TEXT,
    numbers=st.lists(NUMBER, max_size=2),
    updates=st.none() | NUMBER,
    probe=st.booleans(),
)
def test_the_parser_reads_a_command_as_it_was_meant(
    given_names, models, settings, results, numbers, updates, probe
):
    command = Command(
        {name: name for name in given_names},
        results=results,
        models=tuple(models),
        lengths=tuple(numbers),
        seeds=tuple(numbers),
        settings=tuple(settings),
        updates=updates,
        probe=probe,
    )
    words = shlex.split(str(command))
    assert words[:2] == ["urnn-bench", "run"]
    parsed = RUN.make_context("run", words[2:]).params
    assert parsed["benchmarks"] == given_names and parsed["probe"] is probe
    assert list(parsed["models"] or ()) == models and list(parsed["settings"] or ()) == settings
    assert list(parsed["lengths"] or ()) == numbers and list(parsed["seed"] or ()) == numbers
    assert parsed["updates"] == updates
    assert parsed["results"] == (None if results is None else Path(results))


def _run_command():
    from typer.main import get_command

    return get_command(app).loaded()["run"]


RUN = _run_command()


def test_no_message_below_the_command_line_proposes_to_force():
    """Only the scheduler knows the run: lower layers say what is wrong, and no command."""
    package = Path(scheduler.__file__).parents[1]
    holders = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "--force" in path.read_text()
    }
    # the submission refuses it
    assert holders == {
        "proposals.py",
        "cli/display/plain.py",
        "cli/options/run.py",
        "cli/submission.py",
    }
