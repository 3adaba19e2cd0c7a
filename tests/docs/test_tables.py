"""Pages are what the generator makes of the committed records, and point to what is there."""

import re
import subprocess
from functools import cache

import pytest
from docs_pages import FENCE, ROOT, each_page, named, pages, quoted

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
MOST_LINES = 110


@pytest.fixture(scope="module", autouse=True)
def _records():
    if not (ROOT / "results" / "paper").is_dir():
        pytest.skip("a checkout without results")


@pytest.fixture(scope="module")
def generate():
    import generate

    return generate


@each_page
def test_a_page_is_what_the_generator_makes(page, generate):
    text = page.read_text()
    assert generate.rewritten(text) == text, f"{named(page)}: run `make docs-tables`"


def test_every_mark_is_closed_and_begins_no_line_of_a_sentence(generate):
    """A comment that begins a line ends the paragraph before it."""
    for page in pages():
        text = page.read_text()
        found = list(generate.BLOCK.finditer(text))
        assert len(found) == text.count("<!-- generated:") == text.count("<!-- end -->"), page
        within = [block for block in found if "\n" not in block["old"]]
        wrong = [block["what"] for block in within if text[: block.start()].endswith("\n")]
        assert not wrong, page


def test_a_changed_number_is_noticed(generate):
    text = (ROOT / "docs/papers/urnn-2016.md").read_text()
    other = text.replace("| reproduced |", "| **not reproduced** |", 1)
    assert text != other and generate.rewritten(other) == text


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES


@each_page
def test_every_link_and_picture_is_there(page):
    text = FENCE.sub("", page.read_text())
    targets = [found["target"] for found in LINK.finditer(text)]
    near = [target for target in targets if "://" not in target]
    wrong = [target for target in near if not there(page, target)]
    assert not wrong


def there(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_file() or not (anchor and file.suffix == ".md"):
        return file.is_file()
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert listed == {p.relative_to(ROOT / "docs").as_posix() for p in pages()[1:]}


@cache
def application():
    import typer

    from urnn_bench.cli.app import app

    return typer.main.get_command(app)


def benchmarks():
    from blocks.program import output_of

    return output_of("list")["benchmarks"]


@each_page
def test_every_quoted_command_is_one(page):
    for words in quoted(page.read_text()):
        assert fault(words) is None, f"urnn-bench {' '.join(words)}: {fault(words)}"


def fault(words):
    """What is wrong with a command; metavariables such as NAME and N may stand for values."""
    name, *rest = words
    known = application().loaded()
    if name not in known:
        # of the program itself, or of any command
        return None if name in ("--help", "--install-completion", "COMMAND") else "no such command"
    context = application().make_context("urnn-bench", [], resilient_parsing=True)
    options = {o for p in known[name].get_params(context) for o in (*p.opts, *p.secondary_opts)}
    if unknown := [word for word in rest if word.startswith("-") and word not in options]:
        return f"no option {unknown[0]}"
    if name == "run" and not (rest[0].endswith(".yaml") or rest[0].isupper() or "..." in rest[0]):
        return None if rest[0] in benchmarks() else f"no benchmark {rest[0]}"
    return None


def test_a_wrong_command_is_noticed():
    assert fault(["walk"]) and fault(["run", "copy", "--leap"]) and fault(["run", "kopy"])


def test_every_make_target_quoted_is_there():
    made = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in pages():
        text = page.read_text()
        lines = re.findall(r"^make (.*?)(?: +#.*)?$", text, re.MULTILINE)
        asked = " ".join([*lines, *re.findall(r"`make ([^`]+)`", text)]).split()
        assert set(asked) <= made, page


def test_no_page_speaks_of_the_machine_it_was_written_on():
    for page in pages():
        found = re.findall(r"/(?:work|tmp|root|home)/\S*", page.read_text())
        assert not found, page


def test_no_built_page_is_committed():
    asked = ["git", "-C", str(ROOT), "ls-files", "site"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert not done.stdout


def test_times_of_several_devices_make_no_sentence(tmp_path):
    from blocks.records import Run, of, timed

    from urnn_bench.records.record import Record

    one, two = of("readme", "copy", "urnn", 100)[:2]
    assert timed([one, two]) == [one, two]
    record = Record.read(two.folder)
    session = record.sessions[-1].model_copy(update={"device_name": "another CPU"})
    folder = tmp_path / two.folder.name
    folder.mkdir()
    record.model_copy(update={"sessions": (session,)}).write(folder)
    with pytest.raises(LookupError, match="times of several devices are not compared"):
        timed([one, Run(folder, two.record)])
    # a sentence is about the device of most runs
    assert timed([one, two, Run(folder, two.record)]) == [one, two]
