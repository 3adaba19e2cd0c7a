"""``python -m urnn_bench``, and the command ``urnn-bench``."""

import os
import sys
import warnings

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; an expected error ends in one sentence and its exit code."""
    # cuBLAS is deterministic only if this is set before CUDA starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    warnings.showwarning = _show_warning
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as error:
        _echo_err(f"urnn-bench: error: {error}")
        sys.exit(1)


def _run() -> None:
    from urnn_bench.cli.app import app
    from urnn_bench.errors import UrnnBenchError

    try:
        app(prog_name="urnn-bench")
    except UrnnBenchError as error:
        _echo_err(f"urnn-bench: error: {error}")
        sys.exit(error.exit_code)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _echo_err(f"urnn-bench: warning: {message}")


def _echo_err(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
