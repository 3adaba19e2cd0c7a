"""Paths on the command line and in variables: ``~`` is the home folder, and empty ones are refused.

A shell expands ``~`` neither in ``--results=~/runs`` nor within a variable.
"""

import json
import os
import re
import shlex

import pytest
from typer.main import get_command

from urnn_bench.cli.app import app
from urnn_bench.cli.options.paths import NameOrPathOf, PathOf
from urnn_bench.data import store
from urnn_bench.errors import DataError
from urnn_bench.files import cache_folder

PARAMETERS = {
    f"{command} {parameter.metavar} {parameter.name}": parameter
    for command, loaded in get_command(app).loaded().items()
    for parameter in loaded.params
    if parameter.name != "help"
}
NOBODY = "~no-such-user-1/x"
RUN = ("run", "tiny", "--model", "lstm", "--updates", 2, "-q")


@pytest.fixture
def home(bench, monkeypatch):
    """The home folder, in which there is a copy of everything that a path can name."""
    folder = bench.folder / "home"
    folder.mkdir()
    # the kernels that are compiled already
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache_folder().parent))
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.mark.parametrize("place", PARAMETERS)
def test_every_path_has_a_parser_that_expands_it(place):
    parameter = PARAMETERS[place]
    parser = parameter.type_descriptor.parameter_info.parser
    annotation = str(parameter.type_descriptor.annotation)
    if "Path" in annotation:
        assert isinstance(parser, PathOf)
    elif "str" in annotation and parameter.metavar in ("BENCHMARK", "PAPER", "A", "B", None):
        assert isinstance(parser, NameOrPathOf)
    is_flag = getattr(parameter, "is_flag", False)
    if not is_flag and re.search(r"\b(folder|files?)\b", parameter.help, re.IGNORECASE):
        assert isinstance(parser, PathOf | NameOrPathOf)
    if isinstance(parser, PathOf | NameOrPathOf):
        assert parser.name in (*parameter.opts, parameter.metavar)


def test_results_and_variables_begin_at_home(bench, home):
    bench(*RUN, "--results=~/a")
    bench(*RUN, env={"URNN_BENCH_RESULTS": "~/b"})
    assert {path.parents[2].name for path in home.rglob("run.json")} == {"a", "b"}
    for command in (("status",), ("table",), ("compare", "lstm", "lstm"), ("plot",)):
        assert re.search("lstm|tiny", bench(*command, "--results=~/a").out)
    assert "lstm" in bench("compare", "~/a", "~/b").out
    assert f"{home}/a (writable)" in bench("doctor", "--results=~/a").out
    assert not (bench.folder / "~").exists()


def test_files_and_other_folders_begin_at_home(bench, home):
    (home / "mine.yaml").write_bytes((bench.folder / "benchmarks" / "tiny.yaml").read_bytes())
    (home / "own.py").write_text("from urnn_bench.cells.lstm import Lstm\nclass Own(Lstm): ...\n")
    bench("run", "~/mine.yaml", "--model", "own", "--include=~/own.py", "--updates", 2, "-q")
    for command in ("status", "table", "plot"):
        out = bench(command, "~/mine.yaml", *(["--out=~/figures"] if command == "plot" else [])).out
        assert "own" in out or "learning_curves" in out
    assert list((home / "figures").rglob("*.png"))
    sizes = ("--steps", 3, "--hidden", 2, "--batch", 1, "--rounds", 1, "--model", "own")
    bench("kernels", *sizes, "--csv=~/times.csv", "--include=~/own.py")
    assert (home / "times.csv").read_text().startswith("model,")
    assert not (bench.folder / "~").exists()


def test_claims_begin_at_home(bench, home):
    (home / "claims.yaml").write_text("title: [1\n")
    assert f"{home}/claims.yaml" in bench("verify", "~/claims.yaml", code=2).err


def test_data_begin_at_home(home, monkeypatch):
    monkeypatch.setenv("URNN_BENCH_DATA", "~/data")
    assert store.folders()[0] == home / "data"
    monkeypatch.setenv("URNN_BENCH_DATA", NOBODY)
    with pytest.raises(DataError, match="URNN_BENCH_DATA=~no-such-user-1/x: no home folder of "):
        store.folders()


def test_a_folder_that_is_called_so_has_a_path(bench, home):
    bench(*RUN, "--results", "./~/x")
    assert len(list((bench.folder / "~" / "x").rglob("run.json"))) == 1
    assert not [*home.iterdir()]
    bench("status", "--results", "./~/x")


@pytest.mark.usefixtures("home")
def test_proposed_commands_name_the_folder_that_was_meant(bench):
    bench("run", "tiny", "--model", "lstm", "--updates", 20, "--results=~/a b", "-q")
    said = bench("plot", "tiny", "--figure", "gradient_norms", "--results=~/a b", code=5).err
    (command,) = re.findall(r"urnn-bench (run .*)", said)
    words = shlex.split(command)
    assert words[words.index("--results") + 1] == f"{os.environ['HOME']}/a b"
    bench(*words, "-q")


@pytest.mark.parametrize(
    "arguments",
    [
        (*RUN, "--results="),
        (*RUN, "--results= "),
        (*RUN, "--include", ""),
        (*RUN, "--data-dir", ""),
        ("status", "--results="),
        ("table", "--results="),
        ("plot", "--out", ""),
        ("verify", "urnn-2016", "--results="),
        ("kernels", "--csv="),
        ("doctor", "--results", ""),
    ],
)
def test_an_empty_path_is_refused(bench, arguments):
    before = sorted(bench.folder.rglob("*"))
    said = bench(*arguments, code=2).err
    option = next(str(word).strip("= ") for word in arguments[::-1] if str(word).startswith("--"))
    assert said == f"urnn-bench: error: {option} is empty; is a variable unset?\n"
    assert sorted(bench.folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("status", ""), "BENCHMARK"),
        (("run", ""), "BENCHMARK"),
        (("verify", ""), "PAPER"),
        (("compare", "", "lstm"), "A"),
        (("compare", "lstm", ""), "B"),
        (("compare", "lstm", "lstm", "--benchmark="), "--benchmark"),
    ],
)
def test_an_empty_name_is_refused(bench, arguments, name):
    said = bench(*arguments, code=2).err
    assert said == f"urnn-bench: error: {name} is empty; is a variable unset?\n"


def test_an_empty_variable_is_one_that_is_not_set(bench):
    bench(*RUN, env={"URNN_BENCH_RESULTS": "", "URNN_BENCH_DATA": ""})
    assert len(bench.runs()) == 1


@pytest.mark.parametrize(
    ("arguments", "env", "place"),
    [
        ((*RUN, f"--results={NOBODY}"), {}, "--results"),
        ((*RUN, f"--include={NOBODY}.py"), {}, "--include"),
        (("run", f"{NOBODY}.yaml"), {}, "BENCHMARK"),
        (("compare", NOBODY, NOBODY), {}, "A"),
        (("status",), {"URNN_BENCH_RESULTS": NOBODY}, "URNN_BENCH_RESULTS"),
        (("doctor",), {"URNN_BENCH_DATA": NOBODY}, "URNN_BENCH_DATA"),
        (("status", "--results=~a\0b/x"), {}, "--results"),
        (("status", "--results=~a\ud800b/x"), {}, "--results"),
    ],
)
def test_a_home_folder_that_nobody_has_is_a_sentence(bench, arguments, env, place):
    said = bench(*arguments, env=env, code=2).err
    assert said.startswith(f"urnn-bench: error: {place}") and said.count("\n") == 1
    assert "no home folder of '~" in said
    assert not (bench.folder / NOBODY.split("/")[0]).exists()


def test_a_model_may_have_a_name_that_begins_like_a_home_folder(bench):
    bench(*RUN, "--set", "models.~mine.cell=lstm", "--model", "~mine")
    rows = json.loads(bench("compare", "~mine", "lstm", "--json").out)
    assert [row["b_is"] for row in rows]


def test_a_recorded_command_that_began_at_home_is_proposed_again(bench, home):
    (home / "own.yaml").write_bytes((bench.folder / "benchmarks" / "tiny.yaml").read_bytes())
    bench("run", "~/own.yaml", "--model", "lstm", "--updates", 20, "-q")
    said = bench("plot", "--figure", "gradient_norms", code=5).err
    (command,) = re.findall(r"urnn-bench (run .*)", said)
    words = shlex.split(command)
    assert words[1].endswith("own.yaml")
    bench(*words, "-q")
