"""Images that are shown for some steps: grey, noise and squares, and what is scored of them."""

import json

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import cross_entropy, one_hot

from urnn_bench.tasks._shown_images import Place, occluded, with_grey
from urnn_bench.tasks.base import Images, Targets, is_static
from urnn_bench.tasks.shown_digits import ShownDigits, ShownDigitsOptions
from urnn_bench.tasks.static_digits import StaticDigits, StaticDigitsOptions

T, B = 6, 5
SPLITS = ("train", "validation", "test")
BENCHMARK = """\
title: t
task: {name: shown_digits, shown: 3, noise: 0.2, occlusion: 0.1}
T: [5]
hidden: 8
models: {gru: , rnn: }
fit: {steps: 4, batch: 10, evaluate_every: 2}
evaluate: {T: [3, 9]}
"""


def task(steps=T, **options):
    return ShownDigits(ShownDigitsOptions(T=steps, **options))


def batch(split="validation", index=0, size=B, seed=0, **options):
    return task(**options).batch(split, index, size, seed)


@pytest.mark.parametrize("split", SPLITS)
def test_what_does_not_change_is_one_tensor_with_the_images_of_static_digits(split):
    shown = batch(split)
    static = StaticDigits(StaticDigitsOptions(T=T)).batch(split, 0, B, seed=0)
    assert torch.equal(shown.x.double(), static.x) and torch.equal(shown.y[-1], static.y)
    assert is_static(shown.x) and shown.x.untyped_storage().nbytes() == B * 64 * 4
    assert is_static(batch(split, occlusion=0.3).x)
    for options in ({"shown": 3}, {"noise": 0.1}, {"occlusion": 0.3, "occluder": "moving"}):
        assert not is_static(batch(split, **options).x)


def test_the_signature_asks_for_a_class_at_every_step():
    signature = task().signature
    assert signature.inputs == Images(1, 8, 8) and signature.outputs == 10
    assert signature.targets is Targets.EVERY_STEP and batch().y.shape == (T, B)
    assert (batch().y == batch().y[0]).all()
    assert torch.equal(task().step_classes(batch()), batch().y)


@pytest.mark.parametrize("options", [{}, {"noise": 0.5}, {"occlusion": 0.2}])
def test_grey_follows_and_the_shown_steps_do_not_depend_on_how_much(options):
    all_shown = batch(steps=3, **options)
    for steps in (4, 9):
        longer = batch(steps=steps, shown=3, **options)
        assert torch.equal(longer.x[:3], all_shown.x) and (longer.x[3:] == 0.5).all()


def test_grey_is_appended_to_frames_of_one_step_or_of_all():
    one, all_steps = torch.zeros(1, 2, 3), torch.arange(2.0)[:, None, None].expand(2, 2, 3)
    assert with_grey(one, 2, 4)[:, 0, 0].tolist() == [0, 0, 0.5, 0.5]
    assert with_grey(all_steps, 2, 3)[:, 1, 2].tolist() == [0, 1, 0.5]
    assert with_grey(one, 2, 2).untyped_storage().nbytes() == one.untyped_storage().nbytes()


@pytest.mark.parametrize("split", SPLITS)
def test_noise_is_normal_fresh_at_every_step_and_its_mean_is_the_image(split):
    image = batch(split, steps=300, size=20).x[0]
    noise = batch(split, steps=300, size=20, noise=2.0).x - image
    assert float(noise.std()) == pytest.approx(2, rel=0.01)
    # 384,000 numbers: five standard errors
    assert abs(float(noise.mean())) < 0.02
    assert noise.mean(0).abs().max() < 2 * 5 / 300**0.5
    first, second = noise[0].flatten(), noise[1].flatten()
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 0.15


@pytest.mark.parametrize("options", [{"noise": 0.5}, {"occlusion": 0.3}])
def test_changes_follow_the_seed_and_in_training_the_batch(options):
    assert torch.equal(batch(**options).x, batch(**options).x)
    assert not torch.equal(batch(**options).x, batch(seed=1, **options).x)
    plain, changed = (batch("train", **given) for given in ({}, options))
    assert torch.equal(plain.y, changed.y)
    # the second epoch has the same images in another order
    count = task().training_examples()
    first, second = (batch("train", index=i, size=count, **options) for i in (0, 1))
    same = batch("train", index=0, size=count), batch("train", index=1, size=count)
    orders = [sorted(map(tuple, one.x[0].tolist())) for one in (first, second, *same)]
    assert orders[2] == orders[3] and orders[0] != orders[1]


@pytest.mark.parametrize(
    "options", [{"noise": 0.5}, {"occlusion": 0.3}, {"occlusion": 0.3, "occluder": "moving"}]
)
@pytest.mark.parametrize("split", SPLITS[1:])
def test_no_batch_size_changes_an_image_of_validation_or_test(split, options):
    whole = batch(split, size=30, **options)
    for size in (1, 7, 30):
        parts = [batch(split, i, size, **options).x for i in range(-(-30 // size))]
        assert torch.equal(torch.cat(parts, 1)[:, :30], whole.x)


def test_images_of_validation_and_test_have_streams_of_their_own():
    validation, test = (
        Place(split, index=0, size=B, count=B, seed=0).joined(
            "noise", lambda count, rng: torch.rand(1, count, 2, generator=rng)
        )
        for split in SPLITS[1:]
    )
    assert validation.shape == (1, B, 2) and not (validation == test).any()


def test_noise_changes_no_place_of_a_square():
    alone, both = batch(occlusion=0.3).x, batch(occlusion=0.3, noise=1e-4).x
    assert (alone - both).abs().max() < 1e-3


def test_a_square_hides_its_share_of_every_channel():
    frames, corners = (
        torch.ones(1, 2, 3 * 4 * 5),
        torch.tensor([[[0, 0], [2, 3]], [[1, 1], [0, 2]]]),
    )
    hidden = occluded(frames, (3, 4, 5), corners, 2).view(2, 2, 3, 4, 5) == 0.5
    expected = torch.zeros(2, 2, 3, 4, 5, dtype=torch.bool)
    for step, image in ((s, b) for s in range(2) for b in range(2)):
        row, column = corners[step, image].tolist()
        expected[step, image, :, row : row + 2, column : column + 2] = True
    assert torch.equal(hidden, expected)


@pytest.mark.parametrize("occluder", ["still", "moving"])
def test_a_square_has_every_place_and_moves_only_if_it_is_told_to(occluder):
    # 0.56 of 64 pixels: a square of 6 × 6, which has 3 × 3 places
    grey = batch("train", size=1000, steps=4, occlusion=0.56, occluder=occluder).x == 0.5
    places = grey.view(4, 1000, 8, 8).unfold(2, 6, 1).unfold(3, 6, 1).flatten(4).all(-1)
    assert places.any(-1).any(-1).all()
    # 111 images are expected at each, with a deviation of 10
    assert places.sum(1).min() > 60 and places.sum(1).max() < 165
    assert (places == places[0]).all() == (occluder == "still")


@pytest.mark.parametrize(("loss_steps", "first"), [("last", T - 1), ("all", 0)])
def test_the_loss_is_of_the_last_step_or_of_all_and_scores_of_the_last(loss_steps, first):
    chosen, data = task(loss_steps=loss_steps), batch()
    output = torch.randn(T, B, 10, generator=torch.Generator().manual_seed(0)).double()
    output.requires_grad_()
    expected = cross_entropy(output[first:].flatten(0, 1), data.y[first:].flatten())
    loss = chosen.loss(output, data)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert output.grad.abs().sum((1, 2)).gt(0).tolist() == [step >= first for step in range(T)]
    scores = chosen.scores(output.detach(), data)
    last = cross_entropy(output[-1].detach(), data.y[-1])
    assert scores["cross_entropy_nat"].total / B == pytest.approx(float(last))
    right = one_hot(data.y, 10).double()
    right[:-1] = 0
    assert chosen.scores(right, data)["accuracy"] == (B, B)


def test_the_training_set_may_be_the_first_images_alone():
    few = task(training_examples=20)
    seen = few.batch("train", 0, 20, seed=0)
    images, classes = (part[:20] for part in few.load()[0])
    assert few.training_examples() == 20 and torch.equal(few.training_classes(), classes)
    assert sorted(seen.y[0].tolist()) == sorted(classes.tolist())
    assert sorted((seen.x[0] * 16).tolist()) == sorted(images.float().tolist())
    for split in SPLITS[1:]:
        assert torch.equal(few.batch(split, 0, B, 0).x, batch(split).x)


def test_rows_are_told_only_where_an_image_is_always_the_same():
    assert task(shown=2).training_rows(0, B, 0) is not None
    assert task(noise=0.1).training_rows(0, B, 0) is None
    assert task(occlusion=0.1).training_rows(0, B, 0) is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"shown": 9}, "'shown' must be at most T = 6, not 9"),
        ({"shown": 0}, "greater than or equal to 1"),
        ({"noise": -1.0}, "greater than or equal to 0"),
        ({"noise": float("inf")}, "finite"),
        ({"occlusion": 1.0}, "less than 1"),
        ({"occlusion": 0.95}, "'occlusion' of 0.95 hides the whole image"),
        ({"occlusion": 0.001}, "'occlusion' of 0.001 hides no whole pixel"),
        ({"occluder": "jumping"}, "'still' or 'moving'"),
        ({"occluder": "moving"}, "give 'occlusion' too"),
        ({"loss_steps": "first"}, "'last' or 'all'"),
        ({"validation_examples": 1415}, "'validation_examples' must be below 1415"),
        ({"training_examples": 1158}, "'training_examples' must be at most 1157"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(ValidationError, match=says):
        task(**options)


def test_trained_weights_are_scored_at_grey_periods_never_trained_on(bench):
    bench.write("benchmarks/grey.yaml", BENCHMARK)
    bench("run", "grey", "--stacked", "--seeds", 2, "-q")
    record = json.loads(next(bench.folder.glob("results/grey/*/run.json")).read_text())
    assert [*record["evaluations"]] == ["3", "9"]
    assert all(0 <= e["test"]["accuracy"] <= 1 for e in record["evaluations"].values())
    assert record["run"]["task"]["options"]["shown"] == 3


def test_a_length_that_is_shorter_than_the_image_is_shown_is_one_sentence(bench):
    bench.write("benchmarks/grey.yaml", BENCHMARK)
    said = bench("run", "grey", "--set", "evaluate.T=[2]", code=2).err
    assert said == "urnn-bench: error: --set evaluate.T=[2]: 'shown' must be at most T = 2, not 3\n"
    said = bench("run", "grey", "--set", "task.shown=9", code=2).err
    assert said.endswith("task: 'shown' must be at most T = 5, not 9\n") and said.count("\n") == 1
