"""What the parent process leaves in the environment decides nothing of a figure or a text."""

import pytest

FIGURE = '''\
"""A figure of a user that imports matplotlib before this program does."""

from matplotlib import pyplot

from urnn_bench.figures.base import Figure


class Dot(Figure):
    def draw(self, results):
        drawing, ax = pyplot.subplots()
        ax.plot([1], [1], "o")
        return drawing
'''


@pytest.fixture
def broken(tmp_path):
    """A configuration of matplotlib in another encoding."""
    path = tmp_path / "broken"
    path.write_bytes("# größer\n".encode("latin-1"))
    return path


@pytest.mark.parametrize(
    "env",
    [
        # as Jupyter and Colab set it; the module is not installed here
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLBACKEND": "nonsense", "PYTHONWARNINGS": "error"},
        {"MATPLOTLIBRC": "broken"},
    ],
)
def test_figures_are_drawn_whatever_matplotlib_finds(env, broken, bench):
    bench.record("lstm")
    env = {name: str(broken) if value == "broken" else value for name, value in env.items()}
    path = bench.write("dot.py", FIGURE)
    figures = ("--figure", "dot", "--figure", "cost", "--include", path)
    written = bench.process("plot", "made", *figures, env=env)
    assert written.out.count(".png") == 2 and not written.err


def test_a_notebooks_backend_does_not_hide_a_description(bench):
    env = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONOPTIMIZE": "2"}
    out = bench.process("describe", "learning_curves", env=env).out
    assert "every seed thin" in out and "how training is counted" in out
