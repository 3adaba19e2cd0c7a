"""What lower parts of the program say about their work, as messages on stderr."""

import logging

from urnn_bench.cli.display.output import echo_err

_LOGGER = logging.getLogger("urnn_bench")


class _Messages(logging.Handler):
    """One message a line, as the command line writes its own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message to stderr."""
        echo_err(f"urnn-bench: {record.getMessage()}")


def show_log(quiet: bool = False) -> None:
    """Show what is logged from now on; only what went wrong if ``quiet``."""
    if not any(isinstance(handler, _Messages) for handler in _LOGGER.handlers):
        _LOGGER.addHandler(_Messages())
    _LOGGER.setLevel(logging.WARNING if quiet else logging.INFO)
