"""What is wrong with the files of a lake: one sentence with file and row, and exit code 2."""

import gzip

import pytest
from contracts.data_for import lake

DRIVERS, MODEL, OBSERVED, AREAS = lake.files()

BENCHMARK = """\
title: A lake
task: {name: lake, train_until: 2012-06-10, validation_until: 2012-06-20}
T: 4
models: {rnn: {hidden: 2}}
fit: {steps: 2, batch: 2}
"""
LONG = ["time,depth,temp,ice"] + [
    f"2012-06-{day:02},{depth},{4 + day / 100},0" for depth in (0, 1.5) for day in range(1, 31)
]


@pytest.fixture
def brought(bench):
    """Return the command line with June 2012 of a lake of four depths; row 2 is its first."""
    bench.write("benchmarks/lake.yaml", BENCHMARK)
    bench.files = lake.files("2012-06-01", "2012-06-30")
    return bench


def run(bench, *settings, code=2):
    """Run the benchmark on the files; return what is said of them."""
    where = bench.folder / "data/lake/mendota"
    where.mkdir(parents=True, exist_ok=True)
    for name, lines in bench.files.items():
        if lines is not None:
            text = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
            (where / name).write_bytes(text)
    options = [part for setting in settings for part in ("--set", setting)]
    said = bench("run", "lake", *options, "--data-dir", "data", "-q", code=code).err
    assert code == 0 or (said.count("\n") == 1 and "Traceback" not in said)
    return said


def edited(lines, row, old, new):
    """Return lines with a change of one, counted as an editor does."""
    assert old in lines[row - 1]
    return [*lines[: row - 1], lines[row - 1].replace(old, new, 1), *lines[row:]]


def with_column(lines, name, value):
    """Return lines in which all numbers of a column are one."""
    place = lines[0].split(",").index(name)
    cells = [line.split(",") for line in lines[1:]]
    return [lines[0], *(",".join([*c[:place], value, *c[place + 1 :]]) for c in cells)]


def without_column(lines, name):
    place = lines[0].split(",").index(name)
    cells = [line.split(",") for line in lines]
    return [",".join([*c[:place], *c[place + 1 :]]) for c in cells]


def test_the_files_are_right(brought):
    run(brought, code=0)
    assert len(brought.runs("lake")) == 1


DAYS = [
    (lambda x: [*x[:4], *x[5:]], "row 5: the day 2012-06-04 is missing before 2012-06-05; give"),
    (lambda x: [*x[:5], x[4], *x[5:]], "row 6: its day 2012-06-04 does not come after 2012-06-04"),
    (lambda x: [x[0], *x[:0:-1]], "row 3: its day 2012-06-29 does not come after 2012-06-30 above"),
    (lambda x: edited(x, 7, "2012-06-06", "6.1.2012"), "row 7: 'time' is '6.1.2012', which is no"),
    (lambda x: edited(x, 1, "time", "day"), "has no column 'time' or 'DateTime'; its columns are"),
    (lambda _: [], "is empty"),
    (lambda x: x[:1], "has no row below its header"),
    (lambda x: gzip.compress("\n".join(x).encode())[:-20], "cannot be read: Compressed file ended"),
    (lambda x: edited(x, 3, "2012", "\N{SOFT HYPHEN}")[0].encode() + b"\xff\n", "is not UTF-8"),
]


@pytest.mark.parametrize("file", [DRIVERS, MODEL])
@pytest.mark.parametrize(("change", "says"), DAYS)
def test_wrong_days_are_named(brought, file, change, says):
    brought.files[file] = change(brought.files[file])
    said = run(brought)
    assert f"mendota/{file}: " in said and says in said


KELVIN = "which is not in -5 to 45 °C; give °C, it looks like kelvin or Fahrenheit"
COLUMNS = [
    (DRIVERS, "ShortWave", "21000", "is 21000, which is not in 0 to 500 W/m²; give the mean of"),
    (DRIVERS, "LongWave", "3", "is 3, which is not in 50 to 600 W/m²; give the mean of the"),
    (DRIVERS, "AirTemp", "281.5", "is 281.5, which is not in -60 to 60 °C; give °C, it looks like"),
    (DRIVERS, "RelHum", "101", "is 101, which is not in 0 to 100 per cent"),
    (DRIVERS, "WindSpeed", "-1", "is -1, which is not in 0 to 60 m/s"),
    (DRIVERS, "Rain", "3.5", "is 3.5, which is not in 0 to 2 m a day; it looks like mm"),
    (DRIVERS, "Snow", "12", "is 12, which is not in 0 to 2 m a day; it looks like mm"),
    (MODEL, "temp_2.5", "277", f"is 277, {KELVIN}"),
    (MODEL, "ice", "0.5", "is 0.5; ice is 0 or 1"),
    (MODEL, "ice", "2", "is 2, which is not in 0 to 1; ice is 0 or 1"),
    (OBSERVED, "temp", "68", f"is 68, {KELVIN}"),
    (OBSERVED, "temp", "", "is empty"),
    (OBSERVED, "depth", "-1", "is -1, which is not in 0 to 2000 m"),
    (OBSERVED, "depth", "20", "is 20 m, and the hypsography ends at 6 m"),
    (MODEL, "temp_0", "n/a", "is 'n/a', which is no number"),
    (DRIVERS, "AirTemp", "inf", "is 'inf', which is not finite"),
]


@pytest.mark.parametrize(("file", "name", "value", "says"), COLUMNS)
def test_a_wrong_number_is_named(brought, file, name, value, says):
    brought.files[file] = with_column(brought.files[file], name, value)
    assert f"mendota/{file}: row 2: '{name}' {says}" in run(brought)


def test_humidity_as_a_fraction_is_recognised(brought):
    brought.files[DRIVERS] = with_column(brought.files[DRIVERS], "RelHum", "0.7")
    said = run(brought)
    assert f"{DRIVERS}: the mean of 'RelHum' is 0.7; give per cent, it looks like a frac" in said


@pytest.mark.parametrize(
    ("file", "name", "says"),
    [
        (DRIVERS, "AirTemp", "has no column 'AirTemp'; its columns are time, ShortWave, LongWave"),
        (OBSERVED, "temp", "has no column 'temp' or 'temp_observed' or 'Observed_temp'; its"),
        (OBSERVED, "depth", "has no column 'depth' or 'Depth'; its columns are time, temp"),
    ],
)
def test_a_missing_column_is_named(brought, file, name, says):
    brought.files[file] = without_column(brought.files[file], name)
    assert f"mendota/{file}: {says}" in run(brought)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("time,a,b,c,d,ice", "has no column 'temp' or 'temp_0'; its columns are time, a, b, c, d"),
        ("time,temp_0,b,c,d,ice", "has one depth; give the temperatures of two at least"),
        ("time,temp_0,temp_1,temp_1.0,temp_5,ice", "row 1: two columns are of 1 m"),
        ("time,temp_0,temp_1,temp_x,temp_5,ice", "row 1: 'temp_x' does not end with a depth of"),
        ("time,temp_0,temp_1,temp_-2,temp_5,ice", "row 1: 'temp_-2' does not end with a depth"),
        ("time,temp_0,temp_1,temp_2.5,temp_6.5,ice", "the depth of 6.5 m is below the hypsography"),
    ],
)
def test_wrong_depths_of_columns_are_named(brought, header, says):
    brought.files[MODEL] = [header, *brought.files[MODEL][1:]]
    assert f"mendota/{MODEL}: {says}" in run(brought)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda x: [*x[:9], x[4], *x[9:]], "row 10: the temperature of 2012-06-04 at 0 m is there"),
        (
            lambda x: [*x[:9], *x[10:]],
            "the temperature of 2012-06-09 at 0 m is missing; give every",
        ),
        (lambda x: x[:-1], "the temperature of 2012-06-30 at 1.5 m is missing; give every depth"),
        (lambda x: edited(x, 9, ",0,", ",2,"), "the temperature of 2012-06-01 at 2 m is missing"),
        (lambda x: [line for line in x if "-05," not in line], "row 6: the day 2012-06-05 is miss"),
        (lambda x: edited(x, 40, ",0", ",1"), "row 40: 'ice' is not that of another depth of this"),
    ],
)
def test_a_long_simulation_that_is_no_grid_is_named(brought, change, says):
    brought.files[MODEL] = change(LONG)
    assert f"mendota/{MODEL}: {says}" in run(brought)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["d,a", "0,9", "2,5", "2,4"], "row 4: 'd' is not larger than in the row above"),
        (["d,a", "0,9", "2,5", "7,6"], "row 4: 'a' is larger than in the row above"),
        (["d,a", "1,9", "7,5"], "row 2: 'd' is not 0, or 'a' is; begin at the surface"),
        (["d,a", "0,0", "7,0"], "row 2: 'd' is not 0, or 'a' is; begin at the surface"),
        (["d,a", "0,9", "7,-5"], "row 3: 'a' is -5, which is not in 0 to 1e+12 m²"),
        (["d", "0", "7"], "needs two columns, depth and area; its columns are d"),
    ],
)
def test_a_wrong_hypsography_is_named(brought, lines, says):
    brought.files[AREAS] = lines
    assert f"mendota/{AREAS}: {says}" in run(brought)


def test_files_of_different_days_are_named(brought):
    brought.files[DRIVERS] = lake.files("2013-03-01", "2013-03-30")[DRIVERS]
    said = run(brought)
    assert f"{DRIVERS} has the days 2013-03-01 to 2013-03-30, " in said
    assert f"{MODEL} 2012-06-01 to 2012-06-30: none is in both" in said


def test_observations_of_other_days_are_named(brought):
    brought.files[OBSERVED] = lake.files("2013-03-01", "2013-03-30")[OBSERVED]
    says = "no observation is of the days 2012-06-01 to 2012-06-30 and of depths to 5 m, those of"
    assert f"mendota/{OBSERVED}: {says}" in run(brought)


@pytest.mark.parametrize(
    ("split", "first", "last"), [("train", 1, 10), ("validation", 11, 20), ("test", 21, 30)]
)
def test_a_split_without_observations_is_named(brought, split, first, last):
    days = [f"2012-06-{day:02}" for day in range(first, last + 1)]
    lines = brought.files[OBSERVED]
    brought.files[OBSERVED] = [line for line in lines if line[:10] not in days]
    said = run(brought)
    assert f"lake: {OBSERVED} of 'mendota' has no observation for {split}, {days[0]} to " in said
    assert f"to {days[-1]}; choose other dates by task.train_until" in said
    run(brought, "task.targets=process_model", code=0)


@pytest.mark.parametrize("file", [DRIVERS, MODEL, OBSERVED, AREAS])
def test_a_missing_file_is_named_with_its_folder(brought, file):
    brought.files[file] = None
    said = run(brought)
    assert f"lake: {file} is not in " in said and "data/lake/mendota; " in said
    assert "docs/data.md" in said and "--data-dir" in said


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("task.train_until=2011-12-31", "train_until=2011-12-31 leaves no day before or after it"),
        ("task.validation_until=2012-06-30", "validation_until=2012-06-30 leaves no day before or"),
        ("task.train_until=2012-06-20", "train_until=2012-06-20 does not come before validation_"),
        ("task.train_until=10.1.2012", "'10.1.2012' is no date such as 2011-12-31"),
        ("task.train_until=2012", "train_until"),
        ("T=[11]", "a window has 11 days, and there are 10 to train on; take a shorter T"),
        ("task.lake=tahoe", "lake: meteo.csv.gz is not in "),
    ],
)
def test_options_that_do_not_fit_the_files_are_named(brought, setting, says):
    assert says in run(brought, setting)


def test_prepare_says_whose_the_files_are(bench):
    assert "lake: nothing to fetch: its data are" in (said := bench("prepare", "lake").err)
    assert "yours to bring" in said
