"""Whatever bytes metrics.csv and probes.csv have, what can be read is drawn and nothing raises."""

import os
import shutil

import pytest
from conftest import TINY, CommandLine

# the figure that needs the file
FIGURES = {"metrics.csv": "learning_curves", "probes.csv": "gradient_norms"}
RAISES = '''\
"""Raises."""

from urnn_bench.figures.base import Figure


class Raises(Figure):
    """A figure that raises."""

    def draw(self, results):
        """Raise."""
        raise ValueError("of a user")
'''


@pytest.fixture
def runs(trained, tmp_path):
    """The command line on a copy of trained and probed runs, and the folder of one of them."""
    shutil.copytree(trained.folder / "results", tmp_path / "results")
    command = CommandLine(tmp_path, tiny=TINY)
    return command, command.runs()[0]


def edited(change):
    """Return a function that changes the text of a file."""

    def edit(path):
        path.write_bytes(change(path.read_text()).encode())

    return edit


def field(number, value):
    """Return a change of one field of the second line."""

    def change(text):
        lines = text.splitlines(keepends=True)
        fields = lines[1].rstrip("\n").split(",")
        fields[number] = value
        return "".join([lines[0], ",".join(fields) + "\n", *lines[2:]])

    return edited(change)


def linked(target):
    def link(path):
        path.unlink()
        path.symlink_to(target)

    return link


def fifo(path):
    path.unlink()
    os.mkfifo(path)


def folder(path):
    path.unlink()
    path.mkdir()


ONE_LINE = "1 line cut short or damaged, left out"
SPREADSHEET = "a spreadsheet seems to have saved it"
# what is done to the file, and what the one warning says
DAMAGES = {
    "semicolons and decimal commas": (
        edited(lambda text: text.replace(",", ";").replace(".", ",")),
        SPREADSHEET,
    ),
    "tabs": (edited(lambda text: text.replace(",", "\t")), SPREADSHEET),
    "another order of columns": (edited(lambda text: "value," + text), "its header is"),
    "no header": (edited(lambda text: text.partition("\n")[2]), "its header is"),
    "another language": (edited(lambda text: text.replace("step", "Schritt", 1)), "its header is"),
    "a cut end": (edited(lambda text: text[:-3]), ONE_LINE),
    "a device that never ends": (linked("/dev/zero"), "not a regular file"),
    "a link to itself": (lambda path: linked(path)(path), "cannot be read"),
    "a FIFO": (fifo, "not a regular file"),
    "a folder": (folder, "cannot be read"),
    "NUL bytes": (edited(lambda text: text.replace("\n", "\n\0\0\0\n", 1)), ONE_LINE),
    "only NUL bytes": (edited(lambda _: "\0" * 5000), "its header is"),
    "a line without end": (edited(lambda text: text + "9" * 10**6), ONE_LINE),
    "many lines of nothing": (edited(lambda text: text + "x\n" * 20_000), "20000 lines cut short"),
    "a stray quote": (edited(lambda text: text.replace("\n", '\n"', 1)), ONE_LINE),
    "a column more": (field(0, "0,0"), ONE_LINE),
    "an update of 31 digits": (field(0, "1" + "0" * 30), ONE_LINE),
    "an update below zero": (field(0, "-1"), ONE_LINE),
    "an update in Arabic digits": (field(0, "٣"), ONE_LINE),
    "an update with an underscore": (field(0, "1_0"), ONE_LINE),
    "a value with an underscore": (field(-1, "1_0.5"), ONE_LINE),
    "a value of 100,000 digits": (field(-1, "9" * 10**5), ONE_LINE),
    "a value that is a date": (field(-1, "01.Mrz"), ONE_LINE),
    "a name of nothing": (field(-2, ""), ONE_LINE),
}
# for one of the two files only
METRICS = {
    "a metric of a megabyte": (field(4, "x" * 2**20), ONE_LINE),
    "a metric with an escape": (field(4, "\x1b[2J"), ONE_LINE),
}
PROBES = {"a time of zero": (field(3, "0"), ONE_LINE)}
CASES = [
    *(("metrics.csv", case) for case in ({**DAMAGES, **METRICS}).items()),
    *(("probes.csv", case) for case in ({**DAMAGES, **PROBES}).items()),
]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{n}-{case[0]}" for n, case in CASES])
def test_one_warning_names_a_damaged_file_and_the_rest_is_drawn(runs, name, case, attack):
    command, run = runs
    _, (damage, said) = case
    damage(run / name)
    done = command("plot", "tiny", "--figure", FIGURES[name])
    warnings = [line for line in done.err.splitlines() if str(run.name) in line and said in line]
    assert len(warnings) == 1 and f"{run.name}/{name}" in warnings[0], done.err
    assert len(warnings[0]) < 500 and "Traceback" not in done.err
    assert done.out.count(".png") == 1
    attack.tried(f"{name} spoiled in one way")


@pytest.mark.parametrize("name", ["metrics.csv", "probes.csv"])
@pytest.mark.parametrize(
    "change",
    [
        edited(lambda text: text.replace("\n", "\r\n")),
        edited(lambda text: "\ufeff" + text),
        edited(lambda text: "\n".join(_quoted(line) for line in text.splitlines()) + "\n"),
        edited(lambda text: text + text.partition("\n")[2]),
        field(-1, "nan"),
        field(-1, "inf"),
    ],
    ids=["CRLF", "byte-order mark", "quotes", "lines twice", "nan", "inf"],
)
def test_what_means_the_same_is_read(runs, name, change):
    command, run = runs
    change(run / name)
    done = command("plot", "tiny", "--figure", FIGURES[name])
    assert "left out" not in done.err and done.out.count(".png") == 1


def _quoted(line):
    return ",".join(f'"{field}"' for field in line.split(","))


def test_a_table_needs_neither_file_and_tells_of_damage(runs):
    command, run = runs
    before = command("table", "tiny").out
    for name in ("metrics.csv", "probes.csv"):
        (run / name).write_bytes(b"\xff\xfe\0;\r\n" * 100)
    said = command("table", "tiny")
    assert said.out == before and said.err.count("its header is") == 1


def test_a_figure_that_raises_is_named_and_the_others_are_drawn(runs):
    command, _ = runs
    path = command.write("raises.py", RAISES)
    every = command("plot", "tiny", "--include", path)
    assert "figure raises: ValueError: of a user" in every.err and every.out.count(".png") > 1
    named = ("--figure", "raises", "--figure", "learning_curves")
    said = command("plot", "tiny", "--include", path, *named, code=1)
    assert "figure raises: ValueError: of a user" in said.err and "Traceback" not in said.err
    assert said.out.count(".png") == 1 and "could not be drawn: raises" in said.err


def test_scores_that_are_all_nan_are_not_drawn(runs):
    command, folder = runs
    path = folder / "metrics.csv"
    lines = [line.rpartition(",")[0] for line in path.read_text().splitlines()[1:]]
    header = path.read_text().splitlines()[0]
    for other in command.runs():
        (other / "metrics.csv").write_text("\n".join([header, *(f"{x},nan" for x in lines)]) + "\n")
    said = command("plot", "tiny", "--figure", "learning_curves", code=5)
    assert "have recorded is a finite number" in said.err and not said.out
