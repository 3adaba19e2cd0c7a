"""Trials of searches that never were."""

from urnn_bench.records.trials import Trial, append, path_of

UPDATES = 300


def trial(number, sampler="tpe", seed=0, loss=0.5, **more):
    """Return a trial; it has failed if its loss is None."""
    state = "failed" if loss is None else "complete"
    known = {
        "sampler": sampler,
        "seed": seed,
        "trial": number,
        "model": "lstm",
        "label": f"lstm @ {number}",
        "T": 100,
        "seeds": (0,),
        "values": {"hidden": 8 + number, "optimizer.lr": 0.001 * 3**number},
        "state": state,
        "updates": UPDATES,
        "loss": loss,
    }
    return Trial.model_validate({**known, **more})


def record_trial(bench, number, sampler="tpe", seed=0, benchmark="made", **more):
    """Write a trial below the results; its loss is lower the later it is, if none is given."""
    loss = {"loss": 1 / (2 + number + seed)} | more
    append(path_of(bench.folder / "results", benchmark), trial(number, sampler, seed, **loss))
