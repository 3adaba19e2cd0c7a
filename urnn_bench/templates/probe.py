"""The largest unit at every step."""

from urnn_bench.probes.base import Probe


class CLASS(Probe):
    """max |h_t| over the units, mean over the batch."""

    def read(self, trace):
        """Return a curve (T) or a number () for each state (T, B, H), by its name."""
        return {name: h.abs().amax(dim=-1).mean(dim=-1) for name, h in trace.states.items()}
