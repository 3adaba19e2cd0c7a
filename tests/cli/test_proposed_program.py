"""The program that a proposed command calls, and the command that goes on after a stop."""

import shlex
import sys
from pathlib import Path

import pytest

import urnn_bench
from urnn_bench.proposals import Command, program

PYTHON = ("-m", "urnn_bench")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A virtual environment in the working directory, which is not on the search path."""
    script = tmp_path / ".venv/bin/urnn-bench"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return script


@pytest.mark.parametrize("called", [".venv/bin/urnn-bench", "{folder}/.venv/bin/urnn-bench"])
def test_a_program_off_the_search_path_is_called_by_its_path(installed, monkeypatch, called):
    monkeypatch.setattr(sys, "argv", [called.format(folder=Path.cwd())])
    assert str(Command({"copy": "copy"})) == ".venv/bin/urnn-bench run copy"
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program() == ("urnn-bench",)


def test_a_program_next_to_the_working_directory_has_a_whole_path(installed, monkeypatch):
    (installed.parents[2] / "below").mkdir()
    monkeypatch.chdir("below")
    monkeypatch.setattr(sys, "argv", ["../.venv/bin/urnn-bench"])
    assert program() == (str(installed),)


def test_a_module_is_called_by_its_python(monkeypatch, tmp_path):
    # from a folder that does not hold it, as its path would be relative there
    monkeypatch.chdir(tmp_path)
    main = Path(urnn_bench.__file__).with_name("__main__.py")
    monkeypatch.setattr(sys, "argv", [str(main)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert program() == (sys.executable, *PYTHON)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert program() == (Path(sys.executable).name, *PYTHON)


def test_another_program_proposes_the_name_that_is_installed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["docs/generate.py"])
    assert program() == ("urnn-bench",)


def test_the_command_that_goes_on_is_the_one_that_was_typed(bench):
    typed = ("run", "tiny", "--results", "a b", "--seeds", 2, "--time-limit", 0)
    said = bench(*typed, code=3).err
    (command,) = (line for line in said.splitlines() if line.startswith("to go on: "))
    assert shlex.split(command.partition(": ")[2]) == ["urnn-bench", *map(str, typed)]
    assert "to go on" not in bench("run", "tiny", "--model", "lstm").err
