"""Records that another host is writing are read once more."""

import errno
import threading

import pytest

from urnn_bench import files
from urnn_bench.errors import DamagedRecordError
from urnn_bench.records import record as records
from urnn_bench.records.record import NAME, Record


@pytest.fixture
def folder(bench):
    return bench.record("lstm")


def test_a_record_that_is_not_there_whole_yet_is_read_again(folder, monkeypatch):
    monkeypatch.setattr(records, "_WRITING_S", 2.0)
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole[: len(whole) // 2])
    writer = threading.Timer(0.2, (folder / NAME).write_bytes, [whole])
    writer.start()
    assert Record.read(folder).run.label == "lstm"
    writer.join()


def test_one_that_stays_damaged_is_refused(folder):
    (folder / NAME).write_bytes((folder / NAME).read_bytes()[:-20])
    with pytest.raises(DamagedRecordError):
        Record.read(folder)


def test_a_file_that_was_replaced_on_the_server_is_opened_again(folder, monkeypatch):
    read, stale = files._read_bytes, [OSError(errno.ESTALE, "Stale file handle")]

    # no file system here can do this; NFS does
    def read_or_stale(path, limit_mb):
        if stale:
            raise stale.pop()
        return read(path, limit_mb)

    monkeypatch.setattr(files, "_read_bytes", read_or_stale)
    assert Record.read(folder).run.label == "lstm" and not stale
