"""Shortest paths between codes, as long as what the decoder makes of them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["even_line", "geodesic", "path_energy"]

# Points of a line whose decoded length is measured, for each point that is asked for.
_SUBDIVISIONS = 16


def path_energy(points: Tensor) -> Tensor:
    r"""Energy, a scalar, of the path through ``points`` (n, D).

    .. math:: \sum_{i=1}^{n-1} \| x_{i+1} - x_i \|^2

    Of decoded codes, it is (up to the factor n - 1) the discretised energy of the path of codes
    under the metric :math:`J^T J` that the decoder's Jacobian J pulls back.

    References
    ----------
    Shao, Kumar & Fletcher, "The Riemannian geometry of deep generative models", CVPR workshops
    2018, arXiv:1711.08014.
    """
    return points.diff(dim=0).square().sum()


def geodesic(
    decode: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    n_points: int,
    *,
    max_iter: int = 200,
    tolerance: float = 1e-6,
) -> Tensor:
    """Path of codes (n_points, d) from ``start`` to ``end`` that minimises the energy of its decoded points.

    A local minimum, sought from the straight line by L-BFGS, or that line where nothing better is
    found. Its decoded points are evenly spaced, the more exactly the more points there are.

    Parameters
    ----------
    decode : callable
        Codes (m, d) to points (m, D), differentiable, each row alone (a network in evaluation mode).
        Its parameters receive no gradients, whether they require them or not.
    start, end : Tensor (d,)
        Codes, kept as they are.
    n_points : int
        At least 2, the two ends.
    max_iter : int
        Iterations of L-BFGS, at least 1.
    tolerance : float
        Stop where an iteration, or the gradient, is smaller, as a share of the straight line's energy.

    Raises
    ------
    ValueError
        If ``n_points`` is less than 2.

    References
    ----------
    Shao, Kumar & Fletcher, "The Riemannian geometry of deep generative models", CVPR workshops
    2018, arXiv:1711.08014.
    """
    _check_n_points(n_points)
    # What a caller's inference mode computes cannot be differentiated.
    with torch.inference_mode(False), torch.enable_grad():
        line = _straight_line(start.detach(), end.detach(), n_points)
        return line if n_points == 2 else _bend(decode, line, max_iter, tolerance)


def even_line(decode: Callable[[Tensor], Tensor], start: Tensor, end: Tensor, n_points: int) -> Tensor:
    """Codes (n_points, d) on the straight line from ``start`` to ``end``, evenly spaced once decoded.

    Parameters
    ----------
    decode, start, end, n_points
        As in :func:`geodesic`.
    """
    _check_n_points(n_points)
    with torch.no_grad():
        fine = _straight_line(start.detach(), end.detach(), (n_points - 1) * _SUBDIVISIONS + 1)
        lengths = decode(fine).diff(dim=0).norm(dim=1).cpu().double().numpy()
    travelled = np.concatenate([[0.0], np.cumsum(lengths)])
    if not 0 < travelled[-1] < math.inf:
        return _straight_line(start.detach(), end.detach(), n_points)
    times = np.interp(np.linspace(0, travelled[-1], n_points), travelled, np.linspace(0, 1, len(travelled)))
    line = torch.lerp(start.detach(), end.detach(), torch.from_numpy(times).to(start)[:, None])
    return torch.cat([start.detach()[None], line[1:-1], end.detach()[None]])


def _check_n_points(n_points: int) -> None:
    if n_points < 2:
        raise ValueError(f"n_points={n_points}; expected at least 2, for the two ends of the path.")


def _bend(decode: Callable[[Tensor], Tensor], line: Tensor, max_iter: int, tolerance: float) -> Tensor:
    """Path (n, d) of locally minimal energy near the straight ``line``, or the line where that has less."""
    line_energy = path_energy(decode(line)).item()
    if not 0 < line_energy < math.inf:
        return line
    unit = _bend_unit(len(line)).to(line) * (line[-1] - line[0]).norm()

    def path(bend: Tensor) -> Tensor:
        return torch.cat([line[:1], line[1:-1] + unit @ bend, line[-1:]])

    def relative_energy(bend: Tensor) -> Tensor:
        return path_energy(decode(path(bend))) / line_energy

    best = path(_minimise(relative_energy, torch.zeros_like(line[1:-1]), max_iter, tolerance))
    return best if path_energy(decode(best)).item() < line_energy else line


def _straight_line(start: Tensor, end: Tensor, n_points: int) -> Tensor:
    """Codes (n_points, d) evenly from ``start`` to ``end``, which are kept to the bit."""
    times = torch.linspace(0, 1, n_points, dtype=torch.float64).to(start)
    line = torch.lerp(start, end, times[:, None])
    return torch.cat([start[None], line[1:-1], end[None]])


def _bend_unit(n_points: int) -> Tensor:
    r"""Cholesky factor (n - 2, n - 2) of the covariance :math:`\min(s, t) - s t` of a Brownian bridge.

    With it as coordinates of the inner points, the energy's Hessian is the identity where the
    decoder is isometric, whatever the number of points: the iterations do not grow with it. (The
    covariance is the inverse of the Hessian of the path's own coordinates, up to a factor.)
    """
    times = torch.linspace(0, 1, n_points, dtype=torch.float64)[1:-1]
    return torch.linalg.cholesky(torch.minimum(times[:, None], times) - torch.outer(times, times))


def _minimise(function: Callable[[Tensor], Tensor], start: Tensor, max_iter: int, tolerance: float) -> Tensor:
    """Minimise a differentiable ``function`` of one tensor from ``start`` by L-BFGS with line search."""
    from scipy.optimize import minimize  # a twentieth of a second, for who asks for such a path

    def unflatten(flat: NDArray[np.float64]) -> Tensor:
        return torch.tensor(flat, dtype=start.dtype, device=start.device).view_as(start)

    def value_and_gradient(flat: NDArray[np.float64]) -> tuple[float, NDArray[Any]]:
        at = unflatten(flat).requires_grad_()
        value = function(at)
        (gradient,) = torch.autograd.grad(value, at)
        return value.item(), gradient.cpu().double().numpy().ravel()

    options = {"maxiter": max_iter, "ftol": tolerance, "gtol": tolerance}
    first = start.cpu().double().numpy().ravel()
    return unflatten(minimize(value_and_gradient, first, jac=True, method="L-BFGS-B", options=options).x)
