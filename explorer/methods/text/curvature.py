"""What the source caption leaves free: the posterior covariance of a picture, as products with vectors.

    x^(z, t) = E[x | z_t],   J = dx^/dz,   S v = mean_i t_i^2 / (1 - t_i) J_i v = mean_i Cov[x | z_i] v

by Tweedie's formula of second order: J is the Hessian of log p(z_t), shifted and scaled. For an ideal denoiser J is symmetric.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from explorer.core.text import Clean

__all__ = ["Covariance", "Damped", "Looks", "damped", "looks"]

SKEWED = 0.2  # relative; a network further from symmetric is made so
SHORT = 1e-2  # of a picture's length: the step of a difference


@dataclass(frozen=True, eq=False)
class Looks:
    """A picture seen through different noise: `z` `(S, C, H, W)` at times `t` `(S,)`."""

    z: Tensor
    t: Tensor


def looks(picture: Tensor, count: int, *, low: float = 0.3, high: float = 0.9, seed: int = 0) -> Looks:
    """`count` noisy versions of a picture `(1, C, H, W)`, their times spread evenly over [low, high] at random within their shares."""
    generator = torch.Generator().manual_seed(seed)
    t = low + (high - low) * (torch.arange(count) + torch.rand(count, generator=generator)) / count
    noise = torch.randn(count, *picture.shape[1:], generator=generator)
    t, noise = t.to(picture), noise.to(picture)
    weight = t.view(-1, *[1] * (picture.ndim - 1))
    return Looks((1 - weight) * picture + weight * noise, t)


@dataclass(frozen=True, eq=False)
class Damped:
    """The solution of a system; how much of it is left unsolved, |A d - g| / |g|; and the lowest eigenvalue, where it is negative, over the largest."""

    solution: Tensor
    unsolved: float
    negative: float


@dataclass(frozen=True, eq=False)
class Covariance:
    """S of a picture, seen through `looks`.

    `exact` products are by forward-mode derivatives, else by differences, for networks that have none.
    """

    clean: Clean
    looks: Looks
    exact: bool = True
    seed: int = 0

    def __call__(self, v: Tensor) -> Tensor:
        """S v `(C, H, W)`, symmetric even where the network is not."""
        product = self.product(v)
        return (product + self.transposed(v)) / 2 if self.exact and self.skew > SKEWED else product

    def product(self, v: Tensor) -> Tensor:
        """The mean of k J v, as the network has it."""
        z, t = self.looks.z, self.looks.t
        along = v.expand_as(z)
        if self.exact:
            with sdpa_kernel(SDPBackend.MATH):  # the others have no forward derivative
                moved = torch.func.jvp(lambda point: self.clean(point, t), (z,), (along,))[1]
        else:
            step = SHORT * z[0].norm() / v.norm().clamp_min(1e-12)
            moved = (self.clean(z + step * along, t) - self.clean(z - step * along, t)) / (2 * step)
        return (self._weights * moved).mean(dim=0)

    def transposed(self, v: Tensor) -> Tensor:
        """The mean of k J^T v."""
        z, t = self.looks.z, self.looks.t
        with torch.enable_grad():
            point = z.detach().requires_grad_()
            (found,) = torch.autograd.grad(self.clean(point, t), point, (self._weights * v).expand_as(z).contiguous())
        return found.mean(dim=0)

    @property
    def _weights(self) -> Tensor:
        return (self.looks.t.square() / (1 - self.looks.t)).view(-1, *[1] * (self.looks.z.ndim - 1))

    def probe(self, index: int) -> Tensor:
        """A random vector of +-1, shaped like a picture."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        shape = self.looks.z.shape[1:]
        return (torch.randint(2, shape, generator=generator) * 2 - 1).to(self.looks.z)

    @cached_property
    def skew(self) -> float:
        """How far the network is from symmetric: |S v - S^T v| / |S v| for a random v."""
        v = self.probe(0)
        product = self.product(v)
        return float((product - self.transposed(v)).norm() / product.norm().clamp_min(1e-12))

    @cached_property
    def mean_variance(self) -> float:
        """tr(S) / D, from two random vectors."""
        probes = [self.probe(index) for index in (1, 2)]
        return float(torch.stack([(v * self.product(v)).mean() for v in probes]).mean())


def damped(product: Callable[[Tensor], Tensor], g: Tensor, weight: float, *, steps: int = 8) -> Damped:
    """(I + weight S)^-1 g for a symmetric S, by conjugate gradients in the form of Lanczos.

    In the span of g, S g, S^2 g, … the system is a small tridiagonal one, solved by its eigenvalues. Where S is positive this is the method of
    conjugate gradients, step for step. The S of a trained network may not be: there is no negative variance, so those eigenvalues count as 0.

    References: Hestenes & Stiefel 1952; Golub & Van Loan, Matrix Computations, chapter 10.
    """
    length = float(g.norm())
    basis, diagonal, beside = [g / max(length, 1e-30)], [], []
    for _ in range(steps):
        moved = product(basis[-1])
        diagonal.append(float((moved * basis[-1]).sum()))
        for _twice in range(2):  # in exact arithmetic only the last two would count
            for other in basis:
                moved = moved - (moved * other).sum() * other
        beside.append(float(moved.norm()))
        if beside[-1] <= 1e-8 * max(map(abs, diagonal)):
            break
        basis.append(moved / beside[-1])
    inner = torch.tensor(beside[: len(diagonal) - 1], dtype=torch.float64)
    small = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(inner, 1) + torch.diag(inner, -1)
    values, vectors = torch.linalg.eigh(small)
    share = vectors @ (vectors[0] / (1 + weight * values.clamp_min(0)))
    d = length * torch.stack([float(part) * way for part, way in zip(share, basis)]).sum(dim=0)
    return Damped(d, weight * beside[-1] * abs(float(share[-1])), max(0.0, -float(values[0])) / max(float(values.abs().max()), 1e-30))
