"""``python -m urnn_bench``, and the command ``urnn-bench``."""

import os
import sys
import warnings

from urnn_bench import text
from urnn_bench.cli import failures
from urnn_bench.cli.display import streams
from urnn_bench.cli.display.paragraphs import paragraph, width_of

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; an expected error ends in one sentence and its exit code."""
    # cuBLAS is deterministic only if this is set before CUDA starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # a notebook sets a backend that only its own Python has, and a user's file may import
    # matplotlib, which reads both
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    streams.prepare()
    warnings.showwarning = _show_warning
    sys.excepthook = failures.show_unexpected
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as error:
        failures.show_error(failures.sentence(error))
        sys.exit(1)
    finally:
        streams.finish()


def _run() -> None:
    from urnn_bench.cli.app import app
    from urnn_bench.errors import UrnnBenchError
    from urnn_bench.user_frames import user_frames

    try:
        app(prog_name="urnn-bench")
    except UrnnBenchError as error:
        first, *others = error.sentences
        failures.show_error(first, user_frames(error))
        for sentence in others:
            failures.show_error(sentence)
        sys.exit(error.exit_code)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    warning = f"urnn-bench: warning: {text.message(str(message))}"
    streams.write_err(f"{paragraph(warning, width_of(sys.stderr))}\n")


if __name__ == "__main__":
    main()
