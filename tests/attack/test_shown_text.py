"""Texts of strangers in every command and format: no control character, column, formula or tag."""

import csv
import io
import json
import os
import pty
import re
import select
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench import text

CONTROLS = "".join(map(chr, [*range(1, 32), *range(0x7F, 0xA0)]))
MARKS = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = (
    '=HYPERLINK("http://evil")\x1b]0;title\x07\x1b[2J\r\nforged: 1 done\tcolumn <script>alert(1)'
    f"</script> [link](http://evil) | $x^$ $\\alpha [red] & %s {{}} {CONTROLS}{MARKS}"
)
FORBIDDEN = re.compile(f"[{re.escape(CONTROLS + MARKS)}\ud800-\udfff]")
TERMINALS_OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n")
IN_YAML = json.dumps(NASTY)
# a model's name in a file has at most 180 bytes
LABEL = NASTY[:150]
LABEL_IN_YAML = json.dumps(LABEL)

CLAIMS = f"""\
title: {IN_YAML}
paper: {IN_YAML}
claims:
  {IN_YAML}:
    figure: {IN_YAML}
    says: {IN_YAML}
    source: {IN_YAML}
    reference: {{value: {IN_YAML}, unit: {IN_YAML}}}
    needs: {{benchmark: made, model: {IN_YAML}, T: 100, seeds: 1}}
    quantity: {{of: test, over_baseline: true}}
    expect: {{above: 0.9}}
"""

CELL = '''\
"""A cell {docstring}."""

from urnn_bench.cells.lstm import Lstm


class Faulty(Lstm):
    """Raises."""

    kernels = {{}}

    def step(self, *arguments):
        raise ValueError({message})
'''


def safe(written, tabs=False):
    """Check that nothing in a text moves the cursor; tabs may separate columns."""
    written = written.replace("\n", "")
    found = FORBIDDEN.search(written.replace("\t", "") if tabs else written)
    assert not found, repr(written[max(0, found.start() - 40) : found.end() + 40])


def texts_in(value):
    """Yield every text in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)


def no_line_is_forged(*outputs):
    for written in outputs:
        assert not [line for line in written.splitlines() if line.startswith("forged")]


@pytest.fixture
def records(bench):
    """Records whose every free text is nasty."""
    texts = ("started", "host", "device", "device_name", "kernel", "kernel_reason", "commit")
    session = dict.fromkeys(texts, NASTY) | {"argv": (NASTY,), "versions": {NASTY: NASTY}}
    session |= {"pid": 1, "threads": 1, "torch_threads": 1, "deterministic": True, "dirty": None}
    more = {"settings": (NASTY,), "reason": NASTY, "sessions": (session,), "train_s": 2.0}
    more |= {"baselines": {"cross_entropy_nat": {NASTY: 0.17}}}
    for label in (NASTY, "lstm"):
        for seed, status in enumerate(("done", "diverged", "failed")):
            test = {"cross_entropy_nat": 0.02 + seed / 100, NASTY: 0.5}
            bench.record(label, seed=seed, test=test, status=status, **more)
            folder = bench.record(label, seed=seed, test=test, benchmark=NASTY_FOLDER, **more)
    (folder / "metrics.csv").write_text("damaged")
    bench.write("paper.yaml", CLAIMS)
    return bench


# a folder's name has no slash
NASTY_FOLDER = NASTY.replace("/", "")[:200]

TABLES = [("status",), ("table",), ("table", NASTY_FOLDER), ("compare", NASTY, "lstm")]


@pytest.mark.parametrize("command", TABLES, ids=lambda command: f"{command[0]}-{len(command)}")
def test_tables_have_their_columns_and_nothing_else(records, command, attack):
    done = records(*command)
    widths = {line.count("\t") for line in done.out.splitlines()}
    assert len(widths) == 1 and widths != {0}
    safe(done.out, tabs=True)
    safe(done.err)
    no_line_is_forged(done.out, done.err)
    attack.tried("a record full of control characters, in a table")


@pytest.mark.parametrize(
    "command",
    [("status",), ("table",), ("compare", NASTY, "lstm"), ("plot",), ("verify", "paper.yaml")],
    ids=lambda command: command[0],
)
def test_json_escapes_what_a_terminal_would_obey(records, command, attack):
    code = 0 if command[0] != "verify" else 5
    done = records(*command, "--json", code=code)
    safe(done.out)
    assert command == ("plot",) or {NASTY, NASTY_FOLDER} & {*texts_in(json.loads(done.out))}
    attack.tried("a record full of control characters, as JSON")


def test_a_spreadsheet_gets_no_formula(records, attack):
    written = records("table", "--format", "csv").out
    safe(written)
    rows = list(csv.reader(io.StringIO(written)))
    assert len({len(row) for row in rows}) == 1 and len(rows) == 5
    texts = [field for row in rows for field in row if field[:1] in ("=", "+", "-", "@")]
    assert not [field for field in texts if not re.fullmatch(r"-?[\d.e+-]+", field)]
    assert any(field.startswith("'=HYPERLINK") for row in rows for field in row)
    attack.tried("a record full of control characters, as CSV")


def test_a_page_gets_no_tag_no_link_and_no_column(records, attack):
    tables = [
        records("table", "--format", "markdown").out,
        records("verify", "paper.yaml", "--format", "markdown", code=5).out,
    ]
    for written in tables:
        safe(written)
        assert not re.search(r"(?<!\\)[<>\[]", written) and "script" in written
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in written.splitlines()}) == 1
    attack.tried("a record full of control characters, as Markdown", len(tables))


def test_latex_gets_no_command(records, attack):
    written = records("table", "--format", "latex").out
    safe(written)
    body = written.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    assert "HYPERLINK" in body and r"\alpha" not in body
    assert not re.search(r"(?<!\\)[$%#]", body)
    attack.tried("a record full of control characters, as LaTeX")


def test_figures_show_the_text_as_it_is(records, attack):
    done = records("plot", "--format", "svg", "--out", "drawn")
    safe(done.out)
    safe(done.err)
    drawn = list((records.folder / "drawn").rglob("*.svg"))
    assert len(drawn) == len(done.out.splitlines()) >= 4
    for path in drawn:
        ElementTree.parse(path)
        written = path.read_text(encoding="utf-8")
        safe(written)
        assert "<script" not in written
    assert any("HYPERLINK" in path.read_text(encoding="utf-8") for path in drawn)
    attack.tried("a record full of control characters, in a figure", len(drawn))


def test_verdicts_are_lines(records, attack):
    done = records("verify", "paper.yaml", code=5)
    safe(done.out, tabs=True)
    safe(done.err)
    no_line_is_forged(done.out, done.err)
    attack.tried("a claim full of control characters")


def test_a_benchmark_of_a_stranger_is_listed_described_and_trained(bench, attack):
    yaml = (bench.folder / "benchmarks/tiny.yaml").read_text()
    yaml = yaml.replace("A benchmark for tests", IN_YAML).replace(
        "  lstm:\n", f"  {LABEL_IN_YAML}: {{cell: lstm}}\n"
    )
    bench.write("benchmarks/tiny.yaml", yaml)
    bench.write(f"benchmarks/{NASTY_FOLDER}.yaml", yaml)
    commands = [
        ("list",),
        ("list", "--json"),
        ("describe", "tiny"),
        ("describe", "tiny", "--json"),
        ("describe", NASTY_FOLDER),
        ("run", "tiny", "--dry-run"),
        ("run", "tiny", "--json"),
        ("run", "tiny"),
        ("run", "tiny", "-v", "--force"),
    ]
    for command in commands:
        done = bench(*command)
        safe(done.out, tabs=True)
        safe(done.err)
        # a title may have several lines where a benchmark is described
        no_line_is_forged(done.err, *([] if command[0] == "describe" else [done.out]))
    attack.tried("a command with a benchmark full of control characters", len(commands))


def test_errors_quote_no_control_character(bench, attack):
    bench.write("faulty.py", CELL.format(docstring=r"\x1b[2J", message=IN_YAML))
    bench.write("benchmarks/faulty.yaml", f"{IN_YAML}: 1\n")
    bench.write("benchmarks/half.yaml", f"title: {IN_YAML}: [\n")
    faulty = ("--model", "faulty", "--include", "faulty.py")
    commands = [
        (("run", "tiny", *faulty), 3),
        (("run", "tiny", *faulty, "--dry-run"), 0),
        (("list", "--include", "faulty.py"), 0),
        (("describe", "faulty", "--include", "faulty.py"), 2),
        (("run", "faulty"), 2),
        (("run", "half"), 2),
        (("run", NASTY), 2),
        (("run", NASTY + ".yaml"), 2),
        (("run", "tiny", "--set", NASTY), 2),
        (("run", "tiny", "--set", f"fit.steps={NASTY}"), 2),
        (("run", "tiny", "--include", NASTY), 2),
        (("run", "tiny", "--T", NASTY), 2),
        (("run", f"--{NASTY}"), 2),
        ((NASTY,), 2),
        ((f"--{NASTY}",), 2),
        (("status", "--results", NASTY), 5),
        (("compare", NASTY, "b", "--results", NASTY), 2),
        (("plot", "--figure", NASTY), 2),
        (("verify", NASTY), 2),
        (("prepare", NASTY), 2),
        (("kernels", "--model", NASTY), 2),
    ]
    for command, code in commands:
        done = exit_code_is(bench, command, code)
        safe(done.out, tabs=True)
        safe(done.err)
        no_line_is_forged(done.out, done.err)
    attack.tried("an error that quotes control characters", len(commands))


def exit_code_is(bench, command, code):
    """Run a command; which code an error has is another test's matter."""
    for expected in dict.fromkeys((code, 2, 5)):
        try:
            return bench(*command, code=expected)
        except AssertionError as error:
            failure = error
    raise failure


def test_the_shell_is_offered_no_name_that_it_would_obey(bench):
    for name in ("good", f"bad{NASTY_FOLDER}", "bad\nforged"):
        bench.write(f"benchmarks/{name}.yaml", bench.MADE)
    env = {"_URNN_BENCH_COMPLETE": "complete_bash", "COMP_CWORD": "2"}
    for start, offered in (("goo", {"good"}), ("bad", set()), ("forg", set())):
        out = bench(env={**env, "COMP_WORDS": f"urnn-bench describe {start}"}).out
        assert set(out.split()) == offered


def test_a_terminal_is_not_moved(records):
    """Drawn tables and bars hold no control but those of rich."""
    yaml = (records.folder / "benchmarks/tiny.yaml").read_text()
    yaml = yaml.replace("  lstm:\n", f"  {LABEL_IN_YAML}: {{cell: lstm}}\n")
    records.write("benchmarks/tiny.yaml", yaml)
    for command in (("status",), ("run", "tiny", "--model", LABEL)):
        seen = on_a_terminal(records, *command)
        assert "HYPERLINK" in seen
        safe(TERMINALS_OWN.sub("", seen).replace("\r", ""))
        assert "\x1b[2J" not in seen


def on_a_terminal(bench, *arguments):
    leader, follower = pty.openpty()
    streams = {"stdout": follower, "stderr": follower, "stdin": follower}
    process = bench.start(*arguments, env={"TERM": "xterm"}, **streams)
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # the other end has closed
            break
        seen += chunk
    os.close(leader)
    assert process.wait(timeout=60) == 0, seen
    return seen.decode()


# surrogates too, as in names of files that are not UTF-8
anything = st.text(st.characters(exclude_categories=()) | st.sampled_from(NASTY))


@given(anything)
def test_no_control_passes(written):
    for one_line in (text.line, text.message, text.csv_field, text.markdown):
        assert not FORBIDDEN.search(one_line(written))
    assert not FORBIDDEN.search(re.sub("[\n\t]", "", text.lines(written)))


@given(anything)
def test_json_is_the_same_document(written):
    document = text.json_document(json.dumps([written], ensure_ascii=False))
    assert json.loads(document) == [written] and not FORBIDDEN.search(document)


@given(st.text(st.sampled_from("=+-@ 1a.<|[_")))
def test_a_number_is_no_formula(written):
    field = text.csv_field(written)
    assert field[:1] not in ("=", "@") and field.lstrip("'") == written.lstrip("'")


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_written_in_any_encoding(written):
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8"):
        written.encode(encoding, errors=text.FALLBACK)
