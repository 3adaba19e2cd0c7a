"""``python -m urnn_bench``, and the command ``urnn-bench``."""

import os
import sys
import warnings
from typing import Any

from urnn_bench.cli.app import app
from urnn_bench.cli.output import say
from urnn_bench.errors import UrnnBenchError


def main() -> None:
    """Run the command line; an error of ours ends in one sentence and its exit code."""
    # cuBLAS is deterministic only if this is set before CUDA starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    warnings.showwarning = _show_warning
    try:
        app(prog_name="urnn-bench")
    except UrnnBenchError as error:
        say(f"urnn-bench: error: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        say(f"urnn-bench: error: {error}")
        sys.exit(1)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"urnn-bench: warning: {message}")


if __name__ == "__main__":
    main()
