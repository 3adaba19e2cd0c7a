"""How many numbers and bytes a step in time reads as weights, of every network."""

import csv
import io
import json
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import nn

from urnn_bench.cells.base import Cell
from urnn_bench.layers.bidirectional import BidirectionalCell
from urnn_bench.layers.deep import DeepCell
from urnn_bench.registry import Components
from urnn_bench.run.recurrent_memory import known_recurrent_memory, recurrent_memory
from urnn_bench.spec.layers import Block
from urnn_bench.spec.types import Config

F, H, N = 3, 8, 5
FLOAT = 4


def kind_of(name):
    return Components().cells.get(name, Cell)


def make(name, **options):
    kind = kind_of(name)
    return kind(F, H, kind.Options(**options))


@pytest.mark.parametrize(
    ("name", "options", "weights"),
    [
        ("rnn", {}, H * H),
        ("lstm", {}, 4 * H * H),
        # the reset gate acts on a bias beside the state
        ("gru", {}, 3 * H * H + 3 * H),
        # the leak is a number that a step reads
        ("echo_state", {}, H * H + 1),
        # the matrix, not the triangle that is learned, and modReLU's bias
        ("dtriv", {}, H * H + H),
        # e_h, W_h, e_m, W_m, A and B
        ("lmu", {"memory_order": N}, H + H * H + N + H * N + N * N + N),
        # w_f, W_c, A and B
        ("hippo_legs", {"memory_order": N}, H + 2 * H * N + N * N + N),
        # the filter's input comes before the recurrence
        ("momentum_lstm", {}, 4 * H * H),
        ("sr_lstm_released", {}, 4 * H * H),
        ("adam_dtriv", {}, H * H + H),
    ],
)
def test_known_counts(name, options, weights):
    assert recurrent_memory(make(name, **options)) == (weights, FLOAT * weights)


def test_complex_numbers_count_as_two_and_indices_as_bytes_alone():
    """The uRNN reads three diagonals, two mirrors, a bias and a permutation."""
    weights = 5 * 2 * H + H
    assert recurrent_memory(make("urnn")) == (weights, FLOAT * weights + 8 * H)


@pytest.mark.parametrize(
    ("name", "options", "weights", "indices"),
    [
        ("esn", {"density": 0.25, "storage": "dense"}, H * H + 1, 0),
        ("esn", {"density": 0.25, "storage": "sparse"}, 2 * H + 1, 2 * H),
        ("parallel_esn", {"reservoirs": 4}, H * H // 4 + 1, 0),
        ("mring_esn", {"reservoirs": 4}, H * H // 4 + H + 1, 0),
        ("ring_esn", {}, 2, 0),
    ],
)
def test_reservoirs_count_their_matrix_as_it_is_stored(name, options, weights, indices):
    """Every one has a leak; columns of entries are int32."""
    assert recurrent_memory(make(name, **options)) == (weights, FLOAT * weights + 4 * indices)


def test_the_bytes_are_those_of_the_precision():
    assert recurrent_memory(make("rnn").double()) == (H * H, 8 * H * H)


def test_layers_and_directions_add_up_without_what_surrounds_them():
    kind, options = kind_of("lstm"), kind_of("lstm").Options()
    both = BidirectionalCell(kind, F, H, options)
    block = Block(norm="layer", mixer="mlp")
    deep = DeepCell(kind, F, H, options, 2, block)
    deep_both = DeepCell(partial(BidirectionalCell, kind), F, H, options, 3, None)
    counts = [recurrent_memory(cell).weights for cell in (both, deep, deep_both)]
    assert counts == [2 * 4 * H * H, 2 * 4 * H * H, 6 * 4 * H * H]


class Weights(NamedTuple):
    v: torch.Tensor
    w: torch.Tensor


class Sparse(Cell):
    """A cell whose recurrent matrix has three entries."""

    layout = torch.sparse_coo

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.v = nn.Parameter(torch.ones(inputs, hidden))
        self.dense = nn.Buffer(torch.zeros(hidden, hidden))
        self.dense[0, :3] = 1

    def weights(self):
        return Weights(self.v, self.dense.to_sparse(layout=self.layout))

    def drive(self, x, w):
        return x @ w.v

    def step(self, u, state, w):
        return (torch.tanh(u + (w.w @ state[0].T).T),)

    def initial_state(self, batch):
        return (self.v.new_zeros(batch, self.hidden),)


class SparseRows(Sparse):
    layout = torch.sparse_csr


class SparseBuffer(Sparse):
    """A cell of which nothing is trained, and whose first tensor is sparse."""

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        dense, v = self.dense, self.v.detach()
        del self.dense, self.v
        self.matrix, self.v = nn.Buffer(dense.to_sparse(layout=self.layout)), nn.Buffer(v)

    def weights(self):
        return Weights(self.v, self.matrix)


class SparseRowsBuffer(SparseBuffer):
    layout = torch.sparse_csr


class Chosen(Sparse):
    """It says itself what a step reads: indices, which have no gradient, and the input matrix."""

    def recurrent_weights(self, w):
        return (w.v, w.w.indices())


class Named(Sparse):
    """A parameter of today's may have the name of the method."""

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.recurrent_weights = nn.Parameter(torch.ones(hidden))


class Fixed(Sparse):
    def step(self, u, state, w):  # noqa: ARG002
        return (0.5 * state[0] + u,)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.parametrize(
    ("kind", "weights", "size"),
    [
        (Sparse, 3, 3 * FLOAT + 2 * 3 * 8),
        (SparseRows, 3, 3 * FLOAT + (3 + H + 1) * 8),
        (SparseBuffer, 3, 3 * FLOAT + 2 * 3 * 8),
        (SparseRowsBuffer, 3, 3 * FLOAT + (3 + H + 1) * 8),
        (Chosen, F * H, FLOAT * F * H + 2 * 3 * 8),
        (Named, 3, 3 * FLOAT + 2 * 3 * 8),
        (Fixed, 0, 0),
    ],
)
def test_sparse_matrices_and_what_a_cell_says_itself(kind, weights, size):
    cell = kind(F, H, Config())
    assert recurrent_memory(cell) == known_recurrent_memory(cell) == (weights, size)


class Counting(Sparse):
    """A cell that changes with every call, and raises at its second step."""

    def __init__(self, inputs, hidden, options):
        super().__init__(inputs, hidden, options)
        self.calls = nn.Buffer(torch.zeros(()))

    def step(self, u, state, w):
        self.calls += 1
        if self.calls > 1:
            raise SystemExit
        return super().step(u, state, w)


def test_a_cell_that_raises_is_unknown_and_left_as_it_is():
    cell = Counting(F, H, Config())
    assert known_recurrent_memory(cell) is None and not cell.calls and cell.training


USERS = '''
import torch
from urnn_bench.cells.rnn import Rnn

class {name}(Rnn):
    """A plain network that says {what} of what a step reads."""

    def recurrent_weights(self, w):
        {body}
'''


def of_users(bench, name, what, body):
    return bench.write(f"{name}.py", USERS.format(name=name.capitalize(), what=what, body=body))


def test_a_run_has_both_in_its_record_and_tables(bench):
    secret = of_users(bench, "secret", "nothing", "raise ValueError('secret')")
    models = ("--model", "lstm", "--model", "secret", "--include", secret)
    bench("run", "tiny", *models, "-q", "--set", "seeds=[0, 1]")
    records = [json.loads((path / "run.json").read_text()) for path in bench.runs()]
    counts = {(r["run"]["label"], r["recurrent_weights"], r["recurrent_bytes"]) for r in records}
    assert counts == {("lstm", 144, 576), ("secret", None, None)}
    documents = json.loads(bench("table", "tiny", "--json").out)
    assert [d["recurrent_weights"] for d in documents] == [144, None]
    rows = list(csv.DictReader(io.StringIO(bench("table", "tiny", "--format", "csv").out)))
    assert [row["recurrent_bytes"] for row in rows] == ["576", ""]


def test_table_shows_them_if_asked(bench):
    bench.record("lstm", parameters=300, recurrent_weights=250, recurrent_bytes=1000)
    bench.record("lstm", seed=1, parameters=300, recurrent_weights=250, recurrent_bytes=1000)
    # as of an earlier version
    bench.record("urnn", parameters=200)
    shown = bench("table", "made", "--memory")
    header, lstm, urnn = (line.split("\t") for line in shown.out.splitlines())
    assert header == [
        *("model", "T", "parameters", "recurrent weights", "recurrent kB"),
        *("seeds", "test", "lowest", "highest"),
    ]
    assert lstm[:6] == ["lstm", "100", "300", "250", "1", "2"]
    assert urnn[:6] == ["urnn", "100", "200", "–", "–", "1"]
    assert "recurrent kB: their size" in shown.err
    assert "recurrent" not in bench("table", "made").out


def test_table_of_them_names_the_length_of_the_test(bench):
    elsewhere = {200: {"test": {"cross_entropy_nat": 0.2}}}
    bench.record("lstm", recurrent_weights=250, recurrent_bytes=1000, evaluations=elsewhere)
    rows = [line.split("\t")[:3] for line in bench("table", "made", "--memory").out.splitlines()]
    assert rows == [["model", "T", "at"], ["lstm", "100", "100"], ["lstm", "100", "200"]]
