"""Many seeds are drawn as one artist, which looks like a line for each."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Drawing

from urnn_bench.figures._panels import draw_seeds
from urnn_bench.figures._style import style


def curves():
    values = np.exp(np.random.default_rng(0).normal(size=(30, 25)).cumsum(axis=0))
    values[20:, 3] = np.nan
    values[5, 4] = np.inf
    return pd.DataFrame(values, index=np.arange(0, 300, 10))


def picture(draw, scale):
    drawing = Drawing(figsize=(3, 3))
    ax = drawing.subplots()
    draw(ax)
    ax.plot([0, 290], [1, 2], label="median")
    ax.set_yscale(scale)
    file = io.BytesIO()
    drawing.savefig(file, format="png")
    return file.getvalue()


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("dashes", ["-", "--"])
def test_the_picture_is_the_same_to_the_byte(scale, dashes):
    frame, look = curves(), {"color": "#0072B2", "lw": 0.6, "alpha": 0.4}
    with style():
        one = picture(lambda ax: draw_seeds(ax, frame, "#0072B2", dashes), scale)
        many = picture(lambda ax: ax.plot(frame.index, frame.to_numpy(), ls=dashes, **look), scale)
    assert one == many
