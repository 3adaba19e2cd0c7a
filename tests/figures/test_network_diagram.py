"""Networks as boxes: what is drawn is what the record says, for every kind of network."""

import pytest

from urnn_bench.analysis.results import load
from urnn_bench.errors import NothingToShowError
from urnn_bench.figures._network import diagram_of
from urnn_bench.figures._style import style
from urnn_bench.figures.network_diagram import NetworkDiagram

CONVOLUTIONAL = """\
title: Shown digits
task: {name: shown_digits}
T: [3]
seeds: [0, 1]
hidden: 2
models:
  rgc: {cell: {name: convrnn, pools: 1, feedback: [[3, 1]]}}
  without: {cell: {name: convrnn, pools: 1, unit: feedforward, unrolling: feedforward}}
  chain: {cell: lstm, layers: 2, bidirectional: true}
fit: {steps: 2, batch: 4, evaluate_every: 1}
"""


@pytest.fixture
def results(bench):
    bench.write("benchmarks/conv.yaml", CONVOLUTIONAL)
    bench("run", "conv", "-q")
    return load(bench.folder / "results", "conv")


def diagrams(results):
    return {r.run.label: diagram_of(r) for r in results.records}


def texts_of(ax):
    return [text.get_text() for text in ax.texts]


def test_layers_of_a_convolutional_network_are_those_of_its_cell(results):
    found = diagrams(results)["rgc"]
    assert [(box.name, box.sizes) for box in found.boxes] == [
        ("input", "1 channel, 8 × 8"),
        ("feedforward", "2 channels, 8 × 8"),
        ("reciprocal_gated", "2 channels, 4 × 4"),
        ("reciprocal_gated", "2 channels, 4 × 4"),
        ("readout: linear", "2 features to 10 outputs"),
    ]
    assert [box.recurrent for box in found.boxes] == [False, False, True, True, False]
    assert [box.reads for box in found.boxes] == ["", "", "max pooling 2 × 2", "", ""]
    assert found.edges == ((3, 1),) and found.note


def test_other_cells_are_a_chain_of_layers(results):
    found = diagrams(results)["chain"]
    names = [box.name for box in found.boxes]
    assert names == ["input", "lstm", "lstm", "readout: linear"]
    assert found.boxes[1].sizes == "2 units, both directions"
    assert not (found.edges or found.paths or found.note)


def test_an_older_record_is_drawn_without_what_it_does_not_say(results):
    record = results.records[0].model_copy(update={"network": None})
    found = diagram_of(record)
    assert [box.name for box in found.boxes[1:-1]] == [record.run.cell.name] * record.run.layers


def test_the_option_model_draws_one_network_with_its_edge(results):
    with style():
        drawing = NetworkDiagram(NetworkDiagram.Options(model="rgc")).draw(results)
    (ax,) = drawing.axes
    assert texts_of(ax).count("1 × 1") == 1
    runs = results.runs[results.runs["model"] == "rgc"]
    assert f"{int(runs['parameters'].iloc[0]):,} parameters" in ax.get_xlabel()


def test_a_model_without_a_score_is_named(results):
    figure = NetworkDiagram(NetworkDiagram.Options(model="rcg"))
    with pytest.raises(NothingToShowError, match="did you mean 'rgc'"):
        figure.draw(results)


def test_after_a_search_the_best_trial_is_drawn_with_what_it_chose(bench):
    searched = CONVOLUTIONAL.replace("fit:", "search: {model: rgc, space: {hidden: [2, 3]}}\nfit:")
    bench.write("benchmarks/conv.yaml", searched)
    bench("search", "conv", "--trials", 2, "--random")
    results = load(bench.folder / "results", "conv")
    best = results.trials.nsmallest(1, "loss")
    with style():
        drawing = NetworkDiagram(NetworkDiagram.Options()).draw(results)
    (ax,) = drawing.axes
    assert ax.get_title().replace("\n", " ").startswith(best["label"].item())
    assert f"hidden {best['values.hidden'].item():g}" in drawing.get_supxlabel()
