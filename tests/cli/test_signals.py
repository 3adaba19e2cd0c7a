"""Which signals stop training, and which end the process."""

import signal

import pytest

from urnn_bench.cli import signals
from urnn_bench.cli.signals import stoppable
from urnn_bench.errors import ImmediateExit


@pytest.mark.parametrize(
    ("first", "second", "apart_s", "ends"),
    [
        (signal.SIGTERM, signal.SIGTERM, 0.0, False),
        (signal.SIGTERM, signal.SIGTERM, signals._SAME_S, True),
        (signal.SIGINT, signal.SIGINT, 0.0, True),
        (signal.SIGTERM, signal.SIGINT, 0.0, True),
    ],
)
def test_a_second_signal_ends_the_process_unless_it_is_the_first_once_more(
    monkeypatch, first, second, apart_s, ends
):
    times_s = iter([10.0, 10.0 + apart_s])
    with stoppable() as stop:
        monkeypatch.setattr(signals.time, "monotonic", lambda: next(times_s))
        signal.raise_signal(first)
        assert stop() == first.name
        if ends:
            with pytest.raises(ImmediateExit):
                signal.raise_signal(second)
        else:
            signal.raise_signal(second)
        monkeypatch.undo()
        assert stop.exit_code == 128 + first
