"""Whole garments of Fashion-MNIST, shown for some steps and then replaced by grey.

Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747. The last 10,000 of the 60,000 training images are
for validation.
"""

from urnn_bench.tasks._images import Images, read_idx
from urnn_bench.tasks._shown_images import ShownImageTask
from urnn_bench.tasks.fashion import FASHION
from urnn_bench.tasks.shown_mnist import ShownMnistOptions


class ShownFashion(ShownImageTask):
    """Fashion-MNIST, classified at every step."""

    Options = ShownMnistOptions
    data = FASHION

    def load(self) -> tuple[Images, Images]:
        """Return the 60,000 images of the training files and the 10,000 of the test files."""
        return read_idx(self.data)
