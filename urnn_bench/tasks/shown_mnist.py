"""Whole MNIST digits, shown for some steps and then replaced by grey.

LeCun, Bottou, Bengio and Haffner (1998). The last 10,000 of the 60,000 training images are for
validation.
"""

from urnn_bench.tasks._images import Images, read_idx
from urnn_bench.tasks._shown_images import ShownImageOptions, ShownImageTask
from urnn_bench.tasks.mnist import MNIST, MnistOptions


class ShownMnistOptions(ShownImageOptions):
    """60,000 training images of 28 × 28 pixels."""

    shape = (1, *MnistOptions.shape)
    training_images = MnistOptions.training_images


class ShownMnist(ShownImageTask):
    """MNIST, classified at every step."""

    Options = ShownMnistOptions
    data = MNIST

    def load(self) -> tuple[Images, Images]:
        """Return the 60,000 images of the training files and the 10,000 of the test files."""
        return read_idx(self.data)
