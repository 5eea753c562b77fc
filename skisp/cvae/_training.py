"""The training loop of a C-VAE: batches, learning rates, and what an epoch returns."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from .._progress import report
from ._networks import CVAENetwork
from ._objectives import elbo_terms

__all__ = ["batches", "one_cycle", "train"]

_WARM_UP_SHARE = 0.3


def one_cycle(progress: float, peak: float) -> float:
    """Learning rate after a share ``progress`` in [0, 1] of all steps: up to ``peak``, down to 0.

    Cosine from peak / 25 to the peak over the first 30 per cent, cosine to about 0 over the rest.

    References
    ----------
    Smith & Topin, "Super-convergence", 2017, arXiv:1708.07120.
    """
    if progress < _WARM_UP_SHARE:
        start, end, share = peak / 25, peak, progress / _WARM_UP_SHARE
    else:
        start, end, share = peak, peak / 25e4, (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def batches(n_samples: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Index batches of one shuffled epoch; a last batch of a single row joins the one before."""
    order = torch.randperm(n_samples, generator=generator)
    starts = list(range(0, n_samples, batch_size))
    if len(starts) > 1 and n_samples - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], n_samples], strict=True):
        yield order[start:end]


def train(
    network: CVAENetwork,
    X: Tensor,
    *,
    max_iter: int,
    batch_size: int,
    learning_rate: float,
    kl_weight: float,
    weight_decay: float,
    generator: torch.Generator,
    verbose: int = 0,
) -> list[float]:
    """Train ``network`` on rows ``X`` (n, D) by gradient ascent on the evidence lower bound.

    Parameters
    ----------
    network : CVAENetwork
        Trained in place.
    X : Tensor (n, D)
        On the network's device.
    max_iter : int
        Epochs.
    batch_size : int
        Rows a step.
    learning_rate : float
        Peak of the one-cycle schedule of Adam.
    kl_weight : float
        Weight of the KL term; 0 trains a plain autoencoder (the code is the posterior mean).
    weight_decay : float
        Decoupled weight decay (AdamW) an update, relative to the learning rate.
    generator : torch.Generator
        Source of the batches and the noise, on the CPU.
    verbose : int
        Greater than 0: print one line an epoch.

    Returns
    -------
    loss_curve : list of float
        Mean negative bound (nats a row) of each epoch.

    Raises
    ------
    ArithmeticError
        If the loss turns non-finite.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    loss_curve: list[float] = []
    network.train()
    for epoch in range(max_iter):
        total = torch.zeros((), device=X.device)
        index_batches = list(batches(len(X), batch_size, generator))
        for i, indices in enumerate(index_batches):
            rate = one_cycle((epoch + i / len(index_batches)) / max_iter, learning_rate)
            total += len(indices) * _step(network, X[indices.to(X.device)], optimizer, rate, kl_weight, generator)
        loss_curve.append(_finite(float(total) / len(X), epoch))
        report("fit C-VAE", epoch + 1, max_iter, f"loss {loss_curve[-1]:.4g}")
        if verbose:
            print(f"epoch {epoch + 1}/{max_iter}: loss {loss_curve[-1]:.6g}")
    network.eval()
    _check_last_step(network, X[:batch_size], max_iter - 1)
    return loss_curve


def _step(
    network: CVAENetwork,
    x: Tensor,
    optimizer: torch.optim.Optimizer,
    learning_rate: float,
    kl_weight: float,
    generator: torch.Generator,
) -> Tensor:
    """Take one gradient step on a batch and return its mean loss, without waiting for it."""
    optimizer.param_groups[0]["lr"] = learning_rate
    loss = _loss(network, x, kl_weight, generator)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach()


def _loss(network: CVAENetwork, x: Tensor, kl_weight: float, generator: torch.Generator) -> Tensor:
    """Mean negative evidence lower bound, the KL term times ``kl_weight``."""
    n_components = network.posterior.out_features // 2
    if kl_weight == 0:
        noise = torch.zeros(len(x), n_components)
    else:
        noise = torch.randn(len(x), n_components, generator=generator)
    log_likelihood, kl = elbo_terms(network, x, noise.to(x.device))
    return (kl_weight * kl.sum(-1) - log_likelihood).mean()


@torch.no_grad()
def _check_last_step(network: CVAENetwork, x: Tensor, epoch: int) -> None:
    """Raise where the last step, which no loss of the loop sees, has spoilt the weights."""
    log_likelihood, kl = elbo_terms(network, x, x.new_zeros(len(x), network.posterior.out_features // 2))
    _finite(float((kl.sum(-1) - log_likelihood).mean()), epoch)


def _finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise ArithmeticError(
            f"The training loss turned {loss} in epoch {epoch + 1}. Lower learning_rate, or look for "
            "extreme values in X."
        )
    return loss
