"""Where benchmark files lie: the user's ``benchmarks/`` first, then those of the package."""

from pathlib import Path

from urnn_bench.errors import UnknownNameError, UsageError
from urnn_bench.spec.load import Document, read

_CLAIMS = "claims"
_PACKAGE = Path(__file__).resolve().parents[1]


def folders() -> tuple[Path, ...]:
    """Return the folders searched, in order; in a checkout the package's is the repository's."""
    installed, checkout = _PACKAGE / "benchmarks", _PACKAGE.parent / "benchmarks"
    own = Path("benchmarks").resolve()
    return tuple(dict.fromkeys(f for f in (own, installed, checkout) if f.is_dir()))


def names() -> dict[str, Path]:
    """Return every benchmark's name and file; a user's file hides the package's of that name."""
    return {name: p for name, p in _files("").items() if not name.startswith(f"{_CLAIMS}/")}


def claims() -> dict[str, Path]:
    """Return every paper whose claims are written down, and the file."""
    return _files(_CLAIMS)


def _files(below: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (each / below for each in reversed(folders())):
        paths = sorted(folder.rglob("*.yaml"))
        found |= {p.relative_to(folder).with_suffix("").as_posix(): p for p in paths}
    return dict(sorted(found.items()))


def find(name: str) -> tuple[str, Document]:
    """Read the benchmark called ``name``, or the YAML file at that path, called by its stem.

    Raises UnknownNameError with the near miss, SpecError if the file cannot be read, or UsageError
    if its records would be mixed with those of another benchmark.
    """
    known = names()
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        called = next((n for n, p in known.items() if p == path.resolve()), path.stem)
        if known.get(called, path.resolve()) != path.resolve():
            raise UsageError(f"{path}: {known[called]} is called '{called}' too; rename this file")
        return called, read(path)
    if name not in known:
        raise UnknownNameError("benchmark", name, known)
    return name, read(known[name])
