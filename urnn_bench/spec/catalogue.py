"""Where benchmark files are: the user's ``benchmarks/`` first, then those of the package."""

from pathlib import Path

from urnn_bench.errors import SpecError, UnknownNameError, UsageError, near_miss
from urnn_bench.spec.load import Document, read

_CLAIMS = "claims"
_PACKAGE = Path(__file__).resolve().parents[1]


def folders() -> tuple[Path, ...]:
    """Return the searched folders in order; a checkout uses the repository's benchmarks."""
    installed, checkout = _PACKAGE / "benchmarks", _PACKAGE.parent / "benchmarks"
    candidates = (Path("benchmarks").resolve(), installed, checkout)
    return tuple(dict.fromkeys(folder for folder in candidates if folder.is_dir()))


def names() -> dict[str, Path]:
    """Return every benchmark's name and file; a user's file hides the package's file."""
    return {name: p for name, p in _files("").items() if not name.startswith(f"{_CLAIMS}/")}


def claims() -> dict[str, Path]:
    """Return the name and file of every paper with claims."""
    return _files(_CLAIMS)


def _files(below: str) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for folder in (parent / below for parent in reversed(folders())):
        paths = sorted(folder.rglob("*.yaml"))
        files |= {p.relative_to(folder).with_suffix("").as_posix(): p for p in paths}
    return dict(sorted(files.items()))


def find(name: str) -> tuple[str, Document]:
    """Read the benchmark ``name``, or the YAML file at that path; return its name and content.

    Raises UnknownNameError with the near miss, SpecError if the file cannot be read, or UsageError
    if its records would be mixed with those of another benchmark.
    """
    known = names()
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        own_name = next((n for n, p in known.items() if p == path.resolve()), path.stem)
        if known.get(own_name, path.resolve()) != path.resolve():
            raise UsageError(
                f"{path}: {known[own_name]} is called '{own_name}' too; rename this file"
            )
        try:
            return own_name, read(path)
        except SpecError as error:
            beside = [] if path.exists() else map(str, path.parent.glob("*.y*ml"))
            raise SpecError(
                *error.sentences[:-1], f"{error.sentences[-1]}{near_miss(name, beside)}"
            ) from error
    if name not in known:
        raise UnknownNameError("benchmark", name, known)
    return name, read(known[name])
