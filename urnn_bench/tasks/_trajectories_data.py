"""The files of CharacterTrajectories: two containers of the same series, each in another order.

N series of L samples in three channels: velocity in x and in y, and the force of the pen's tip.
"""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from urnn_bench.data.store import DataSet
from urnn_bench.errors import DataError
from urnn_bench.tasks._labelled_series import Series as Series

NPZ, MAT = "CharacterTrajectories.npz", "mixoutALL_shifted.mat"
CHANNELS = 3

CHARACTER_TRAJECTORIES = DataSet(
    name="character_trajectories",
    about="Williams, Toussaint and Storkey (2006): pen trajectories of 20 letters by one writer",
    licence="CC BY 4.0 at UCI, according to an audit of its data sets",
    mirrors=(),
    files={
        NPZ: "67f73b1661b09bdd9c71d1b5a22fa1cf6f097a3d925cc928fcd79f25d05b5b4d",
        # as a public script has it
        MAT: "md5:433cac77ca9bbb0aaac28951e146f519",
    },
    any_file=True,
    origin=f"{MAT} is in data set 175 of archive.ics.uci.edu",
)


def parse(content: bytes, file: str) -> list[Series]:
    """Return the trajectories of a file, in an order that depends on what they are alone.

    The rows of zeros at both ends are no part of them. Raises DataError if a file has another form.
    """
    try:
        series = list(_PARSERS[file](content))
    except _WRONG_FORM as error:
        raise DataError(f"{file}: is not in the form of CharacterTrajectories: {error}") from error
    stripped = (Series(without_zeros(values), label) for values, label in series)
    return sorted(stripped, key=lambda one: (one.label, one.values.tobytes()))


def _of_npz(content: bytes) -> Iterable[Series]:
    """Return the series of ``X`` (N L, 3), which are end to end, by ``lengths`` and ``labels``."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        values, lengths, labels = (arrays[name] for name in ("X", "lengths", "labels"))
    parts = np.split(values, np.cumsum(lengths)[:-1])
    return _series(parts, labels.tolist())


def _of_mat(content: bytes) -> Iterable[Series]:
    """Return the series of the cell ``mixout``, each (3, L), by ``consts.charlabels`` from 1."""
    # takes half a second to import
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    file: Any = io.BytesIO(content)  # scipy's stubs know of paths alone
    try:
        arrays = loadmat(file, struct_as_record=False)
    except MatReadError as error:
        raise ValueError(str(error)) from error
    (consts,), cell = arrays["consts"].ravel(), arrays["mixout"].ravel()
    return _series([values.T for values in cell], (consts.charlabels.ravel() - 1).tolist())


def _series(parts: Sequence[NDArray[Any]], labels: Sequence[int]) -> Iterable[Series]:
    for values, label in zip(parts, labels, strict=True):
        if values.ndim != 2 or values.shape[1] != CHANNELS:
            raise ValueError(f"a series has the shape {values.shape}, not (L, {CHANNELS})")
        yield Series(np.ascontiguousarray(values, "<f8"), int(label))


_PARSERS: Mapping[str, Callable[[bytes], Iterable[Series]]] = {NPZ: _of_npz, MAT: _of_mat}
# of numpy and scipy for content that is something else
_WRONG_FORM = (AttributeError, BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError)


def without_zeros(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples (L, 3) between the first and the last that is not zero in all channels.

    Raises DataError if there is none.
    """
    moves = np.flatnonzero(values.any(axis=1))
    if not len(moves):
        raise DataError("a trajectory has no sample that is not zero")
    return values[moves[0] : moves[-1] + 1]
