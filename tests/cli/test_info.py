"""``list``, ``describe``, ``status``, ``table``, ``plot`` and ``doctor`` through real processes."""

import csv
import hashlib
import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import urnn_bench
from urnn_bench.analysis.results import load


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A results folder that the tests of this file only read."""
    from conftest import TINY, CommandLine

    folder = tmp_path_factory.mktemp("made")
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "tiny.yaml").write_text(TINY)
    command = CommandLine(folder)
    command("run", "tiny", "--T", 4, "--T", 6, "--seeds", 2, "-q")
    return command


KINDS = {"models": "cells", **{k: k for k in ("tasks", "readouts", "figures", "probes")}}


def component_files(folder):
    paths = (Path(urnn_bench.__file__).parent / folder).glob("*.py")
    return {p.stem for p in paths if p.stem != "base" and not p.stem.startswith("_")}


def test_list_knows_every_kind(made):
    found = json.loads(made("list", "--json").out)
    assert {"copy", "adding", "smoke", "paper/urnn-fig1", "tiny"} <= set(found["benchmarks"])
    for kind, folder in KINDS.items():
        assert set(found[kind]) == component_files(folder)
    assert {"urnn", "lstm", "exprnn"} <= set(found["models"])
    assert {"copying", "digits", "ptb"} <= set(found["tasks"])
    assert "learning_curves" in found["figures"] and "gradient_norm" in found["probes"]
    assert all(text for kind in found.values() for text in kind.values())
    assert [*json.loads(made("list", "tasks", "--json").out)] == ["tasks"]
    lines = made("list").out.splitlines()
    assert all(len(line.split("\t")) == 3 for line in lines)
    assert "no kind is called 'modle'; did you mean 'models'?" in made("list", "modle", code=2).err


@pytest.mark.parametrize(
    ("name", "heading", "option"),
    [
        ("copy", "all options of fit", "steps"),
        ("urnn", "options", "h0_scale"),
        ("lstm_paper", "options", "forget_bias"),
        ("copying", "options", "recall"),
        ("learning_curves", "options", "metric"),
    ],
)
def test_describe_has_text_options_and_json(made, name, heading, option):
    text = made("describe", name).out
    (found,) = json.loads(made("describe", name, "--json").out)
    assert found["name"] == name and found["about"].split("\n")[0] in text
    assert found[heading][option].startswith("[")
    assert f"\n{heading}:\n" in text and f"  {option} " in text


def test_describe_gives_the_paper_and_its_sizes(made):
    text = made("describe", "urnn").out
    assert "arXiv:1511.06464" in text and "paper/urnn-fig1: urnn" in text
    assert "hidden 128, 6,153 parameters" in text and "hidden 512, 8,193 parameters" in text
    assert "h0_scale" in text and "[1.0]" in text
    both = json.loads(made("describe", "adding", "--json").out)
    assert [each["kind"] for each in both] == ["benchmark", "task"]
    assert "did you mean 'urnn'" in made("describe", "urm", code=2).err


def test_status_shows_every_run(made):
    rows = json.loads(made("status", "--json").out)
    assert len(rows) == 8 and {r["state"] for r in rows} == {"done"}
    assert made("status", "tiny").out.count("\n") == 9
    assert "there are no runs yet" in made("status", "copy", code=5).err
    assert json.loads(made("status", "copy", "--json").out) == []
    assert "did you mean 'copy'" in made("status", "cpoy", code=2).err


def test_table_in_every_format_says_the_same(made):
    plain = made("table", "tiny").out.splitlines()
    assert len(plain) == 5 and plain[1].split("\t")[:3] == ["lstm", "4", "316"]
    rows = list(csv.DictReader(io.StringIO(made("table", "tiny", "--format", "csv").out)))
    documents = json.loads(made("table", "tiny", "--json").out)
    assert [r["model"] for r in rows] == [d["model"] for d in documents]
    for row, document in zip(rows, documents, strict=True):
        assert float(row["test"]) == document["test"] and row["parameters"].isdigit()
        assert document["lowest"] <= document["test"] <= document["highest"]
        assert document["seeds"] == document["good"] == 2
    markdown = made("table", "tiny", "--format", "markdown").out.splitlines()
    assert len(markdown) == 6 and all(line.startswith("|") for line in markdown)
    latex = made("table", "tiny", "--format", "latex")
    assert r"\toprule" in latex.out and "memoryless" in latex.out
    notes = made("table", "tiny").err.splitlines()
    assert notes and latex.err == "" and all(f"% {note}\n" in latex.out for note in notes)


def test_plot_writes_every_format_and_says_where(made):
    out = made("plot", "tiny", "--format", "png", "--format", "svg", "--format", "pdf").out
    paths = [made.folder / line for line in out.splitlines()]
    figures = {p.stem for p in paths}
    # and whatever other figures these records allow
    assert figures >= {"learning_curves", "scores_by_length", "cost", "recurrent_memory"}
    assert sorted(p.name for p in paths) == sorted(
        f"{figure}.{suffix}" for figure in figures for suffix in ("png", "svg", "pdf")
    )
    starts = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    assert all(p.read_bytes().startswith(starts[p.suffix]) for p in paths)
    ElementTree.parse(next(p for p in paths if p.suffix == ".svg"))


def test_figures_are_stable_to_the_byte(made, tmp_path):
    digests = []
    for folder, zone in (("a", "UTC"), ("b", "Asia/Tokyo")):
        formats = ("--format", "svg", "--format", "pdf", "--format", "png")
        env = {"TZ": zone, "PYTHONHASHSEED": str(len(digests))}
        made.process("plot", "tiny", "--out", tmp_path / folder, *formats, env=env)
        files = sorted((tmp_path / folder / "tiny").iterdir())
        digests.append({f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files})
    assert digests[0] == digests[1] and len(digests[0]) >= 12


def test_plot_says_what_it_cannot_draw(made):
    assert (
        "did you mean 'learning_curves'"
        in made("plot", "tiny", "--figure", "learning_curve", code=2).err
    )
    missing = made("plot", "copy", code=5).err
    assert "make them with: urnn-bench run copy" in missing
    assert "no benchmark is called 'tny'; did you mean 'tiny'?" in made("plot", "tny", code=2).err
    assert "train some with: urnn-bench run copy" in made("plot", "--results", "empty", code=5).err
    assert "there are no runs" in made("table", "copy", code=5).err


def test_plot_and_table_take_some_lengths_only(bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "--T", 6, "--T", 8, "-q")
    rows = json.loads(bench("table", "tiny", "--T", 4, "--T", 8, "--json").out)
    assert [row["T"] for row in rows] == [4, 8]
    kept = load(bench.folder / "results", "tiny").at([4, 8])
    for frame in (kept.runs, kept.metrics):
        assert sorted(frame["T"].unique()) == [4, 8]
    assert [r.run.T for r in kept.records] == [4, 8] and len(kept.folders) == 2
    out = bench("plot", "tiny", "--T", 8, "--T", 4, "--figure", "learning_curves").out
    assert out.strip().endswith("learning_curves-T4-T8.png")
    bench("run", "copy", "--T", 4, "--model", "rnn", "--updates", 1, "-q")
    assert [row["benchmark"] for row in json.loads(bench("table", "--T", 6, "--json").out)] == [
        "tiny"
    ]
    for command in ("plot", "table"):
        said = bench(command, "tiny", "--T", 5, code=2).err
        assert "no run is recorded at T = 5; there are: 4, 6, 8" in said


def test_runs_that_never_got_a_score_keep_the_name_of_the_others(bench):
    bench("run", "tiny", "--model", "lstm", "--T", 4, "-q")
    bench("run", "tiny", "--model", "lstm", "--T", 6, "--time-limit", "0", "-q", code=3)
    assert "test is cross_entropy_nat" in bench("table", "tiny", "--T", 6).err


def test_results_folder_from_the_environment(made):
    rows = json.loads(made("status", "--json", env={"URNN_BENCH_RESULTS": "elsewhere"}).out)
    assert rows == []


def test_doctor_says_what_is_here(made):
    found = json.loads(made("doctor", "--json").out)
    assert found["versions"]["torch"] and found["torch"]["threads"] >= 1
    assert "writable" in found["folders"]["results"] and "cc" in found["compiler"]
    assert found["kernels"]["lstm"].startswith("vendor: "), "the kernel a run would take, and why"
    assert "torch\t" in made("doctor").out


def test_version(made):
    assert made("--version").out == f"urnn-bench {urnn_bench.__version__}\n"


def test_shell_completion_knows_the_names(made):
    env = {
        "_URNN_BENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "urnn-bench describe lstm",
        "COMP_CWORD": "2",
    }
    assert set(made.process(env=env).out.split()) == {"lstm", "lstm_paper"}


def test_other_records_and_files_with_faults_are_in_nobody_s_way(bench):
    bench("run", "tiny", "smoke", "--updates", 2, "--model", "lstm", "-q")
    (folder,) = bench.runs("smoke")
    (folder / "run.json").write_text("{half")
    bench.write("benchmarks/broken.yaml", "title: [1\n")
    assert bench("table", "tiny").out and bench("plot", "tiny").out
    said = bench("table")
    assert "run.json: cannot be read" in said.err and "lstm" in said.out
    assert "broken\tcannot be read: " in bench("list").out
    assert bench("describe", "urnn").out


def test_records_within_records_are_not_mixed(bench):
    bench("run", "tiny", "--model", "lstm", "-q", "--results", "results/paper/other")
    assert json.loads(bench("status", "--json").out) == []
    assert len(json.loads(bench("status", "--json", "--results", "results/paper/other").out)) == 1


def test_a_table_of_several_benchmarks_names_them(bench):
    bench("run", "tiny", "smoke", "--updates", 2, "--model", "lstm", "-q")
    lines = [line.split("\t") for line in bench("table").out.splitlines()]
    assert [line[0] for line in lines] == ["benchmark", "smoke", "tiny"]
    rows = list(csv.DictReader(io.StringIO(bench("table", "--format", "csv").out)))
    assert {row["benchmark"] for row in rows} == {"tiny", "smoke"}


FIGURE = '''\
"""A figure of a user."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from urnn_bench.figures.base import Figure


@dataclass
class Point:
    x: float


class Dot(Figure):
    def draw(self, results):
        drawing = Drawing()
        drawing.subplots().plot([Point(1.0).x], [len(results.runs)], "o")
        return drawing
'''


def test_a_figure_of_the_user_is_one_file(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    path = bench.write("dot.py", FIGURE)
    out = bench("plot", "tiny", "--include", path, "--figure", "dot").out
    assert (bench.folder / out.strip()).read_bytes().startswith(b"\x89PNG")
    assert "A figure of a user." in bench("describe", "dot", "--include", path).out
