"""Requests that would do something else than what was meant: refused, or told at once."""

import pytest

CELL = '''\
"""A cell of a user's."""

from urnn_bench.cells.rnn import Rnn


class Mine(Rnn):
    pass
'''


def test_an_included_cell_that_no_run_has_is_told_with_the_option_that_adds_it(bench):
    path = bench.write("mgu.py", CELL)
    said = bench("run", "tiny", "--include", path, "--dry-run").err
    assert f"{path}: no run has the model 'mgu'; to use it, add --model mgu" in said
    assert "no run has" not in bench("run", "tiny", "--include", path, "--model", "mgu").err


@pytest.mark.parametrize("option", ["--results", "--data-dir"])
def test_a_file_is_no_folder(bench, option):
    path = bench.write("README.md", "mine")
    said = bench("run", "tiny", option, path, code=2).err
    assert f"{option} {path}: is a file; give a folder" in said and path.read_text() == "mine"


def test_more_threads_than_processors_are_told(bench):
    # in a process of its own, as one keeps the threads that it is given
    said = bench.process("run", "tiny", "--threads", 1000, "--dry-run").err
    assert "warning: --threads 1000: there are" in said


def test_no_search_is_proposed_where_the_benchmark_has_none(bench):
    said = bench("table", "tiny", "--trials", code=5).err
    assert "the benchmark has no section 'search'" in said and "make some with" not in said
