"""One table for another program, of which every column has a type of its own."""

from collections.abc import Sequence

import pandas as pd

# whole numbers of which some may be missing, which would make them fractions
_WHOLE = ("parameters", "recurrent_weights", "recurrent_bytes", "solved_step", "best_step")
# that may be missing in every row
_TEXT = ("timed_on",)
_TIME = ("started",)
_FIRST = ("benchmark", "run", "model", "T", "seed")


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames as one: numbers, texts and times (UTC), and no column of Python objects."""
    frame = pd.concat(frames, ignore_index=True)
    frame = frame[[*_FIRST, *(name for name in frame if name not in _FIRST)]]
    types = dict.fromkeys(_WHOLE, "Int64") | dict.fromkeys(_TEXT, "string")
    frame = frame.astype({name: kind for name, kind in types.items() if name in frame})
    for name in _TIME:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601", errors="coerce")
    # of numbers that no row has
    objects: pd.DataFrame = frame.select_dtypes("object", exclude="string")
    empty = objects.columns[objects.isna().all()]
    return frame.astype(dict.fromkeys(empty, "float64"))
