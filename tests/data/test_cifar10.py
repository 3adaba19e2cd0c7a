"""CIFAR-10 of a user: its archive or its files, and what is wrong in one sentence."""

import tarfile

import numpy as np
import pytest
from contracts.data_for.shown_cifar10 import add, images, write

from urnn_bench.data import cifar10
from urnn_bench.errors import DataError

BYTES = 30_730_000
NAMES = (*cifar10.TRAINING, cifar10.TEST)


@pytest.fixture
def place(tmp_path):
    """The folder of CIFAR-10 in a data folder."""
    (tmp_path / "cifar10").mkdir()
    return tmp_path / "cifar10"


def fill(place, names=NAMES, size=BYTES):
    """Write files of zeros, which take no room on a disk."""
    place.mkdir(exist_ok=True)
    for name in names:
        with (place / name).open("wb") as file:
            file.truncate(size)


def refusal(place):
    with pytest.raises(DataError) as raised:
        cifar10.read([place.parent])
    return str(raised.value)


def test_the_archive_holds_classes_and_planes(tmp_path):
    write(tmp_path)
    training, test = cifar10.read([tmp_path / "empty", tmp_path])
    assert training.pixels.shape == (50_000, 3072) and test.pixels.shape == (10_000, 3072)
    expected = np.concatenate([images(number) for number in range(5)])
    assert np.array_equal(training.classes, expected[:, 0])
    assert np.array_equal(training.pixels, expected[:, 1:])
    # row 12,345 is 2,345 of the second file: red, green, blue
    assert training.pixels[12_345].reshape(3, -1)[:, 7].tolist() == [2345 % 251, 2345 // 251, 1]
    assert np.array_equal(test.pixels, images(5)[:, 1:])


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_the_files_may_lie_there_unpacked(place, below):
    fill(place / below)
    with (place / below / cifar10.TEST).open("r+b") as file:
        file.write(bytes([7, 1]))
    training, test = cifar10.read([place.parent])
    assert not training.pixels.any() and not training.classes.any()
    assert test.classes[0] == 7 and test.pixels[0, 0] == 1


def test_what_is_missing_is_said_with_where_it_comes_from(place):
    assert refusal(place) == (
        f"cifar10: cifar-10-binary.tar.gz is not in {place}; put it there, the binary version of "
        "https://www.cs.toronto.edu/~kriz/cifar.html, or say by --data-dir where it lies: it is "
        "yours to bring"
    )


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "data_batch_1"])
def test_a_pickle_is_never_read(place, name):
    (place / name).write_bytes(b"\x80\x04.")
    said = refusal(place)
    assert said.startswith(f"{place / name}: is of pickles, which are never read; take cifar-10-b")


def test_a_file_that_lacks_or_is_short_is_named(place):
    fill(place, NAMES[:-1])
    assert refusal(place) == f"{place / cifar10.TEST}: cannot be read: No such file or directory"
    fill(place, [cifar10.TEST], BYTES - 1)
    said = refusal(place)
    assert said.startswith(f"{place / cifar10.TEST}: has 30,729,999 bytes, not 30,730,000 as a")


def test_a_class_beyond_nine_is_named_with_its_image(place):
    fill(place)
    with (place / NAMES[2]).open("r+b") as file:
        file.seek(17 * 3073)
        file.write(bytes([10]))
    said = refusal(place)
    assert said.startswith(f"{place / NAMES[2]}: image 17 has the class 10, which is not in 0 to 9")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_archive_is_one_sentence(place, content):
    path = place / cifar10.ARCHIVE
    if content is None:
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            add(archive, NAMES[0], images(0).tobytes())
        content = path.read_bytes()[:-5000]
    path.write_bytes(content)
    assert refusal(place) == f"{path}: is no whole archive; put another copy there"


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        (NAMES[0], 3073, "data_batch_1.bin: has 3,073 bytes, not 30,730,000 as a"),
        ("other.bin", 10, ": lacks data_batch_1.bin; put another copy there"),
    ],
)
def test_an_archive_of_other_files_is_one_sentence(place, name, size, says):
    path = place / cifar10.ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        add(archive, name, bytes(size))
    said = refusal(place)
    assert said.startswith(str(path)) and says in said
