"""Made-up spoken digits: ten digits, fifteen recordings of each."""

from itertools import product

from data_for import _wave


def write(folder):
    for seed, (digit, index) in enumerate(product(range(10), range(15))):
        _wave.write(folder / "fsdd" / f"{digit}_theo_{index}.wav", seed)
