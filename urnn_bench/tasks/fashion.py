"""Pixel-by-pixel Fashion-MNIST: a garment is read one pixel a step, and named after the last.

Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747: as many images as MNIST, of the same size, and
harder.
"""

from urnn_bench.data.store import DataSet
from urnn_bench.tasks._images import Images, ImageTask, read_idx
from urnn_bench.tasks.mnist import MnistOptions

FASHION = DataSet(
    name="fashion",
    about="Xiao, Rasul and Vollgraf: Fashion-MNIST",
    licence="MIT",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    files={
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
)


class Fashion(ImageTask):
    """Fashion-MNIST in the order of the rows, unless a permutation is set."""

    Options = MnistOptions
    data = FASHION

    def load(self) -> tuple[Images, Images]:
        """Return the 60,000 images of the training files and the 10,000 of the test files."""
        return read_idx(self.data)
