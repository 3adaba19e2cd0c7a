"""A made-up lake of four depths: a year of cosines from June 2008 to December 2013."""

from datetime import date, timedelta
from math import cos, exp, pi

FIRST, LAST = "2008-06-01", "2013-12-31"
DEPTHS_M = (0.0, 1.0, 2.5, 5.0)


def write(folder, name="mendota"):
    """Write the four files of a lake."""
    where = folder / "lake" / name
    where.mkdir(parents=True)
    for file, lines in files().items():
        (where / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


def files(first=FIRST, last=LAST):
    """Return the lines of every file, by its name among the defaults of the task."""
    start = date.fromisoformat(first)
    count = (date.fromisoformat(last) - start).days + 1
    days = [start + timedelta(days=n) for n in range(count)]
    return {
        "meteo.csv.gz": ["time,ShortWave,LongWave,AirTemp,RelHum,WindSpeed,Rain,Snow"]
        + [",".join(map(str, (day, *weather(day)))) for day in days],
        "glm_uncalibrated.csv.gz": ["time,temp_0,temp_1,temp_2.5,temp_5,ice"]
        + [",".join(map(str, (day, *temperatures(day), int(season(day) < -0.9)))) for day in days],
        "observed.csv.gz": ["time,depth,temp"]
        + [
            f"{day},{depth},{celsius + 0.5}"
            for day in days[::3]
            for depth, celsius in zip(DEPTHS_M, temperatures(day), strict=True)
        ],
        "bathymetry.csv": ["Depth,Area", "0,4e6", "2,3e6", "6,0"],
    }


def season(day):
    """Return 1 in the middle of July and -1 in the middle of January."""
    return -cos(2 * pi * (day.timetuple().tm_yday - 15) / 365)


def weather(day):
    """Return radiation, air, humidity, wind, rain and snow, which differ from day to day."""
    wave, n = season(day), day.toordinal()
    rain = 0.01 * (n % 4 == 0)
    return (
        round(180 + 120 * wave, 3),
        round(300 + 60 * wave, 3),
        round(9 + 14 * wave + n % 5, 3),
        60 + n % 31,
        1 + n % 7,
        rain * (wave > -0.5),
        rain * (wave <= -0.5),
    )


def temperatures(day):
    """Return the temperatures at all depths, warmer above in summer and 4 °C in winter."""
    return [round(4 + 20 * max(season(day), 0) * exp(-depth / 6), 3) for depth in DEPTHS_M]
