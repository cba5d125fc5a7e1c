"""Trains a VAE by one of two objectives.

    beta-VAE     error / scale  +  KL(q(z|x) || p(z))                                  (Higgins et al. 2017)
    beta-TCVAE   error / scale  +  I(x; z)  +  beta TC(z)  +  sum_j KL(q(z_j) || p(z_j))
                                                                                        (Chen et al. 2018, arXiv 1802.04942)

A beta-VAE with Gaussian noise of variance v and weight b is the first with scale 2 v b: the two differ by a factor in front of
everything, so `scale` is the one knob, and it has a meaning: how much error is worth a nat. `beta` = 1 makes the second the
first; its KL is then taken in closed form.

To either comes `settle` times the DIP-VAE-II penalty |m|^2 + |C - I|^2 (Kumar et al. 2018, arXiv 1711.00848), m the mean and C
the covariance of a batch's codes: the KL term alone leaves the codes of the data, taken together, somewhat longer in some
directions than the prior is, and then what lies far out (black hair, dark skin) is rare among samples of the prior.

`coarse` times dearer than that is a nat at first; it becomes cheaper by an equal factor a step until step `fine_from`. While nats are dear, only what
moves most pixels is worth an axis, and each such factor gets its own, since the posterior's axes then have to be the factors'; what is
subtler joins later, on axes of its own (Burgess et al. 2018, arXiv 1804.03599, who let the nats grow instead).

The error is a sum over pixels, in [-1, 1], of squares (Gaussian noise), of absolute values (Laplace noise), or of both. Where a
code leaves open which of two flat colours a pixel has, squares are least for a mixture of the two, absolute values for the
likelier one: drawings stay crisp, but small parts are learned late, since leaving them out is a minimum too. With both, neither
trouble is great. Large parts (hair, background) drown small ones (eyes, mouths) in any such sum, so two things are added:
`detail` times the same error of what a 5x5 blur takes away, and `focus`, a box of pixels that counts several times.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer import render
from explorer.models.vae import VAE
from explorer.training.loop import batch_rows, step_generator

__all__ = ["ERRORS", "counted", "decomposed_kl", "fine", "kl", "log_normal", "objective", "psnr", "unsettled", "weighted"]

ERRORS: dict[str, Callable[[Tensor], Tensor]] = {
    "squares": torch.square,
    "sizes": torch.abs,
    "both": lambda difference: difference.square() + difference.abs(),
}
Focus = tuple[int, int, int, int, float]  # top, left, bottom and right of a box of pixels, and how often they count

Loss = Callable[[int], tuple[Tensor, dict[str, float]]]


def objective(
    net: VAE,
    pixels: np.ndarray,
    *,
    batch: int,
    seed: int,
    ramp: int,
    scale: float,
    beta: float = 1.0,
    error: str = "squares",
    detail: float = 0.0,
    focus: Focus | None = None,
    settle: float = 0.0,
    settle_from: int = 0,
    coarse: float = 1.0,
    fine_from: int = 1,
) -> Loss:
    """The loss of a step; the KL grows to its full weight over the first `ramp` steps, the penalty as long from `settle_from` on."""
    pick = batch_rows(len(pixels), batch, seed)
    counts = counted(pixels.shape[1:3], focus)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x = render.from_pixels(pixels[pick(step)]).contiguous(memory_format=torch.channels_last)
        z, mean, log_variance, drawn = _forward(net, x, step_generator(seed, step))
        difference = drawn - x
        missed = (counts * (ERRORS[error](difference) + detail * ERRORS[error](fine(difference)))).sum()
        cost = kl(mean, log_variance).mean() if beta == 1 else weighted(z, mean, log_variance, beta=beta, n=len(pixels))
        total = missed / (len(x) * scale * coarse ** max(0.0, 1 - step / fine_from)) + min(1.0, (step + 1) / ramp) * cost
        if settle and step >= settle_from:
            total = total + settle * min(1.0, (step + 1 - settle_from) / ramp) * unsettled(z)
        return total, {"psnr": psnr(float(difference.detach().square().mean())), "kl": float(kl(mean, log_variance).detach().mean())}

    return loss


def _forward(net: VAE, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A draw from the posterior of `x`, its mean and log-variance, and what the decoder makes of it."""
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = net.posterior(x)
    mean, log_variance = mean.float(), log_variance.float()
    z = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=generator)
    with torch.autocast("cpu", torch.bfloat16):
        drawn = net.decoder(z)
    return z, mean, log_variance, drawn.float()


def counted(size: tuple[int, int], focus: Focus | None) -> Tensor:
    """How often each pixel counts, `(H, W)`."""
    counts = torch.ones(size)
    if focus is not None:
        top, left, bottom, right, factor = focus
        counts[top:bottom, left:right] = factor
    return counts


def fine(difference: Tensor) -> Tensor:
    """What a 5x5 blur takes away from `(B, C, H, W)`."""
    return difference - F.avg_pool2d(difference, 5, stride=1, padding=2, count_include_pad=False)


def weighted(z: Tensor, mean: Tensor, log_variance: Tensor, *, beta: float, n: int) -> Tensor:
    """The KL of codes `(B, D)`, their total correlation counted `beta` times."""
    information, correlation, marginal = decomposed_kl(z, mean, log_variance, n)
    return information + beta * correlation + marginal


def psnr(mean_square: float) -> float:
    """Peak signal-to-noise ratio in dB of an error on pictures in [-1, 1]."""
    return 10 * math.log10(4 / max(mean_square, 1e-12))


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of each picture in nats, `(B,)`, for `(B, D)` means and log-variances."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def unsettled(z: Tensor) -> Tensor:
    """How far the first two moments of codes `(B, D)` are from those of the prior: |mean|^2 + |covariance - I|^2.

    Each square is a product of the estimates from two halves of the batch, which makes it unbiased (and sometimes negative):
    the square of one noisy estimate would be least for codes that are too short.
    """
    first, second = z.chunk(2)
    unit = torch.eye(z.shape[1])
    return (first.mean(dim=0) * second.mean(dim=0)).sum() + ((first.T.cov() - unit) * (second.T.cov() - unit)).sum()


def decomposed_kl(z: Tensor, mean: Tensor, log_variance: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Splits KL(q(z|x) || p(z)) into information, total correlation and the marginals' KL, in nats.

    The densities q(z) and q(z_j) are estimated from the batch itself, each of the `B` codes weighted as one of `n` data
    points (minibatch weighted sampling, equation 10 of the paper). The three add up to the KL of these draws exactly; each
    alone is biased: where posteriors do not overlap within a batch, the information comes out as ln(B n) whatever it is.
    """
    own = log_normal(z, mean, log_variance).sum(dim=1)
    prior = log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(dim=1)
    crossed = log_normal(z[:, None], mean[None], log_variance[None])  # (B, B, D)
    correction = math.log(len(z) * n)
    joint = crossed.sum(dim=2).logsumexp(dim=1) - correction
    product = (crossed.logsumexp(dim=1) - correction).sum(dim=1)
    return (own - joint).mean(), (joint - product).mean(), (product - prior).mean()


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """The log-density of each coordinate under its Gaussian."""
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean).square() * (-log_variance).exp())
