"""The parts of a convolutional recurrent network: maps of images, and edges between layers.

Nayebi et al. (2018), arXiv:1807.00053. B batch, C channels, D channels of the input, R rows, S
columns, K rows and columns of a filter, L layers, counted from 1.
"""

from math import isqrt
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from urnn_bench.errors import ComponentError


@runtime_checkable
class HasImages(Protocol):
    """Inputs that are images."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns."""


class ImageShape(NamedTuple):
    """Channels, rows and columns of a map."""

    channels: int
    rows: int
    columns: int

    @property
    def places(self) -> int:
        """How many places a map has."""
        return self.rows * self.columns


def image_of(inputs: int) -> ImageShape:
    """Return the square image of one channel that a number of inputs is.

    Raises ComponentError if it is none.
    """
    side = isqrt(inputs)
    if side * side != inputs:
        raise ComponentError(
            f"convrnn reads images, and {inputs} inputs are no square of one channel; "
            "take a task with images, such as shown_digits"
        )
    return ImageShape(1, side, side)


def map_shapes(image: ImageShape, channels: int, depth: int, pools: int) -> list[ImageShape]:
    """Return the shape of the map of every layer; the lower ``pools`` are halved for the next one.

    Raises ComponentError if a map that is to be halved has an odd side.
    """
    shapes = [ImageShape(channels, image.rows, image.columns)]
    for layer in range(1, depth):
        _, rows, columns = shapes[-1]
        halved = layer <= pools
        if halved and (rows % 2 or columns % 2):
            raise ComponentError(
                f"a map of {rows} x {columns} cannot be halved above layer {layer}; an image of "
                f"{image.rows} x {image.columns} allows pools: {layer - 1}"
            )
        shapes.append(ImageShape(channels, rows // 2, columns // 2) if halved else shapes[-1])
    return shapes


def read_by_next(h: Tensor, shape: ImageShape) -> Tensor:
    """Return the output of a layer as the next one, whose map has that shape, reads it."""
    return h if h.shape[-2] == shape.rows else functional.max_pool2d(h, 2)


def resized(h: Tensor, shape: ImageShape) -> Tensor:
    """Return an output with the rows and columns of a shape, interpolated bilinearly."""
    size = shape.rows, shape.columns
    return h if h.shape[-2:] == size else functional.interpolate(h, size=size, mode="bilinear")


def he_filters(shape: ImageShape, inputs: int, kernel_size: int) -> nn.Parameter:
    """Return filters (C, D, K, K) as He et al. (2015), arXiv:1502.01852, equation 10, draw them."""
    filters = torch.empty(shape.channels, inputs, kernel_size, kernel_size)
    return nn.Parameter(nn.init.kaiming_normal_(filters))


def is_constant(x: Tensor) -> bool:
    """Return whether all steps of x (T, B, F) are one tensor that is expanded, not copied."""
    return x.shape[0] > 1 and x.stride(0) == 0
