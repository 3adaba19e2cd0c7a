"""Arrays of a user's npz file: what is read, and the sentence about what is not."""

import pickle
import warnings
from zipfile import ZipFile

import numpy as np
import pytest

from urnn_bench.data import npz
from urnn_bench.errors import DataError

GOOD = {"x": np.arange(24.0).reshape(4, 3, 2), "n": np.array([1, 3])}


def wrong(call, says):
    with warnings.catch_warnings():
        # numpy may leave a file open
        warnings.simplefilter("error")
        with pytest.raises(DataError) as raised:
            call()
    text = str(raised.value)
    assert says in text and "\n" not in text
    return text


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "some.npz", **{**GOOD, **arrays})
        return npz.read(tmp_path / "some.npz", ("x", "n"))

    return save


@pytest.mark.parametrize("dtype", ["f4", "f2", ">f8", "i1", "u8"])
def test_numbers_of_any_type_are_read_as_they_are(saved, dtype):
    found = saved(x=GOOD["x"].astype(dtype)).numbers("x", ["frames", 3, (2, 3)])
    assert found.dtype == np.float64 and np.array_equal(found, GOOD["x"])
    assert saved().integers("n", [2], 1, 3).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones((4, 3, 5)), "'x' has the shape (4, 3, 5), not (frames, 3, 2 or 3)"),
        (np.ones((4, 2, 3)), "'x' has the shape (4, 2, 3), not"),
        (np.ones((4, 3)), "'x' has the shape (4, 3), not"),
        (np.ones((0, 3, 2)), "'x' is empty"),
        (np.full((1, 3, 2), "a"), "'x' has the type <U1; save it as numbers"),
        (np.ones((1, 3, 2), complex), "'x' has the type complex128"),
        (np.array([[[1, 2], [3, np.nan], [5, 6]]]), "'x' is not finite at [0, 1, 1]"),
        (np.full((1, 3, 2), -np.inf), "'x' is not finite at [0, 0, 0]"),
        (np.full((1, 3, 2), 30.0), "'x' has the value 30.0, which is not in 0 to 23"),
    ],
)
def test_numbers_that_are_not_right_are_named(saved, array, says):
    arrays = saved(x=array)
    text = wrong(lambda: arrays.numbers("x", ["frames", 3, (2, 3)], 0, 23), says)
    assert text.startswith(f"{arrays.path}: the array 'x' ")


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ([1.0, 2.0], "'n' has the type float64; save it as integers"),
        ([True, False], "'n' has the type bool"),
        ([1, 4], "'n' has the value 4, which is not in 1 to 3"),
        ([0, 1], "'n' has the value 0, which"),
        (np.array([1, 2**64 - 1], "u8"), "'n' has the value 18446744073709551615, which"),
    ],
)
def test_integers_that_are_not_right_are_named(saved, array, says):
    arrays = saved(n=array)
    wrong(lambda: arrays.integers("n", [2], 1, 3), says)


class Traitor:
    """Ends the tests if anybody unpickles it."""

    def __reduce__(self):
        return (SystemExit, ("unpickled",))


def test_a_pickle_is_never_opened(saved, tmp_path):
    says = "the array 'x' cannot be read: Object arrays cannot be loaded"
    wrong(lambda: saved(x=np.array([Traitor()], dtype=object)), says)
    path = tmp_path / "pickle.npz"
    path.write_bytes(pickle.dumps(Traitor()))
    wrong(lambda: npz.read(path, ("x",)), f"{path}: is no npz file")


def test_what_is_no_npz_file_is_named(tmp_path):
    path = tmp_path / "some.npz"
    for content in (b"", b"no archive", b"PK\x03\x04 no archive"):
        path.write_bytes(content)
        wrong(lambda: npz.read(path, ("x",)), f"{path}: is no npz file: ")
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    wrong(lambda: npz.read(path, ("x",)), "is no npz file but one array; save it by numpy.savez")
    with ZipFile(path, "w") as archive:
        archive.writestr("x", "no array")
    wrong(lambda: npz.read(path, ("x",)), "the array 'x' is no array of numpy")
    wrong(lambda: npz.read(path, ("x", "y")), "the array 'x' is no array")
    wrong(lambda: npz.read(tmp_path / "none.npz", ("x",)), "No such file")


def test_nobody_is_told_to_open_a_pickle(tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("no archive")
    with pytest.raises(DataError) as error:
        npz.read(path, ("x",))
    assert str(error.value).endswith("is no npz file: its content is not what numpy.savez writes")


def test_an_array_that_is_missing_or_damaged_is_named(saved):
    path = saved().path
    wrong(lambda: npz.read(path, ("x", "y")), f"{path}: has no array 'y'; it needs x, y")
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 200] ^= 255
    path.write_bytes(content)
    wrong(lambda: npz.read(path, ("x", "n")), "the array 'x' cannot be read: Bad CRC-32")


def test_files_are_those_of_the_first_folder_that_has_any(tmp_path):
    folders = [tmp_path / name for name in ("none", "empty", "one", "two")]
    for folder in folders[1:]:
        folder.mkdir()
    (folders[1] / "s03.npz").mkdir()
    for folder, name in ((folders[2], "s02.npz"), (folders[2], "s01.npz"), (folders[3], "s04.npz")):
        (folder / name).touch()
    assert [path.name for path in npz.first_files(folders, "s*.npz")] == ["s01.npz", "s02.npz"]
    assert npz.first_files(folders[:2], "s*.npz") == []
