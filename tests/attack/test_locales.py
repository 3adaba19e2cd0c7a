"""Terminals and locales that lack letters: everything is shown somehow, files are UTF-8."""

import ast
import json
import os
import pty
import re
import select
from pathlib import Path

import pytest
from attack.commands import in_one_process
from conftest import TINY

import urnn_bench

TITLE = "Grüße – ✓ a benchmark"
MODEL = "modèle-λ"
YAML = TINY.replace("A benchmark for tests", TITLE).replace(
    "  lstm:\n", f"  {MODEL}: {{cell: lstm}}\n"
)
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LOCALES = {
    "C": (ASCII_LOCALE, "ascii"),
    "ascii": ({"PYTHONIOENCODING": "ascii"}, "ascii"),
    "latin-1": ({"PYTHONIOENCODING": "latin-1"}, "latin-1"),
}
COMMANDS = [
    ("run", "wide"),
    ("list",),
    ("describe", "wide"),
    ("status",),
    ("table", "wide"),
    *(("table", "wide", "--format", name) for name in ("csv", "markdown", "latex")),
    ("plot", "wide", "--figure", "learning_curves", "--format", "svg"),
    ("doctor",),
    ("kernels", "--help"),
    ("describe", "wide", "--json"),
]


@pytest.mark.parametrize("name", LOCALES)
def test_every_command_works_in_every_locale(bench, name, attack):
    env, encoding = LOCALES[name]
    model = MODEL if "LC_ALL" not in env else "model"
    text = YAML.replace(MODEL, model)
    (bench.folder / "benchmarks/wide.yaml").write_text(text, encoding="utf-8")
    written = in_one_process(bench, COMMANDS, env)
    texts = [out.decode(encoding) for out, _ in written]
    assert all("Traceback" not in err.decode(encoding) for _, err in written)
    assert ("modèle" in texts[4]) == (encoding == "latin-1") == ("Grüße" in texts[2])
    assert all("–" not in text for text in texts)
    # JSON stays JSON, and says the same
    assert json.loads(texts[-1])[0]["about"] == TITLE
    paths = (bench.folder / "results/wide").glob("*/run.json")
    assert model in [json.loads(path.read_bytes())["run"]["label"] for path in paths]
    (figure,) = bench.folder.rglob("*.svg")
    assert model in figure.read_text(encoding="utf-8")
    attack.tried("a command in a locale that lacks letters", len(COMMANDS))


def test_a_folder_that_the_locale_cannot_name_is_one_sentence(bench):
    (bench.folder / "benchmarks/wide.yaml").write_text(YAML, encoding="utf-8")
    err = bench.process("run", "wide", env=ASCII_LOCALE, code=2).err
    (refused,) = [line for line in err.splitlines() if "refused:" in line]
    assert "cannot express the name of the folder; set PYTHONUTF8=1" in refused
    assert "urnn T=4 seed 0: done" in err and "Traceback" not in err


def test_file_names_that_are_not_utf8_are_shown(bench, attack):
    name = os.fsdecode(b"caf\xe9")
    commands = [
        ("run", "tiny", "--model", "lstm", "--results", name),
        ("status", "--results", name),
        ("plot", "tiny", "--results", name, "--figure", "learning_curves"),
    ]
    written = in_one_process(bench, commands)
    assert rb"caf\udce9/tiny/figures/learning_curves.png" in written[-1][0]
    assert rb"--results" in written[0][1] and list(bench.folder.glob(f"{name}/tiny/*/run.json"))
    (err,) = [
        err for _, err in in_one_process(bench, [("status", "--results", name + "x")], code=5)
    ]
    assert rb"caf\udce9x: there are no runs yet" in err
    attack.tried("a command with a file name that is not UTF-8", len(commands) + 1)


def test_bars_and_curves_are_ascii_where_the_terminal_is(bench):
    """And what goes to stdout stays there while bars are drawn."""
    leader, follower = pty.openpty()
    env = {"TERM": "xterm", "PYTHONIOENCODING": "ascii"}
    process = bench.start(
        "run", "tiny", "--json", "--updates", 100, env=env, stderr=follower, stdin=follower
    )
    os.close(follower)
    seen = read_all(leader)
    events = [json.loads(line)["event"] for line in process.communicate(timeout=60)[0].splitlines()]
    assert process.returncode == 0 and events.count("end") == 2
    text = seen.decode("ascii")
    assert re.search(r"xbase [_.:=+*#-]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    assert "Traceback" not in text


def read_all(leader):
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # the other end has closed
            break
        seen += chunk
    os.close(leader)
    return seen


def test_no_other_process_is_read_in_the_encoding_of_the_locale():
    """Files are looked after by ruff's PLW1514."""
    for path in Path(urnn_bench.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call):
                names = {keyword.arg for keyword in node.keywords}
                assert not names & {"text", "universal_newlines"} or "encoding" in names, path
