"""Entropic optimal transport between two sets of codes."""

import torch
from torch import Tensor

from .distances import squared_distances

__all__ = ["barycentric_projection", "sinkhorn_potentials"]

# Of these the first is calculated on logarithms. After it each of the others changes potentials by log(n m) at most, as
# Sinkhorn's iterations contract.
_ITERATIONS_A_KERNEL = 5
# Exponentials of less would be denormal numbers, with which processors are ten times slower.
_LEAST_EXPONENT = -80.0


def sinkhorn_potentials(queries: Tensor, keys: Tensor, *, regularisation: float, n_iterations: int) -> Tensor:
    r"""Dual potentials v of the keys under entropic optimal transport with uniform weights.

    Solves :math:`\min_P \langle P, C \rangle - \epsilon H(P)` over couplings of the queries and
    the keys, :math:`C_{ik} = \|q_i - k_k\|^2`, by Sinkhorn's iterations on the dual potentials,

    .. math::
        u_i = -\epsilon \log \frac{1}{m} \sum_k e^{(v_k - C_{ik}) / \epsilon},\quad
        v_k = -\epsilon \log \frac{1}{n} \sum_i e^{(u_i - C_{ik}) / \epsilon}.

    A query then takes the key of least :math:`C_{ik} - v_k`, which uses every key about equally.

    Parameters
    ----------
    queries : Tensor (n, d)
    keys : Tensor (m, d)
    regularisation : float
        :math:`\epsilon` as a share of the median cost, greater than 0.
    n_iterations : int
        Sinkhorn iterations.

    Returns
    -------
    potentials : Tensor (m,)
        v, with mean 0.

    References
    ----------
    Cuturi, "Sinkhorn distances", NeurIPS 2013, arXiv:1306.0895; Peyre & Cuturi, "Computational
    optimal transport", 2019, section 4.4 (log domain), arXiv:1803.00567; Schmitzer, "Stabilized sparse scaling
    algorithms for entropy regularized transport problems", SIAM J. Scientific Computing 2019, arXiv:1610.06519.
    """
    scaled_cost, epsilon = _scaled_cost(queries, keys, regularisation)
    v = _scaled_potentials(scaled_cost, n_iterations)
    return epsilon * (v - v.mean())


def barycentric_projection(queries: Tensor, keys: Tensor, *, regularisation: float, n_iterations: int) -> Tensor:
    r"""Where entropic optimal transport takes each query: the mean of the keys, weighted by the plan.

    .. math:: \hat y_i = \sum_k P_{ik} k_k / \sum_k P_{ik}

    for the plan P of :func:`sinkhorn_potentials`, whose parameters these are.

    Returns
    -------
    projections : Tensor (n, d)

    References
    ----------
    Ferradans et al., "Regularized discrete optimal transport", SIAM J. Imaging Sciences 2014,
    arXiv:1307.5551.
    """
    scaled_cost, _ = _scaled_cost(queries, keys, regularisation)
    potentials = _scaled_potentials(scaled_cost, n_iterations)
    return torch.softmax(potentials - scaled_cost, dim=1) @ keys


def _scaled_cost(queries: Tensor, keys: Tensor, regularisation: float) -> tuple[Tensor, Tensor]:
    """Costs over epsilon, and epsilon."""
    cost = squared_distances(queries, keys)
    epsilon = (regularisation * cost.median()).clamp_min(1e-12)
    return cost / epsilon, epsilon


def _scaled_potentials(scaled_cost: Tensor, n_iterations: int) -> Tensor:
    """Potentials over epsilon, by Sinkhorn's iterations: every fifth on logarithms, the others on what they scale.

    Between two that are calculated on logarithms, potentials change by so little that their exponentials are numbers.
    """
    log_n, log_m = (torch.log(torch.tensor(float(size), dtype=torch.float32)) for size in scaled_cost.shape)
    v = scaled_cost.new_zeros(scaled_cost.shape[1])
    for done in range(0, n_iterations, _ITERATIONS_A_KERNEL):
        u = log_m - _logsumexp(v - scaled_cost, dim=1)
        v = log_n - _logsumexp(u[:, None] - scaled_cost, dim=0)
        v = v + _log_scaling(u, v, scaled_cost, min(_ITERATIONS_A_KERNEL, n_iterations - done) - 1)
    return v


def _log_scaling(u: Tensor, v: Tensor, scaled_cost: Tensor, n_iterations: int) -> Tensor:
    r"""By how much some iterations change the potentials v, from their present values and the kernel.

    .. math::
        K_{ik} = e^{u_i + v_k - C_{ik} / \epsilon},\quad a = m / (K b),\quad b = n / (K^T a)
    """
    b = torch.ones_like(v)
    if n_iterations > 0:
        kernel = (v - scaled_cost).add_(u[:, None]).clamp_min_(_LEAST_EXPONENT).exp_()
        for _ in range(n_iterations):
            b = len(u) / (kernel.T @ (len(v) / (kernel @ b)))
    return b.log()


def _logsumexp(values: Tensor, dim: int) -> Tensor:
    """log sum exp along an axis, in the memory of ``values``; terms below e^-80 of the greatest count as that."""
    greatest = values.amax(dim, keepdim=True)
    return values.sub_(greatest).clamp_min_(_LEAST_EXPONENT).exp_().sum(dim).log_() + greatest.squeeze(dim)
