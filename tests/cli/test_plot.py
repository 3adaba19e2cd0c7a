"""``urnn-bench plot``: what it draws, what it leaves out, and the command that makes the rest."""

from urnn_bench.registry import Components


def test_draws_what_the_records_allow_and_says_how_to_get_the_rest(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    output = bench("plot", "tiny")
    names = {line.rpartition("/")[2].removesuffix(".png") for line in output.out.splitlines()}
    missing = set(Components().figures.names()) - names
    assert names and missing
    (line,) = [line for line in output.err.splitlines() if line.startswith("not drawn")]
    assert {*line.partition(": ")[2].split(", ")} == missing
    wanted = [word for name in sorted(missing) for word in ("--figure", name)]
    said = bench("plot", "tiny", *wanted, code=5).err
    assert all(f"{name}: " in said for name in missing)
    assert "urnn-bench run tiny --probe" in said and "fit.solved" in said


def test_a_proposed_command_has_the_results_folder(bench):
    bench("run", "tiny", "--model", "lstm", "-q")
    (bench.folder / "results").rename(bench.folder / "other one")
    words = ("--results", "other one", "--figure", "gradient_norms")
    err = bench("plot", "tiny", *words, code=5).err
    assert "urnn-bench run tiny --results 'other one' --probe" in err


def test_a_proposed_command_has_the_path_of_the_benchmark(bench):
    path = "benchmarks/tiny.yaml"
    for command in (("plot",), ("table",), ("status",), ("compare", "a", "b", "--benchmark")):
        assert f"urnn-bench run {path}" in bench(*command, path, code=5).err, command
