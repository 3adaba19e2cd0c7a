"""YAML as people mean it, and a sentence with a line where it is not."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from urnn_bench.errors import SpecError
from urnn_bench.spec.load import parse_value, read

MARKED = '''\
"""An RNN of mine."""

from urnn_bench.cells.rnn import Rnn


class Marked(Rnn):
    pass
'''


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("-.5", -0.5),
        ("3.", 3.0),
        ("7", 7),
        ("-7", -7),
        ("012", 12),
        ("10:30", "10:30"),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2024-01-01", "2024-01-01"),
        ("[1, 2e-1]", [1, 0.2]),
        ("{a: 1}", {"a": 1}),
        ("'1e-3'", "1e-3"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("e5", "e5"),
        (".", "."),
    ],
)
def test_scalars_of_the_core_schema(text, value):
    parsed = parse_value(text)
    assert parsed == value and type(parsed) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_is_read_back(value):
    assert parse_value(repr(value)) == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet="abnoyes1.e-:", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
    )
)
def test_what_json_writes_is_read_back(value):
    assert parse_value(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nfit:\n\tsteps: 3\n", "line 3: there is a tab; YAML is indented with spaces"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' is given twice"),
        ("a: {x: 1, x: 2}\n", "line 1: the key 'x' is given twice"),
        ("- a\n- b\n", "a benchmark is a mapping of keys, not a list"),
        ("", "a benchmark is a mapping of keys, not nothing"),
        ("just text", "a benchmark is a mapping of keys, not a single value"),
        ("a: [1, 2\nb: 3\n", "line 2: "),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1: could not determine a constructor"),
        ("a: *nowhere\n", "line 1: found undefined alias"),
        ("a: &x {b: *x}\n", "recursion"),
        ("a: " + "9" * 5000 + "\n", "Exceeds the limit"),
        ("[1, 2]: 3\n", "line 1: a key must be a name or a number"),
    ],
)
def test_bad_files_get_a_sentence_with_file_and_line(tmp_path, text, sentence):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}") and sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_not_text(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "binary.yaml")


def test_lines_are_known_for_nested_keys(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("title: x\nfit:\n  steps: 3\n  clip:\n    value: 1.0\n")
    document = read(path)
    assert document.where(("fit", "clip", "value")) == f"{path}, line 5: fit.clip.value: "
    assert document.where(("fit", "clip", "norm")) == f"{path}, line 4: fit.clip.norm: "
    assert document.where(("models",)) == f"{path}: models: "


def test_anchors_and_merge_keys_work(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("base: &b {x: 1, y: 2}\nfit:\n  <<: *b\n  y: 3\n")
    assert read(path).mapping["fit"] == {"x": 1, "y": 3}
    assert yaml.SafeLoader.yaml_implicit_resolvers, "PyYAML's own loader is left as it was"


def test_a_byte_order_mark_is_part_of_neither_a_benchmark_nor_an_included_file(bench):
    benchmark = bench.folder / "benchmarks/tiny.yaml"
    cell = bench.write("marked.py", MARKED)
    for path in (benchmark, cell):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", "\r\n").encode())
    listed = json.loads(bench("list", "models", "--include", cell, "--json").out)
    assert listed["models"]["marked"] == "An RNN of mine."
    said = bench("run", "tiny", "--model", "marked", "--include", cell, "--updates", 1).err
    assert "marked T=4 seed 0: done" in said


def containers(value):
    """Yield every mapping and list within a value, as often as it occurs."""
    if isinstance(value, dict | list):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)


SHARED = {
    "a mapping": "{a: &x {b: 1}, c: *x}",
    "a list": "{a: &x [1, 2], c: *x}",
    "what is merged": "{a: &x {b: {c: 1}, d: [1]}, e: {<<: *x, f: 2}, g: {<<: *x}}",
    "what several merges have": "{a: &x {b: {c: 1}}, d: &y {<<: *x}, e: {<<: [*x, *y]}}",
    "an alias within an alias": "{a: &x {b: &y {c: 1}}, d: *x, e: *y, f: [*x, *y]}",
    "a list of lists": "{a: &x [&y [1]], b: [*x, *y, *x]}",
}


@pytest.mark.parametrize("text", SHARED.values(), ids=SHARED)
def test_nothing_is_shared_by_two_places(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    for value in (read(path).mapping, parse_value(text)):
        found = list(containers(value))
        assert len({id(container) for container in found}) == len(found)
        assert value == yaml.safe_load(text)
