"""Several commands in one new process, whose streams are real; starting torch once saves time."""

import json
import subprocess
import sys

# what ends a command; no command writes it
END = "<<<ended with {}>>>"

PROGRAM = """
import json, sys
from urnn_bench.__main__ import main
for words in json.loads(sys.argv[1]):
    sys.argv, code = ["urnn-bench", *words], 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    for stream in (sys.stdout, sys.stderr):
        stream.write(END.format(code) + "\\n")
        stream.flush()
"""


def in_one_process(bench, commands, env=None, code=0):
    """Run commands; return what each wrote to stdout and to stderr, as bytes."""
    program = PROGRAM.replace("END", repr(END))
    words = json.dumps([list(map(str, command)) for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", program, words],
        cwd=bench.folder,
        env=bench.env(**(env or {})),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    written = [_by_command(stream) for stream in (done.stdout, done.stderr)]
    assert [len(texts) for texts in written] == [len(commands)] * 2, done.stderr
    assert all(out_code == code for texts in written for _, out_code in texts), done.stderr
    return [(out, err) for (out, _), (err, _) in zip(*written, strict=True)]


def _by_command(stream):
    """Return what every command wrote to a stream, and its exit code."""
    before, _, after = (part.encode() for part in END.partition("{}"))
    text, *parts = stream.split(before)
    found = []
    for part in parts:
        code, _, following = part.partition(after + b"\n")
        found.append((text, int(code)))
        text = following
    return found
