"""Made-up CIFAR-10: the archive of its binary version, whose images say where they are from."""

import io
import tarfile

import numpy as np

from urnn_bench.data import cifar10


def write(folder):
    (folder / cifar10.NAME).mkdir()
    path = folder / cifar10.NAME / cifar10.ARCHIVE
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number, name in enumerate((*cifar10.TRAINING, cifar10.TEST)):
            add(archive, name, images(number).tobytes())


def add(archive, name, content):
    member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def images(number):
    """Return the images of a file (N, 3073): class, then planes of one value each."""
    row = np.arange(cifar10.IMAGES)
    rows = np.zeros((cifar10.IMAGES, 3073), dtype=np.uint8)
    rows[:, 0] = (row + number) % 10
    # of red, green and blue
    for plane, value in enumerate((row % 251, row // 251, np.full_like(row, number))):
        rows[:, 1 + 1024 * plane : 1025 + 1024 * plane] = value[:, None]
    return rows
