"""Pixel-by-pixel MNIST: a digit is read one pixel a step, and named after the last.

LeCun, Bottou, Bengio and Haffner (1998); as a sequence in Le, Jaitly and Hinton (2015),
arXiv:1504.00941, and Arjovsky, Shah and Bengio (2016), arXiv:1511.06464, section 5.3. The last
10,000 of the 60,000 training images are for validation, as in the authors' script. Their paper says
that rows are read from the bottom (``scan: bottom_up``), their script reads them from the top.
"""

from urnn_bench.data.store import DataSet
from urnn_bench.tasks._images import ImageOptions, Images, ImageTask, read_idx

MNIST = DataSet(
    name="mnist",
    about="LeCun, Cortes and Burges: the MNIST database of handwritten digits",
    licence="CC BY-SA 3.0 according to Keras' documentation; the original page states none",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files={
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
)


class MnistOptions(ImageOptions):
    """60,000 training images of 28 × 28 pixels."""

    shape = (28, 28)
    training_images = 60_000


class Mnist(ImageTask):
    """MNIST in the order of the rows, unless a permutation is set."""

    Options = MnistOptions
    data = MNIST

    def load(self) -> tuple[Images, Images]:
        """Return the 60,000 images of the training files and the 10,000 of the test files."""
        return read_idx(self.data)
