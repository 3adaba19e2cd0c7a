"""Commands that read see benchmarks whose folders are links, and end whatever links there are."""

import shlex

import pytest

NAMES = ("made", "momentum/speech")


@pytest.fixture
def linked(bench):
    """Two benchmarks in one results folder, whose folders are links to another."""
    for name in NAMES:
        for seed in range(2):
            for model in ("lstm", "urnn"):
                bench.record(model, benchmark=name, seed=seed, results="real")
    (bench.folder / "results").mkdir()
    for name in NAMES:
        (bench.folder / "results" / name.split("/")[0]).symlink_to(
            bench.folder / "real" / name.split("/")[0]
        )
    return bench


@pytest.mark.parametrize(
    "command", [("status",), ("status", "--json"), ("table",), ("compare", "lstm", "urnn")]
)
def test_benchmarks_that_are_links_are_shown(linked, command):
    out = linked(*command).out
    assert all(name in out for name in NAMES)
    assert out.replace("results", "real") == linked(*command, "--results", "real").out


def test_figures_of_benchmarks_that_are_links_are_drawn(linked):
    out = linked("plot", "--figure", "scores_by_length", "--out", "figures").out.splitlines()
    assert out == [f"figures/{name}/scores_by_length.png" for name in NAMES]


def test_plot_draws_what_is_no_link_and_names_out(linked):
    linked.record("lstm", benchmark="own")
    said = linked("plot", "--figure", "scores_by_length", code=2)
    assert said.out.splitlines() == ["results/own/figures/scores_by_length.png"]
    assert "results/made: no figure can be written there (is a link" in said.err
    assert said.err.count("choose another folder with --out") == len(NAMES)


def test_a_linked_part_of_a_name_and_a_linked_run_are_shown(bench):
    folder = bench.record("lstm", benchmark="a/b", results="real")
    other = bench.record("urnn", benchmark="a/b", results="elsewhere")
    other.rename(bench.folder / "moved")
    (folder.parent / other.name).symlink_to(bench.folder / "moved")
    (bench.folder / "results" / "a").mkdir(parents=True)
    (bench.folder / "results" / "a" / "b").symlink_to(folder.parent)
    assert len(bench("status").out.splitlines()) == 3
    assert len(bench("status", "a/b").out.splitlines()) == 3


def test_links_that_lead_back_are_left_out(linked):
    root = linked.folder / "results"
    folders = {"itself": root, "parent": linked.folder, "everything": "/", "nowhere": "no"}
    for name, target in folders.items():
        (root / name).symlink_to(target)
        (root / "made" / name).symlink_to(target)
    (root / "made" / "back").symlink_to(root / "made")
    # each leads to the other
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    for name in ("p", "q", "r"):
        (root / name).mkdir()
        for other in ("p", "q", "r"):
            (root / name / other).symlink_to(root / other)
    out = linked("status").out
    assert len(out.splitlines()) == 9 and linked("status", "made").out.count("\n") == 5


def test_run_says_how_to_write_to_what_a_link_leads_to(bench):
    arguments = ("run", "tiny", "--model", "lstm", "-q")
    bench(*arguments, "--results", "a b", "--time-limit", 0, code=3)
    (bench.folder / "results").mkdir()
    (bench.folder / "results" / "tiny").symlink_to(bench.folder / "a b" / "tiny")
    said = bench(*arguments, code=2).err
    assert said.count("\n") == 1 and "tiny: cannot be written to (is a link" in said
    words = shlex.split(said.rpartition("the folder itself with ")[2])
    assert words == ["--results", str(bench.folder / "a b")]
    bench(*arguments, *words)
    assert bench(*arguments[:-1]).err.startswith("lstm T=4 seed 0: already done")


@pytest.mark.parametrize("target", ["other/name", "/", "tiny"])
def test_run_names_another_folder_where_a_link_leads_to_no_results(bench, target):
    (bench.folder / "other" / "name").mkdir(parents=True)
    (bench.folder / "results").mkdir()
    (bench.folder / "results" / "tiny").symlink_to(
        target if target == "tiny" else bench.folder / target
    )
    said = bench("run", "tiny", "--model", "lstm", "-q", code=2).err
    assert said.count("\n") == 1 and "is a link" in said
    assert "put the folder in the place of the link, or choose another folder" in said
