"""A name that nothing has: where a component of that name may come from."""

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "tiny", "--model", "cornn"),
        ("run", "tiny", "--set", "models.mine.cell=cornn", "--set", "models.mine.hidden=4"),
        ("run", "tiny", "--set", "task={name: parity}"),
        ("run", "tiny", "--set", "figures=[my_figure]"),
        ("run", "tiny", "--set", "probes={read: [my_probe]}"),
        ("kernels", "--model", "cornn"),
        ("plot", "tiny", "--figure", "my_figure"),
        ("describe", "cornn"),
        ("prepare", "parity"),
    ],
)
def test_an_unknown_component_may_be_in_a_file_of_one_s_own(bench, arguments):
    bench.record("lstm", benchmark="tiny")
    said = bench(*arguments, code=2).err
    assert said.endswith(" (a file of your own needs --include)\n") and len(said) < 400


@pytest.mark.parametrize("arguments", [("run", "cpoy"), ("table", "--metric", "acuracy")])
def test_what_no_file_adds_does_not_need_include(bench, arguments):
    bench.record("lstm")
    assert "--include" not in bench(*arguments, code=2).err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "urnn"), "is a model, not a benchmark; try: urnn-bench run copy --model urnn"),
        (("run", "copying"), "is a task, not a benchmark; try: urnn-bench run copy"),
        (
            ("search", "hippo-2020"),
            "is a paper, not a benchmark; try: urnn-bench verify hippo-2020",
        ),
        (("table", "cost"), "is a figure, not a benchmark; try: urnn-bench plot --figure cost"),
        (("plot", "lyapunov"), "is a probe, not a benchmark; try: urnn-bench describe lyapunov"),
        (("verify", "copy"), "is a benchmark, not a paper; try: urnn-bench run copy"),
        (("run", "tiny", "--model", "copying"), "is a task, not a model; try: urnn-bench run"),
    ],
)
def test_a_name_of_another_kind_is_told_with_the_command_that_takes_it(bench, arguments, sentence):
    said = bench(*arguments, code=2).err
    assert f"'{arguments[-1]}' {sentence}" in said and said.count("\n") == 1
