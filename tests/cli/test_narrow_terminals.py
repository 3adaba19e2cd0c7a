"""Tables and sentences on terminals of any width: no word is cut, and no value is lost."""

import re

import pytest

from urnn_bench.cli.display.drawn_tables import Column, draw
from urnn_bench.cli.display.latex import write_latex
from urnn_bench.cli.display.paragraphs import paragraph

NAMES = Column("name", ["beyond/precision-lengths", "urnn"], False)
LOSSES = Column("loss", ["0.000105", "–"], True)
SENTENCES = Column("summary", ["Pixels one by one, in float32 and in float64.", "Copying."], False)


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_no_word_is_cut_at_any_width(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    draw([NAMES, LOSSES, SENTENCES], "–", notes=["Because of this.", ""])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line.rstrip()) <= width for line in lines)
    words = re.findall(r"[^\s,]+", " ".join(lines))
    for word in " ".join([*NAMES.cells, LOSSES.cells[0], *SENTENCES.cells, "Because"]).split():
        assert word.rstrip(",") in words


def test_a_record_is_named_by_what_tells_it_from_the_others(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "16")
    models, lengths = (
        Column("model", ["urnn", "urnn", "rnn"], False),
        Column("T", list("577"), True),
    )
    states = Column("state", ["trained for long", "not trained", "–"], False)
    draw([models, lengths, states], "–")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["urnn T 5", "  trained for", "  long", "urnn T 7", "  not trained", "rnn T 7"]


def test_a_command_is_not_broken():
    command = "urnn-bench run copy --results 'a long name of a folder'"
    text = paragraph(f"there are no runs to show; make them with: {command}", 40)
    *sentence, last = text.splitlines()
    assert last.strip() == command and all(len(line) <= 40 for line in sentence)
    assert paragraph("a b " * 40, None) == "a b " * 40


def test_latex_aligns_numbers(capsys):
    write_latex(
        [{"model": "a_b", "test": 9.2e-5}, {"model": "c", "test": None}], ["a note\nof two"]
    )
    written = capsys.readouterr().out
    assert r"\begin{tabular}{lS[table-format=1.1e-5]}" in written and r"\label{" in written
    assert r"a\_b & 9.2e-05 \\" in written and r"c & {--} \\" in written
    assert (
        written.startswith("% needs") and r"% a note\nof two" in written and r"\caption{" in written
    )
