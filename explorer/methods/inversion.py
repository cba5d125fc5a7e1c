"""The code of a given picture, found by search instead of by an encoder.

    minimise over z   unlike(G(z), x) + a * unlikely(z) + f * |features(G(z)) - features(x)|^2

`unlike` is the mean over ever coarser copies of the two pictures of |d| / 2 + d^2: the coarse ones make colours and large shapes
count before the details do. `unlikely` is max(0, |z|^2 / (D m) - 1) for a normal prior, m = 1, and for a radial one, m the square of
its median length: what counts against a code is to be longer than draws are. (The density itself would pull to the centre, where
hardly any draw lies: measured on `avatars-vae`, it makes faces bland and their codes atypical.) For large `a` the minimum is the
closest ordinary picture. On a sphere or in a cube codes cannot leave, and nothing pulls.

With gradients: Adam (Kingma & Ba 2015, arXiv 1412.6980) from the encoder's code, or from the best of many draws (Xia et al. 2022,
GAN Inversion: A Survey, arXiv 2101.05278). Without: a separable CMA-ES (Ros & Hansen 2008), which is slower and less exact.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.core.errors import ModelError
from explorer.core.space import LatentSpace

__all__ = ["Glimpse", "Problem", "Watch", "decibels", "mean_square", "refine", "search"]

PACE = 0.06  # of Adam, in standard deviations of the prior a step; it falls to a tenth
PATIENCE, LEAST = 40, 1e-3  # steps without this share of progress end a search
COARSEST = 8  # pixels
TOGETHER = 16  # codes decoded at once
FARTHEST = 50.0  # of one coordinate
SPREAD = 0.3  # with which a search without gradients begins


@dataclass(frozen=True, eq=False)
class Glimpse:
    """How far a search is: the step out of how many, the best code `(*shape)` so far and its picture's mean square error; `trying` while starts are compared."""

    step: int
    steps: int
    values: Tensor
    error: float
    trying: bool = False


Watch = Callable[[Glimpse], bool]  # hears of every step; False ends the search, which then returns the best so far


@dataclass(frozen=True, eq=False)
class Problem:
    """A picture, and the generator that is to draw it.

    Args:
        decode: from codes `(B, *shape)` to pictures `(B, C, H, W)` in [-1, 1].
        space: the space of the codes.
        target: the picture `(1, C, H, W)`.
        ordinary: the weight `a` of the prior.
        features: describes pictures by vectors `(B, F)`; `kept` is the weight `f` of their mean square difference, in units of the target's.
        differentiable: whether gradients flow from pictures to codes.
    """

    decode: Callable[[Tensor], Tensor]
    space: LatentSpace
    target: Tensor
    ordinary: float = 0.01
    features: Callable[[Tensor], Tensor] | None = None
    kept: float = 0.1
    differentiable: bool = True

    def cost(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """What is minimised and the plain mean square error, both `(B,)`, for codes `(B, *shape)`."""
        pictures = self.decode(values).to(self.target)
        total = unlike(pictures, self.target) + self.ordinary * unlikely(values, self.space)
        if self.features is not None:
            wanted = self.features(self.target)
            total = total + self.kept * (self.features(pictures) - wanted).square().mean(dim=1) / wanted.square().mean().clamp_min(1e-6)
        return total, mean_square(pictures, self.target)


def mean_square(pictures: Tensor, target: Tensor) -> Tensor:
    """The mean square difference `(B,)` of pictures `(B, C, H, W)` in [-1, 1]."""
    return (pictures - target).square().flatten(1).mean(dim=1)


def decibels(error: float) -> float:
    """The peak signal-to-noise ratio of a mean square error of pictures in [-1, 1]; 99 for none at all."""
    return min(99.0, 10 * math.log10(4 / max(error, 1e-12)))


def unlike(pictures: Tensor, target: Tensor) -> Tensor:
    """The mean over ever coarser copies of |d| / 2 + d^2, `(B,)`."""
    difference, levels = pictures - target, []
    while True:
        levels.append((difference.abs() / 2 + difference.square()).flatten(1).mean(dim=1))
        if min(difference.shape[2:]) < 2 * COARSEST:
            return torch.stack(levels).mean(dim=0)
        difference = F.avg_pool2d(difference, 2)


def unlikely(values: Tensor, space: LatentSpace) -> Tensor:
    """How much longer codes are than draws, max(0, |z|^2 / (D m) - 1), for a normal or radial prior, and 0 for the others, `(B,)`."""
    if space.prior not in ("normal", "radial"):
        return torch.zeros(len(values), device=values.device)
    usual = space.lengths[len(space.lengths) // 2] ** 2 if space.prior == "radial" else 1.0
    return (values.flatten(1).square().mean(dim=1) / usual - 1).relu()


def refine(problem: Problem, start: Tensor, *, steps: int = 200, seed: int = 0, watch: Watch = lambda glimpse: True) -> Glimpse:
    """The best code found from a start `(*shape)` in at most `steps` steps, as the last glimpse; never worse than the start.

    Raises:
        ModelError: the generator draws values that are not numbers at the start.
    """
    return _last(_travel(problem, start[None], steps, seed), watch)


def search(
    problem: Problem, candidates: Tensor, *, steps: int = 200, restarts: int = 4, seed: int = 0, watch: Watch = lambda glimpse: True
) -> Glimpse:
    """The best code found without any start: of `candidates` `(N, *shape)` the best `restarts` travel together for a quarter of the steps, then the best alone.

    Raises:
        ModelError: the generator draws values that are not numbers, whatever the candidate.
    """
    return _last(_search(problem, candidates, steps, restarts, seed), watch)


def _last(glimpses: Iterator[Glimpse], watch: Watch) -> Glimpse:
    for glimpse in glimpses:
        if not watch(glimpse):
            break
    return glimpse


def _search(problem: Problem, candidates: Tensor, steps: int, restarts: int, seed: int) -> Iterator[Glimpse]:
    costs, errors = [], []
    batches = candidates.split(TOGETHER)
    total = len(batches) + steps
    for k, batch in enumerate(batches):
        cost, error = _judged(problem, batch)
        costs, errors = [*costs, cost], [*errors, error]
        cost, error = torch.cat(costs), torch.cat(errors)
        best = int(cost.argmin())
        if torch.isfinite(cost[best]):
            yield Glimpse(k + 1, total, candidates[best], float(error[best]), trying=True)
    order = torch.cat(costs).argsort()[: restarts if problem.differentiable else 1]
    first = steps // 4
    glimpse = None
    for glimpse in _travel(problem, candidates[order], first, seed):
        yield Glimpse(len(batches) + glimpse.step, total, glimpse.values, glimpse.error)
    start = candidates[order[0]] if glimpse is None else glimpse.values
    for glimpse in _travel(problem, start[None], steps - first, seed):
        yield Glimpse(len(batches) + first + glimpse.step, total, glimpse.values, glimpse.error)


def _travel(problem: Problem, starts: Tensor, steps: int, seed: int) -> Iterator[Glimpse]:
    return _descend(problem, starts, steps) if problem.differentiable else _evolve(problem, starts[0], steps, seed)


@torch.no_grad()
def _judged(problem: Problem, values: Tensor) -> tuple[Tensor, Tensor]:
    """Costs and errors, both infinite where a picture is not of numbers."""
    cost, error = problem.cost(values)
    return cost.nan_to_num(torch.inf, torch.inf, torch.inf), error.nan_to_num(torch.inf, torch.inf, torch.inf)


class _Best:
    """The best of several travellers, each at its own best, and whether they still get on."""

    def __init__(self, values: Tensor):
        self.values = values.clone()
        self.costs = torch.full((len(values),), torch.inf, device=values.device)
        self.errors = self.costs.clone()
        self._mark, self._since = torch.inf, 0

    def take(self, values: Tensor, costs: Tensor, errors: Tensor) -> None:
        better = costs < self.costs
        self.values[better], self.costs[better], self.errors[better] = values[better], costs[better], errors[better]
        self._since += 1
        if (cost := float(self.costs.min())) < self._mark * (1 - LEAST):
            self._mark, self._since = cost, 0

    @property
    def stuck(self) -> bool:
        return self._since >= PATIENCE

    def glimpse(self, step: int, steps: int) -> Glimpse:
        row = int(self.costs.argmin())
        return Glimpse(step, steps, self.values[row].clone(), float(self.errors[row]))


def _descend(problem: Problem, starts: Tensor, steps: int) -> Iterator[Glimpse]:
    """Adam on every start at once. Where a picture is no longer one, its code goes back to its best."""
    values = starts.clone().requires_grad_()
    adam = torch.optim.Adam([values], lr=PACE, betas=(0.9, 0.99))
    best = _Best(starts)
    for step in range(steps + 1):
        with torch.inference_mode(False), torch.enable_grad():
            costs, errors = problem.cost(values)
        sound = torch.isfinite(costs)
        if not step and not sound.any():
            raise _unsound(costs)
        best.take(values.detach(), costs.detach().nan_to_num(torch.inf, torch.inf, torch.inf), errors.detach())
        yield best.glimpse(step, steps)
        if step == steps or best.stuck:
            return
        adam.zero_grad()
        if sound.any():
            costs[sound].sum().backward()
            values.grad.nan_to_num_(0, 0, 0)
        adam.param_groups[0]["lr"] = PACE * (0.1 + 0.9 * (1 + math.cos(math.pi * step / steps)) / 2)
        adam.step()
        with torch.no_grad():
            values[~sound] = best.values[~sound]
            values.copy_(_inside(values, problem.space))


def _inside(values: Tensor, space: LatentSpace) -> Tensor:
    """The nearest codes where the prior has mass at all."""
    if space.prior == "uniform":
        return values.clamp(-1, 1)
    if space.prior == "sphere":
        length = values.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, *[1] * (values.ndim - 1))
        return values * (math.sqrt(space.size) / length)
    return values.clamp(-FARTHEST, FARTHEST)


def _evolve(problem: Problem, start: Tensor, steps: int, seed: int) -> Iterator[Glimpse]:
    """A separable CMA-ES; one step is one generation. Constants as in Hansen's tutorial (2016, arXiv 1604.00772), learning rates of the variances as in Ros & Hansen."""
    generator, size = torch.Generator().manual_seed(seed), start.numel()
    many = 4 + int(3 * math.log(size))
    few = many // 2
    weights = math.log((many + 1) / 2) - torch.arange(1, few + 1).float().log()
    weights /= weights.sum()
    mass = float(1 / weights.square().sum())
    c_sigma = (mass + 2) / (size + mass + 5)
    damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (size + 1)) - 1) + c_sigma
    c_path = (4 + mass / size) / (size + 4 + 2 * mass / size)
    faster = (size + 2) / 3
    c_one = min(1.0, faster * 2 / ((size + 1.3) ** 2 + mass))
    c_few = min(1 - c_one, faster * 2 * (mass - 2 + 1 / mass) / ((size + 2) ** 2 + mass))
    usual = math.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))  # the length of a standard normal vector

    mean, sigma, variances = start.flatten().clone(), SPREAD, torch.ones(size)
    path, sigma_path = torch.zeros(size), torch.zeros(size)
    best = _Best(start[None])
    costs, errors = _judged(problem, start[None])
    if not torch.isfinite(costs).all():
        raise _unsound(costs)
    best.take(start[None], costs, errors)
    yield best.glimpse(0, steps)
    for step in range(1, steps + 1):
        draws = torch.randn(many, size, generator=generator) * variances.sqrt()
        values = _inside((mean + sigma * draws.to(mean)).view(many, *start.shape), problem.space)
        judged = [_judged(problem, batch) for batch in values.split(TOGETHER)]
        costs, errors = (torch.cat(parts) for parts in zip(*judged))
        first = int(costs.argmin())
        best.take(values[first : first + 1], costs[first : first + 1], errors[first : first + 1])
        yield best.glimpse(step, steps)
        if best.stuck:
            return
        steps_made = ((values.flatten(1) - mean) / sigma)[costs.argsort()[:few]].cpu()
        move = weights @ steps_made
        mean = mean + sigma * move.to(mean)
        sigma_path = (1 - c_sigma) * sigma_path + math.sqrt(c_sigma * (2 - c_sigma) * mass) * move / variances.sqrt()
        length = float(sigma_path.norm())
        steady = length / math.sqrt(1 - (1 - c_sigma) ** (2 * step)) < (1.4 + 2 / (size + 1)) * usual
        path = (1 - c_path) * path + steady * math.sqrt(c_path * (2 - c_path) * mass) * move
        fading = (not steady) * c_path * (2 - c_path) * variances
        variances = (1 - c_one - c_few) * variances + c_one * (path.square() + fading) + c_few * (weights @ steps_made.square())
        sigma *= math.exp(min(1.0, c_sigma / damping * (length / usual - 1)))


def _unsound(costs: Tensor) -> ModelError:
    return ModelError(
        f"The model drew pictures with values that are not numbers (NaN or infinite) for {'every start' if len(costs) > 1 else 'the start'}, "
        "so there is nothing to compare the picture with. Its weights may be damaged."
    )
