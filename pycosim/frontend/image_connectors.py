"""sPyNNaker's connectors between populations that are images.

Neuron i is the pixel in row ``i // width`` and column ``i % width``.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.connectors import Connector
from pyNN.random import RandomDistribution
from pyNN.space import Grid2D

from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.frontend.requests import Request
from pycosim.frontend.spynnaker_connectors import Int, PairConnector, Pairs, plain_arguments
from pycosim.frontend.synapses import StaticSynapse
from pycosim.random import evaluate_distribution, stream_of


class KernelConnector(PairConnector):
    """Connects each target with the sources under a kernel that is centred on it.

    Parameters
    ----------
    shape_pre, shape_post, shape_kernel : (rows, columns)
    weight_kernel, delay_kernel : number, matrix or RandomDistribution, optional
        Of the kernel's shape; by default weight and delay are those of the synapse type.
    pre_sample_steps_in_post, post_sample_steps_in_pre : (rows, columns), optional
        Only every so manieth source is used; how far apart the centres of neighbouring targets are.
    pre_start_coords_in_post, post_start_coords_in_pre : (rows, columns), optional
        First source that is used; centre of the first target.
    shape_common : (rows, columns), optional
        Without effect, as in sPyNNaker.
    """

    parameter_names = ("shape_pre", "shape_post", "shape_kernel", "weight_kernel", "delay_kernel")

    def __init__(
        self,
        shape_pre: Sequence[int],
        shape_post: Sequence[int],
        shape_kernel: Sequence[int],
        weight_kernel: Any = None,
        delay_kernel: Any = None,
        shape_common: Any = None,
        pre_sample_steps_in_post: Sequence[int] | None = None,
        pre_start_coords_in_post: Sequence[int] | None = None,
        post_sample_steps_in_pre: Sequence[int] | None = None,
        post_start_coords_in_pre: Sequence[int] | None = None,
        **named: Any,
    ):
        super().__init__(**plain_arguments(named))
        self.shape_pre, self.shape_post, self.shape_kernel = shape_pre, shape_post, shape_kernel
        self.weight_kernel, self.delay_kernel = weight_kernel, delay_kernel
        self.pre_step, self.pre_start = pre_sample_steps_in_post or (1, 1), pre_start_coords_in_post or (0, 0)
        self.post_step = post_sample_steps_in_pre or (1, 1)
        self.post_start = post_start_coords_in_pre or (0, 0)

    def pairs(self, request: Request) -> Pairs:
        """Return the sources under the kernel of each target."""
        for side, shape in zip((0, 1), (self.shape_pre, self.shape_post)):
            if np.prod(shape) != request.shape[side]:
                raise ConnectivityError(
                    request.problem(f"an image of {tuple(shape)} is not one of {request.shape[side]} cells.")
                )
        rows, columns = (self._along(axis) for axis in (0, 1))
        # Every combination of a pair of rows with a pair of columns is a synapse.
        row, column = (index.ravel() for index in np.indices((len(rows[0]), len(columns[0]))))
        sources = rows[0][row] * self.shape_pre[1] + columns[0][column]
        targets = rows[1][row] * self.shape_post[1] + columns[1][column]
        kernels = {"weight": self.weight_kernel, "delay": self.delay_kernel}
        values = {
            name: _matrix(kernel, self.shape_kernel, request, name)[rows[2][row], columns[2][column]]
            for name, kernel in kernels.items()
            if kernel is not None
        }
        return sources, targets, values

    def _along(self, axis: int) -> tuple[Int, Int, Int]:
        """Return source, target and place in the kernel of each connected pair of rows (or columns)."""
        size = self.shape_kernel[axis]
        target, place = (index.ravel() for index in np.indices((self.shape_post[axis], size)))
        centre = self.post_start[axis] + target * self.post_step[axis]
        centre = (centre - self.pre_start[axis] - 1) // self.pre_step[axis] + 1
        source = centre + place - size // 2
        used = (source >= 0) & (source < self.shape_pre[axis])
        used &= (source - self.pre_start[axis]) % self.pre_step[axis] == 0
        return source[used], target[used], place[used]


class _Signed(PairConnector):
    """Connects with weights of both signs: positive ones to one receptor, negative ones to another."""

    def __init__(self, positive_receptor_type: str, negative_receptor_type: str, **named: Any):
        super().__init__(**plain_arguments(named))
        self.positive_receptor_type, self.negative_receptor_type = (
            positive_receptor_type,
            negative_receptor_type,
        )
        self._sign = 1

    def companions(self) -> list[tuple[Connector, str]]:
        """Return what connects the synapses of the other sign, with their receptor."""
        if self._sign < 0:
            return []
        other = copy(self)
        other._sign = -1
        return [(other, self.negative_receptor_type)]

    def _of_sign(self, request: Request, sources: Int, targets: Int, weights: Any) -> Pairs:
        wanted = weights * self._sign > 0
        values = np.asarray(weights, np.float64)[wanted]
        if request.projection.post.conductance_based:
            values = np.abs(values)
        return sources[wanted], targets[wanted], {"weight": values}


class ConvolutionConnector(_Signed):
    """Connects two images as a convolutional layer of a network does (a correlation, as is usual there).

    The weight from row r to row R is that of row ``r + padding - R * stride`` of the kernel. With pooling, r
    is the row of the pool, and weights are divided by the pool's area.

    Parameters
    ----------
    kernel_weights : number, list, matrix or RandomDistribution
    kernel_shape : int or (rows, columns), optional
        Needed where the weights do not say it.
    strides, pool_shape, pool_stride : int or (rows, columns), optional
    padding : bool, int or (rows, columns), optional
        True is half the kernel.
    positive_receptor_type, negative_receptor_type : str
        Receptors of positive and of negative weights.
    """

    parameter_names = ("kernel_weights", "strides", "padding", "pool_shape", "pool_stride")

    def __init__(
        self,
        kernel_weights: Any,
        kernel_shape: Any = None,
        strides: Any = None,
        padding: Any = None,
        pool_shape: Any = None,
        pool_stride: Any = None,
        positive_receptor_type: str = "excitatory",
        negative_receptor_type: str = "inhibitory",
        **named: Any,
    ):
        super().__init__(positive_receptor_type, negative_receptor_type, **named)
        given = np.shape(kernel_weights)
        self.kernel_shape = given if len(given) == 2 else _pair(kernel_shape, None, "kernel_shape")
        self.kernel_weights = kernel_weights
        if self.kernel_shape is None:
            raise InvalidInputError(
                "ConvolutionConnector(): kernel_shape is missing, and the weights are no matrix."
            )
        half = tuple(size // 2 for size in self.kernel_shape)
        self.padding = half if padding is True else _pair(padding or 0, (0, 0), "padding")
        self.strides = _pair(strides, (1, 1), "strides")
        self.pool_shape = _pair(pool_shape, (1, 1), "pool_shape")
        self.pool_stride = _pair(pool_stride, self.pool_shape, "pool_stride")

    def get_post_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the target image, for that of the source image, both (rows, columns)."""
        pooled = pooled_shape(shape, self.pool_shape, self.pool_stride)
        return tuple(
            max(1, (size - kernel + 2 * padding) // stride + 1)
            for size, kernel, padding, stride in zip(pooled, self.kernel_shape, self.padding, self.strides)
        )

    def pairs(self, request: Request) -> Pairs:
        """Return the synapses of one sign."""
        pre, post = (
            image_shape(request, cells) for cells in (request.projection.pre, request.projection.post)
        )
        if self.get_post_shape(pre) != post:
            raise ConnectivityError(
                request.problem(
                    f"from an image of {pre} rows and columns it leads to one of "
                    f"{self.get_post_shape(pre)}; the target has {post}."
                )
            )
        rows, columns = (self._along(axis, pre[axis], post[axis]) for axis in (0, 1))
        row, column = (index.ravel() for index in np.indices((len(rows[0]), len(columns[0]))))
        kernel = _matrix(self.kernel_weights, self.kernel_shape, request, "kernel") / np.prod(self.pool_shape)
        return self._of_sign(
            request,
            rows[0][row] * pre[1] + columns[0][column],
            rows[1][row] * post[1] + columns[1][column],
            kernel[rows[2][row], columns[2][column]],
        )

    def _along(self, axis: int, n_pre: int, n_post: int) -> tuple[Int, Int, Int]:
        """Return source, target and place in the kernel of each connected pair of rows (or columns)."""
        source, target = (index.ravel() for index in np.indices((n_pre, n_post)))
        pool = source // self.pool_stride[axis]
        place = pool + self.padding[axis] - target * self.strides[axis]
        used = (place >= 0) & (place < self.kernel_shape[axis])
        used &= pool < pooled_shape([n_pre], [self.pool_shape[axis]], [self.pool_stride[axis]])[0]
        return source[used], target[used], place[used]


class PoolDenseConnector(_Signed):
    """Connects every source with every target, after pooling of the source image.

    Parameters
    ----------
    weights : number, array or RandomDistribution
        An array has the shape (pools, targets), pools row by row; each is divided by the pool's area.
    pool_shape, pool_stride : int or (rows, columns), optional
    positive_receptor_type, negative_receptor_type : str
        Receptors of positive and of negative weights.
    """

    parameter_names = ("weights", "pool_shape", "pool_stride")

    def __init__(
        self,
        weights: Any,
        pool_shape: Any = None,
        pool_stride: Any = None,
        positive_receptor_type: str = "excitatory",
        negative_receptor_type: str = "inhibitory",
        **named: Any,
    ):
        super().__init__(positive_receptor_type, negative_receptor_type, **named)
        self.weights = weights
        self.pool_shape = _pair(pool_shape, (1, 1), "pool_shape")
        self.pool_stride = _pair(pool_stride, self.pool_shape, "pool_stride")

    def pairs(self, request: Request) -> Pairs:
        """Return the synapses of one sign."""
        n_pre, n_post = request.shape
        sources, pools, n_pools = np.arange(n_pre), np.arange(n_pre), n_pre
        if self.pool_shape != (1, 1):
            pre = image_shape(request, request.projection.pre)
            pooled = pooled_shape(pre, self.pool_shape, self.pool_stride)
            place = [index // stride for index, stride in zip(np.divmod(sources, pre[1]), self.pool_stride)]
            inside = (place[0] < pooled[0]) & (place[1] < pooled[1])
            sources, pools = sources[inside], (place[0] * pooled[1] + place[1])[inside]
            n_pools = pooled[0] * pooled[1]
        weights = _matrix(self.weights, (n_pools, n_post), request, "weights") / np.prod(self.pool_shape)
        return self._of_sign(
            request,
            np.repeat(sources, n_post),
            np.tile(np.arange(n_post), len(sources)),
            weights[pools].ravel(),
        )


def pooled_shape(shape: Sequence[int], pool: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of an image of pools."""
    return tuple((n - (size - 1) - 1) // step + 1 for n, size, step in zip(shape, pool, stride))


def image_shape(request: Request, cells: Any) -> tuple[int, int]:
    """Return rows and columns of a population with a Grid2D structure.

    Raises
    ------
    ConnectivityError
        If it has another structure.
    """
    structure = getattr(getattr(cells, "grandparent", cells), "structure", None)
    if not isinstance(structure, Grid2D):
        raise ConnectivityError(
            request.problem(
                f"population {cells.label!r} is no image: give it structure=Grid2D(width / height)."
            )
        )
    width, height = structure.calculate_size(cells.size)
    return int(height), int(width)


class Convolution(StaticSynapse):
    """Synapse type for connectors that give the weights themselves."""

    def __init__(self, delay: float | None = None):
        super().__init__(delay=delay)


class PoolDense(Convolution):
    """Synapse type for PoolDenseConnector."""


def _pair(value: Any, default: tuple[int, int] | None, name: str) -> tuple[int, int] | None:
    if value is None:
        return default
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(pair) != 2 or any(int(item) != item or item < 0 for item in pair):
        raise InvalidInputError(
            f"{name}={value!r}: give a whole number, or one for rows and one for columns."
        )
    return int(pair[0]), int(pair[1])


def _matrix(values: Any, shape: Sequence[int], request: Request, name: str) -> NDArray[np.float64]:
    """Return a kernel that was given as number, list, matrix or distribution."""
    shape = tuple(int(size) for size in shape)
    if isinstance(values, RandomDistribution):
        stream = stream_of(request.stream, name)
        return evaluate_distribution(values, shape[0] * shape[1], request.seed, stream).reshape(shape)
    matrix = np.asarray(values, np.float64)
    if matrix.ndim == 0:
        return np.full(shape, float(matrix))
    if matrix.size != shape[0] * shape[1] or (matrix.ndim == 2 and matrix.shape != shape):
        raise InvalidInputError(
            request.problem(f"{name} has the shape {matrix.shape}; the shape {shape} is needed.")
        )
    return matrix.reshape(shape)


IMAGE_CONNECTORS: dict[str, type[Connector]] = {
    kind.__name__: kind for kind in (ConvolutionConnector, KernelConnector, PoolDenseConnector)
}
IMAGE_SYNAPSES: dict[str, type] = {"Convolution": Convolution, "PoolDense": PoolDense}
