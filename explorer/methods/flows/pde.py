"""The partial differential equations that a potential u(z, t) may be held to, as residuals at points.

    wave             u_tt - c^2 Laplace(u)
    hamilton-jacobi  u_t + |grad u|^2 / 2
    heat             u_t - D Laplace(u)

z are codes `(B, D)`, t times `(B,)`, one for each code, so that no derivative mixes the samples of a batch. The Laplacian is
the trace of the Hessian: exact up to 32 dimensions, above that an unbiased estimate by Rademacher probes. (The code published
with the paper differentiates the sum of the gradient instead, which is not a Laplacian: it depends on the basis.)

References: Song et al., Latent Traversals in Generative Models as Potential Flows (2023, arXiv 2304.12944).
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

__all__ = ["KINDS", "Kind", "gradient", "laplacian", "residual"]

Kind = Literal["wave", "hamilton-jacobi", "heat", "none"]
KINDS: tuple[Kind, ...] = ("wave", "hamilton-jacobi", "heat", "none")
Potential = Callable[[Tensor, Tensor], Tensor]

EXACT = 32
PROBES = 4


def gradient(u: Potential, z: Tensor, t: Tensor) -> Tensor:
    """grad_z u `(B, D)`, differentiable again."""
    with torch.enable_grad():
        z = z if z.requires_grad else z.detach().requires_grad_()
        return torch.autograd.grad(u(z, t).sum(), z, create_graph=True)[0]


def residual(kind: Kind, u: Potential, z: Tensor, t: Tensor, *, speed: float = 1.0, seed: int = 0) -> Tensor:
    """How far `u` is from solving the equation at each point, `(B,)`; `speed` is c of the wave and D of the heat equation."""
    if kind == "none":
        return torch.zeros(len(z))
    z, t = z.detach().requires_grad_(), t.detach().to(z).requires_grad_()
    value = u(z, t)
    slope, u_t = torch.autograd.grad(value.sum(), (z, t), create_graph=True)
    if kind == "hamilton-jacobi":
        return u_t + slope.square().sum(dim=1) / 2
    if kind == "heat":
        return u_t - speed * _trace(slope, z, seed)
    u_tt = torch.autograd.grad(u_t.sum(), t, create_graph=True)[0]
    return u_tt - speed**2 * _trace(slope, z, seed)


def laplacian(u: Potential, z: Tensor, t: Tensor, *, seed: int = 0) -> Tensor:
    """The Laplacian in z at each point, `(B,)`."""
    z = z.detach().requires_grad_()
    return _trace(torch.autograd.grad(u(z, t).sum(), z, create_graph=True)[0], z, seed)


def _trace(slope: Tensor, z: Tensor, seed: int) -> Tensor:
    """The trace of the derivative of `slope` `(B, D)` by z."""
    size = z.shape[1]
    if size <= EXACT:
        probes = torch.eye(size, dtype=z.dtype)
    else:
        probes = torch.randint(0, 2, (PROBES, size), generator=torch.Generator().manual_seed(seed)).to(z) * 2 - 1
    bent = torch.autograd.grad(
        slope, z, grad_outputs=probes[:, None].expand(-1, len(z), -1), create_graph=True, is_grads_batched=True, materialize_grads=True
    )[0]
    total = (bent * probes[:, None]).sum(dim=(0, 2))
    return total if size <= EXACT else total / PROBES
