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
