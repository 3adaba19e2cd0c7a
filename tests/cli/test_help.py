"""Help, the names and former names of options, and wrong numbers, for every command."""

import json
import re

import pytest
from typer.main import get_command

from urnn_bench.cli.app import app

COMMANDS = get_command(app).loaded()
# the hidden aliases of commands
FORMER = {"run": ("--steps", "--together", "--one-by-one"), "kernels": ("--T",)}


def help_of(bench, *command, columns):
    text = bench(*command, "--help", env={"COLUMNS": str(columns)}).out
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_every_command_is_known():
    assert set(COMMANDS) == {
        "run",
        "search",
        "prepare",
        "list",
        "describe",
        "new",
        "check",
        "status",
        "plot",
        "table",
        "export",
        "merge",
        "clean",
        "compare",
        "verify",
        "kernels",
        "doctor",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_summaries_fit_on_a_line_of_80_columns(bench, name):
    summary = COMMANDS[name].short_help
    assert 20 < len(summary) <= 60 and summary.endswith(".")
    lines = help_of(bench, columns=80).splitlines()
    assert [name, summary] in [line.strip("│ ").split(maxsplit=1) for line in lines]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_option_and_no_raw_range(bench, name, columns):
    text = help_of(bench, name, columns=columns)
    assert f"Usage: urnn-bench {name} [OPTIONS]" in text
    assert all(len(line) <= columns for line in text.splitlines())
    words = re.split(r"[\s,]+", text)
    options = [option for p in COMMANDS[name].params for option in (*p.opts, *p.secondary_opts)]
    assert not {option for option in options if option.startswith("-")} - {*words}
    assert "--help" in words and "<bool>" not in words
    assert not re.search(r"[<>]=|9223372036854775807|…", text)
    assert not {*words} & {*FORMER.get(name, ())}


def test_options_of_run_are_in_groups(bench):
    panels = re.findall(r"╭─ (\w+) ─", help_of(bench, "run", columns=80))
    groups = ["Selection", "Training", "Execution", "Folders", "Output"]
    assert panels == ["Arguments", "Options", *groups]


def test_help_in_a_pipe_has_no_escape_codes(bench):
    env = dict.fromkeys(("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"), "")
    for command in ((), ("run",)):
        text = bench.process(*command, "--help", env=env).out
        assert "\x1b" not in text and max(map(len, text.splitlines())) <= 80


def planned(bench, *arguments):
    rows = json.loads(bench("run", *arguments, "--dry-run", "--json").out)
    return [{key: value for key, value in row.items() if key != "train_s"} for row in rows]


@pytest.mark.parametrize(
    ("former", "today", "shown"),
    [
        (("--steps", 3), ("--updates", 3), {"updates": 3}),
        (("--steps=3",), ("--updates", 3), {"updates": 3}),
        (("--together",), ("--stacked",), {"stack": 1}),
        (("--set", "together=true", "--one-by-one"), ("--no-stacked",), {"updates": 6}),
    ],
)
def test_former_names_of_options_select_the_same_runs(bench, former, today, shown):
    arguments = ("tiny", "--model", "lstm", "--seeds", 2)
    rows = planned(bench, *arguments, *former)
    assert rows == planned(bench, *arguments, *today) and len(rows) == 2
    assert shown.items() <= rows[0].items()
    assert ("stack" in rows[0]) == ("stack" in shown)


def test_new_names_of_options_are_stored_as_before(bench):
    bench("run", "tiny", "--model", "lstm", "--updates", 2, "-q")
    (folder,) = bench.runs()
    assert json.loads((folder / "run.json").read_text())["run"]["settings"] == ["fit.steps=2"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "tiny", "--T", "0"), "'--T': must be at least 1, not 0"),
        (("run", "tiny", "--T", "long"), "'--T': 'long' is not a whole number"),
        (("run", "tiny", "--steps", "0"), "'--updates': must be at least 1, not 0"),
        (("run", "tiny", "--seed", "-1"), "'--seed': must be at least 0, not -1"),
        (("run", "tiny", "--seed", str(2**63)), "'--seed': must be at most"),
        (("run", "tiny", "--time-limit", "nan"), "must be at least 0 seconds, not nan"),
        (("run", "tiny", "--time-limit", "-1"), "must be at least 0 seconds, not -1"),
        (("run", "tiny", "--time-limit", "soon"), "'soon' is not a number of seconds"),
        (("kernels", "--steps", "2"), "'--steps': must be at least 3, not 2"),
        (("kernels", "--seeds", "1"), "'--seeds': must be at least 2, not 1"),
    ],
)
def test_a_wrong_number_is_one_sentence(bench, arguments, sentence):
    error = bench(*arguments, code=2, env={"COLUMNS": "120"}).err
    assert sentence in re.sub(r"\x1b\[[0-9;]*m", "", error)


def test_the_largest_seed_is_taken(bench):
    assert planned(bench, "tiny", "--model", "lstm", "--seed", 2**63 - 1)[0]["seed"] == 2**63 - 1
