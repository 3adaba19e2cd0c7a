"""What a terminal shows: bars that move, colour where it is wanted, nothing cut or misread."""

import os
import pty
import re
import select

import pytest

from urnn_bench.cli.display.output import duration, shown
from urnn_bench.cli.display.progress import sparkline


def on_a_terminal(bench, *arguments, env=None):
    """Run with stderr and stdout on a pseudo-terminal of 80 columns; return exit code and text."""
    leader, follower = pty.openpty()
    process = bench.start(
        *arguments,
        env={"TERM": "xterm-256color", **(env or {})},
        stdout=follower,
        stderr=follower,
        stdin=follower,
    )
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # the other end has closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    return process.wait(timeout=60), seen.decode()


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


# long enough for a display that is drawn ten times a second
SLOW_TEST = """\
import time

from urnn_bench.tasks.copying import Copying


class Slow(Copying):
    def batch(self, split, index, size, seed):
        # what checks the file draws fewer
        time.sleep(0.5 if split == "test" and size == 16 else 0)
        return super().batch(split, index, size, seed)
"""
OF_SLOW = ("--include", "slow.py", "--set", "task.name=slow")


def test_a_log_tells_that_the_test_split_is_scored(bench, monkeypatch):
    bench.write("slow.py", SLOW_TEST)
    monkeypatch.setattr("urnn_bench.cli.display.plain.HEARTBEAT_S", 0.01)
    said = bench("run", "tiny", "--model", "lstm", *OF_SLOW).err
    assert "lstm T=4 seed 0: update 6 of 6, scoring the test split, validation" in said


def test_bars_move_and_lines_stay(bench):
    bench.write("slow.py", SLOW_TEST)
    code, text = on_a_terminal(bench, "run", "tiny", "--updates", 150, *OF_SLOW)
    assert code == 0 and "\x1b[" in text
    words = plain(text)
    assert "all runs, 0 of 2 ended" in words and "/150" in words
    assert re.search(r"150/150 +scoring", words)
    assert re.search(r"[\d.]+×base", words) and re.search("[▁▂▃▄▅▆▇█]", words)
    assert "lstm T=4 seed 0: done, test" in words and "2 done" in words


@pytest.mark.parametrize(
    ("env", "colour", "moves"),
    [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_colour_and_movement_are_asked_for(bench, env, colour, moves):
    _, text = on_a_terminal(bench, "run", "tiny", "--model", "lstm", env=env)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", text)) == colour
    assert ("\x1b[2K" in text) == moves
    assert "lstm T=4 seed 0: done" in plain(text)


def test_what_every_row_says_stands_above_a_table_that_is_too_wide(bench):
    for seed, T in enumerate((600, 1000, 5000)):
        bench.record("urnn", seed=seed, T=T, test=1e7, benchmark="with/a-name-too-long-for-80")
    text = plain(on_a_terminal(bench, "status")[1])
    assert text.startswith("benchmark: with/a-name-too-long-for-80\r\n")
    assert "updates: 1000/1000\r\n" in text and "test: 1e+07\r\n" in text
    rows = [row for row in text.splitlines() if row.startswith("urnn-T")]
    assert all(len(row) <= 80 for row in rows) and len(rows) == 3
    assert [row.split("-s")[0] for row in rows] == ["urnn-T600", "urnn-T1000", "urnn-T5000"]


def test_a_pipe_gets_plain_lines(bench):
    done = bench.process("run", "tiny")
    assert "\x1b" not in done.err + done.out and "\r" not in done.err
    assert len(done.err.splitlines()) == 6


def test_names_are_never_markup_and_no_table_cell_is_lost(bench):
    text = (bench.folder / "benchmarks/tiny.yaml").read_text()
    name = "a-model-with-a-long-name[red][/b]"
    bench.write("benchmarks/tiny.yaml", text.replace("  lstm:", f'  "{name}": {{cell: lstm}}'))
    code, seen = on_a_terminal(bench, "run", "tiny", "--model", name)
    assert code == 0 and name in plain(seen)
    for command, column, whole in (("status", 1, "red---b"), ("table", 0, name)):
        _, seen = on_a_terminal(bench, command)
        lines = plain(seen).splitlines()
        assert "…" not in seen and all(len(line.rstrip()) <= 80 for line in lines)
        # a name that is broken goes on in its column, further down
        parts = [line.split() for line in lines]
        joined = "".join(words[min(column, len(words) - 1)] for words in parts if words)
        assert whole in joined
    assert bench("status").out.count("\t") == 12 and name in bench("table", "tiny").out


def test_sparkline_follows_the_logarithm():
    assert sparkline([1.0, 0.1, 0.01]) == "█▅▁"
    assert sparkline([5.0]) == "▁" and sparkline([]) == "" and sparkline([float("nan"), 0.0]) == ""
    long = sparkline([2.0**-i for i in range(100)])
    assert len(long) == 10 and long[0] == "█" and long[-1] == "▁"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_values_for_people():
    assert [shown(v) for v in (None, float("nan"), True, 1234, 12345, 0.12345, "x")] == [
        "–",
        "–",
        "yes",
        "1234",
        "12345",
        "0.123",
        "x",
    ]
