"""What the parent process leaves in the environment decides nothing of a figure or a text."""

import shutil
import subprocess
import sys

import pytest

from urnn_bench.files import cache_folder

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


# as a container may run a program; in a name space of users this needs no rights
NOBODY = ("unshare", "--user", "--map-user=54321", "--map-group=54321")


def test_a_user_without_name_and_home_trains_and_is_told_where_kernels_are(bench):
    try:
        subprocess.run([*NOBODY, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no name space of users can be made here")
    env = bench.env(TMPDIR=str(bench.folder))
    # but for one, so that few are compiled
    kernels = bench.folder / "urnn-bench-54321/kernels"
    kernels.mkdir(mode=0o700, parents=True)
    for path in (cache_folder() / "kernels").glob("*.so"):
        if not path.name.startswith("dense"):
            shutil.copy2(path, kernels)
    for name in ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME"):
        env.pop(name, None)
    code = (
        "import sys; from urnn_bench.__main__ import main\n"
        "for words in (['run', 'tiny', '--model', 'lstm', '-q'], ['doctor']):\n"
        "    sys.argv[1:] = words\n"
        "    try: main()\n"
        "    except SystemExit as end: assert not end.code, (words, end.code)\n"
    )
    command = [*NOBODY, sys.executable, "-c", code]
    done = subprocess.run(command, cwd=bench.folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{bench.folder}/urnn-bench-54321/kernels (writable)" in done.stdout
    assert len(bench.runs()) == 1 and list(kernels.glob("dense*"))


@pytest.mark.parametrize("command", [("run", "tiny"), ("kernels",)])
def test_more_threads_than_can_be_started_are_refused(bench, command):
    assert "at most 1024" in bench(*command, "--threads", 100_000, code=2).err
