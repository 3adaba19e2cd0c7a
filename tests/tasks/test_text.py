"""Texts in streams: what follows what, carried states, and corpora that cannot be read."""

import json

import pytest
import torch

from urnn_bench.errors import DataError
from urnn_bench.tasks._text import TextOptions, Texts, TextTask

TEXTS = Texts("abcdefghij" * 13, "jihgfedcba" * 3, "abcabc")


class Letters(TextTask):
    Options = TextOptions

    def load(self):
        return TEXTS


def make(T=4, **options):
    return Letters(TextOptions(T=T, **options))


def decoded(task, tokens):
    return "".join(task._corpus().vocabulary[i] for i in tokens.tolist())


def test_targets_are_the_next_characters_and_batches_go_on():
    task, size = make(), 3
    count = (130 - 1) // size // 4
    for epoch in range(2):
        batches = [task.batch("train", epoch * count + i, size, seed=5) for i in range(count)]
        x, y = torch.cat([b.x for b in batches]), torch.cat([b.y for b in batches])
        assert x.shape == (4 * count, size) and torch.equal(x[1:], y[:-1])
        for stream in range(size):
            assert decoded(task, x[:, stream]) in "abcdefghij" * 20
        begins = [task.carries_state("train", epoch * count + i, size) for i in range(count)]
        assert begins == [False] + [True] * (count - 1)


def test_epochs_and_seeds_begin_elsewhere():
    task = make()
    starts = {
        (s, e): decoded(task, task.batch("train", e * 10, 3, seed=s).x[:, 0])
        for s in range(3)
        for e in range(3)
    }
    assert len(set(starts.values())) > 4


@pytest.mark.parametrize("size", [1, 2, 5])
def test_validation_is_read_from_its_first_token_in_streams(size):
    task = make()
    count = task.batches("validation", size)
    batches = [task.batch("validation", i, size, seed=0) for i in range(count)]
    x, y = torch.cat([b.x for b in batches]), torch.cat([b.y for b in batches])
    whole = 29 // size * size
    assert decoded(task, x.T.flatten()) == TEXTS.validation[:whole]
    assert decoded(task, y.T.flatten()) == TEXTS.validation[1 : whole + 1]
    assert [task.carries_state("validation", i, size) for i in range(count)] == [
        i > 0 for i in range(count)
    ]


def test_words_end_with_their_line():
    texts = Texts("to be or\n\nnot to be\n", "to be\n", "or not\n")

    class Words(Letters):
        def load(self):
            return texts

    task = Words(TextOptions(T=2, unit="words"))
    assert task._corpus().vocabulary == ("to", "be", "or", "<eos>", "not")
    assert task._corpus().tokens["train"].tolist() == [0, 1, 2, 3, 3, 4, 0, 1, 3]


def test_perplexity_is_the_exponential_of_the_mean():
    task = make()
    assert task.finalise_metrics({"cross_entropy_nat": 2.0})["perplexity"] == pytest.approx(
        7.389056
    )
    assert task.finalise_metrics({"cross_entropy_nat": 1e6})["perplexity"] == float("inf")


def test_a_text_too_short_for_its_streams_is_refused():
    with pytest.raises(DataError, match="test text of 6 tokens is too short for 6 streams"):
        make().batches("test", 6)


CORPUS = """\
title: A corpus
task: {name: ptb, unit: characters}
T: 5
models: {rnn: {hidden: 4}}
fit: {steps: 12, batch: 3, evaluate_every: 6, evaluate_batch: 2}
"""


@pytest.fixture
def corpus(bench):
    bench.write("benchmarks/corpus.yaml", CORPUS)
    for name in ("train", "valid", "test"):
        bench.write(f"data/ptb/ptb.{name}.txt", "the cat sat on the mat\n" * 4)
    return bench


def test_a_corpus_of_ones_own_is_learned_and_fingerprinted(corpus):
    corpus("run", "corpus", "--data-dir", "data", "-q")
    record = json.loads((corpus.runs("corpus")[0] / "run.json").read_text())
    assert set(record["test"]) == {"cross_entropy_nat", "bits_per_token", "perplexity"}
    assert {"train text", "validation text", "test text"} <= set(record["fingerprint"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"caf\xe9\n", "cannot be read as UTF-8"),
        ("the cat\n".encode("utf-16"), "cannot be read as UTF-8"),
        ("the cat\n".encode("utf-16-le"), "full of bytes that are 0, as UTF-16"),
        ("кот на коврике\n".encode("utf-16-be"), "full of bytes that are 0, as UTF-16"),
        ("the cat\n".encode("utf-32"), "cannot be read as UTF-8"),
        (None, "ptb.valid.txt is not in"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_one_sentence(corpus, content, says):
    path = corpus.folder / "data/ptb/ptb.valid.txt"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    said = corpus("run", "corpus", "--data-dir", "data", code=2).err
    assert says in said and said.count("\n") == 1 and not corpus.runs("corpus")


LINES = "the cat\n\nsat\n" * 12


@pytest.mark.parametrize("unit", ["words", "characters"])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: ("\ufeff" + text.replace("\n", "\r\n")).encode(),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_mark_and_the_ends_of_lines_do_not_change_the_tokens(unit, changed, split, bench):
    def fingerprint(folder):
        file = f"task={{name: ptb, corpus: {folder}}}"
        settings = ("--set", file, "--set", f"task.unit={unit}", "--data-dir", "data", "-q")
        bench("run", "corpus", *settings, "--results", folder)
        (path,) = (bench.folder / folder).glob("*/*/run.json")
        record = json.loads(path.read_text())
        return record["fingerprint"], record["parameters"]

    bench.write("benchmarks/corpus.yaml", CORPUS.replace("steps: 12", "steps: 1"))
    for folder in ("plain", "changed"):
        for name in ("train", "valid", "test"):
            path = bench.write(f"data/{folder}/{name}.txt", LINES)
            if folder == "changed" and name == split:
                path.write_bytes(changed(LINES))
    assert fingerprint("plain") == fingerprint("changed")


@pytest.mark.parametrize("character", "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
def test_only_an_end_of_line_ends_a_line(character):
    texts = Texts(f"to be{character}or not\r\nto be\rso\n", "to\n", "to")

    class Words(Letters):
        def load(self):
            return texts

    corpus = Words(TextOptions(T=2, unit="words"))._corpus()
    words = [corpus.vocabulary[token] for token in corpus.tokens["train"]]
    assert words == ["to", "be", "or", "not", "<eos>", "to", "be", "<eos>", "so", "<eos>"]


def test_a_task_of_ones_own_that_reads_a_mark_has_it_not_in_its_vocabulary():
    class Marked(Letters):
        def load(self):
            return Texts("\ufeffabc", "abc", "\ufeffcab")

    assert Marked(TextOptions(T=2))._corpus().vocabulary == ("a", "b", "c")


def test_scores_do_not_depend_on_how_much_is_evaluated_at_once(corpus):
    def tested(size):
        arguments = ("--data-dir", "data", "-q", "--set", f"fit.evaluate_batch={size}")
        corpus("run", "corpus", *arguments, "--results", f"by{size}")
        (run,) = (corpus.folder / f"by{size}" / "corpus").glob("*/run.json")
        return json.loads(run.read_text())["test"]

    assert tested(1) == tested(7)


def test_a_text_too_short_to_be_evaluated_is_refused_before_training(corpus):
    corpus.write("data/ptb/ptb.test.txt", "the mat\n")
    said = corpus("run", "corpus", "--data-dir", "data", code=2).err
    assert "the test text of 8 tokens is too short for 10 streams" in said
    assert not corpus.runs("corpus")


def test_a_run_does_not_go_on_with_another_text(corpus):
    arguments = ("run", "corpus", "--data-dir", "data", "-q")
    corpus.process(*arguments, "--time-limit", 0, code=3)
    corpus.write("data/ptb/ptb.train.txt", "the mat sat on the cat\n" * 4)
    said = corpus.process(*arguments, code=2).err
    assert "data are not those it began with" in said and "--force" in said
    corpus.write("data/ptb/ptb.train.txt", "the cat sat on the mat\n" * 4)
    corpus.process(*arguments)


def test_a_run_put_aside_between_two_batches_goes_on_with_its_states(corpus):
    def scores(results):
        (run,) = (corpus.folder / results / "corpus").glob("*/metrics.csv")
        lines = [line.split(",") for line in run.read_text().splitlines()]
        return [line[:2] + line[3:] for line in lines]

    arguments = ("run", "corpus", "--data-dir", "data", "-q", "--set", "fit.log_every=1")
    corpus(*arguments, "--results", "whole")
    for _ in range(11):
        corpus(*arguments, "--results", "parts", "--time-limit", 0, code=3)
    corpus(*arguments, "--results", "parts")
    assert scores("parts") == scores("whole")
