"""No sentence quotes a measurement of ours that somebody typed: it is generated or checked."""

import re

import pytest
from docs_pages import FENCE, each_page, named

GENERATED = re.compile(r"<!-- generated: [^\n]*? -->.*?<!-- end -->", re.DOTALL)
NO_PROSE = re.compile(r"`[^`\n]*`|!\[[^\]]*\]|\]\([^)]*\)")
DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?"
WORD = r"(?:half|two|three|four|five|six|seven|eight|nine|ten)"
UNIT = r"(?:%|(?:times|fold|ns|ms|s|seconds?|min|minutes?|hours?|KiB|MiB|GiB)\b)"
MEASURED = re.compile(
    rf"\b(?:{DIGITS}|{WORD})[ -]?{UNIT}"
    rf"|\b{DIGITS}(?: %)? (?:to|against) {DIGITS}"
    rf"|\b\d+(?:\.\d+)?e-?\d+ and {DIGITS}"
    r"|\b(?:an?|half an) hour\b|\b(?:a quarter|half) of an? (?:hour|minute)\b|\btwice (?:as|the)\b"
)

INTERVAL = "95 %"
# what is typed all the same, by page: a name of a thing, of a paper's, or arithmetic
ALLOWED = {
    "docs/benchmarks.md": {"1e-3 and 1e-4": "learning rates"},
    "docs/cluster.md": {
        "5 s": "a constant of records/lease.py",
        "15 s": "a constant of records/lease.py",
        "five minutes": "a constant of records/lease.py",
        "two minutes": "Slurm's default before a requeued job begins",
    },
    "docs/data.md": {
        "256 MiB": "a limit of the code",
        "half an hour": "a limit of the code",
        "52 MiB": "70,000 images of 28 x 28 bytes",
        "15 %": "shares of a split in the code",
        "70 %": "checked in tests/tasks/test_santa_fe.py",
        "60 to 182": "checked in tests/tasks/test_trajectories.py",
        "5 to 9": "recordings of a split in the code",
        "0 to 4": "recordings of a split in the code",
    },
    "docs/index.md": {"1 to 4": "figures of the paper"},
    "docs/papers/momentum-2020.md": {"5.87 against 9.37": "Table 3 of the paper"},
    "docs/papers/urnn-2016.md": {
        "54 %": "Figure 3 of the paper, right",
        "91.4 against 88": "section 5.3 of the paper",
        "95.1 against 98.2": "section 5.3 of the paper",
    },
    "docs/protocol.md": {
        "75 %": "checked in tests/analysis/test_statistics.py",
        "90 %": "checked in tests/analysis/test_statistics.py",
    },
    "docs/reliability.md": {"five minutes": "a constant of records/lease.py"},
    "docs/speed.md": {
        "10 to 20": "the compiler's time on a GPU, which no record has",
        "20 s": "the least gain for which several processes are started",
        "60 times": "a constant of the estimate of memory",
    },
}


def typed(text):
    """What looks like a measurement outside of generated blocks, code and pictures."""
    # a letter stands for what is left out, so that two numbers do not become one
    for pattern in (GENERATED, FENCE, NO_PROSE):
        text = pattern.sub("x", text)
    return {found[0] for found in MEASURED.finditer(" ".join(text.split()))} - {INTERVAL}


@each_page
def test_a_measurement_in_a_sentence_is_generated(page):
    """A new number: see docs/blocks; one that is no measurement of ours goes into ALLOWED."""
    assert typed(page.read_text(encoding="utf-8")) <= ALLOWED.get(named(page), {}).keys()


@each_page
def test_nothing_is_allowed_that_is_not_there(page):
    allowed = ALLOWED.get(named(page), {}).keys()
    assert allowed <= typed(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "sentence",
    [
        "two seeds learn (85 and 65 %)",
        "ours before 467 to 525",
        "is four to seven times as long",
        "between 6e-4 and 6e-7 of it",
        "at a norm of 3.5 to 6.3",
        "takes about twice the time",
        "The readout takes 26 % of it",
        "took 1.3 s of the 36 s",
        "in half an hour on one core",
        "grows 1e8-fold",
    ],
)
def test_a_typed_measurement_is_noticed(sentence):
    assert typed(sentence)
    assert not typed(f"<!-- generated: number -->{sentence}<!-- end -->")
