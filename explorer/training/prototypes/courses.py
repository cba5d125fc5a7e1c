"""The stages of each family, as lists that `Stages` walks through.

Cells see more than the patch that is shown for them, and prototypes that begin anywhere end on backgrounds, or on what is at the rim of
their view. So they begin at training patches that nothing in pictures of other classes looks like, and backbones see little: 11 pixels.

The backbone begins as that of the black box that answers the same question, as the papers begin with a backbone trained on other
pictures; so it rests while prototypes find their places ("warm"), and then everything moves ("joint").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer import render
from explorer.models.prototypes.cbc import CBC
from explorer.models.prototypes.net import PrototypeNet
from explorer.models.prototypes.pipnet import PIPNet
from explorer.models.prototypes.prob_psenn import ProbPSENN
from explorer.models.prototypes.protopnet import ProtoPNet, likeness
from explorer.models.prototypes.st_protopnet import STProtoPNet
from explorer.training.judge import spoil
from explorer.training.loop import batch_rows, step_generator
from explorer.training.prototypes import losses
from explorer.training.prototypes.finishing import Shown, project, prune, refit, vouch
from explorer.training.prototypes.stages import Act, Descend

__all__ = ["COURSES", "Plan", "black_box"]

NEW, OLD = 3e-3, 1e-3  # learning rates: of what begins from nothing, of what was trained before
MINED, CELLS = 400, 4000  # pictures, and cells a class, among which prototypes begin
DRAWS = 8  # of every prototype distribution in a step


@dataclass(frozen=True)
class Plan:
    """How long and how.

    Args:
        warm, joint: steps of the first stage, and of the second.
        batch: pictures a step.
        seed: of batches, of what is spoilt, and of draws.
        projected: how many training pictures prototypes may come from.
        weights: of terms of the loss, in place of the usual ones.
        trained: whether the backbone begins trained.
        spoilt: whether a third of a batch is softened and dirtied.
    """

    warm: int
    joint: int
    batch: int = 100
    seed: int = 0
    projected: int = 20_000
    weights: Mapping[str, float] = field(default_factory=dict)
    trained: bool = True
    spoilt: bool = True

    def weight(self, name: str, usual: float) -> float:
        return self.weights.get(name, usual)


Stage = Descend | Act
Batch = Callable[[int], tuple[Tensor, Tensor]]


def _feed(shown: Shown, plan: Plan) -> Batch:
    """From a step to its pictures and labels."""
    pick = batch_rows(len(shown.chosen), plan.batch, plan.seed)

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rows = pick(step)
        x = render.from_pixels(shown.pixels[shown.chosen[rows]])
        x = spoil(x, step_generator(plan.seed, step)) if plan.spoilt else x
        return x.contiguous(memory_format=torch.channels_last), shown.labels[rows]

    return batch


def _described(net: PrototypeNet, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        found = net.described(x)
    return found.float()


def _told(loss: Tensor, totals: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, float]]:
    return loss, {"loss": float(loss.detach()), "right": float((totals.argmax(dim=1) == labels).float().mean())}


def _some(cells: Tensor, generator: torch.Generator) -> Tensor:
    return cells[torch.randperm(len(cells), generator=generator)[:CELLS]]


def _far(own: Tensor, others: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """So many of the cells `own` `(n, D)`, far from `others` and from one another."""
    own = own[torch.cdist(own, others).amin(dim=1).topk(max(count, len(own) // 10)).indices]
    chosen = [0]
    while len(chosen) < count:
        away = torch.cdist(own, own[chosen]).amin(dim=1).square()
        chosen.append(int(torch.multinomial(away.clamp_min(1e-12), 1, generator=generator)))
    return own[chosen]


def _two_stages(
    net: PrototypeNet, plan: Plan, loss: Callable[[int], tuple[Tensor, dict[str, float]]], rates: Mapping[str, float], **more
) -> list[Stage]:
    """Warm, with the backbone at rest, and joint; a backbone that begins from nothing is never at rest."""
    if not plan.trained:
        return [Descend("joint", plan.warm + plan.joint, loss, {**rates, "backbone": NEW}, **more)]
    return [
        Descend("warm", plan.warm, loss, rates, frozen=("backbone",), **more),
        Descend("joint", plan.joint, loss, {**rates, "backbone": OLD}, **more),
    ]


def protopnet(net: ProtoPNet, shown: Shown, plan: Plan) -> list[Stage]:
    """ProtoPNet: the head rests until the prototypes are patches.

    Beside the paper's terms, every prototype is to be silent in pictures of other classes: where backgrounds are alike in all pictures,
    most prototypes would otherwise end there, because nothing is as easy to be close to.
    """
    feed = _feed(shown, plan)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x, labels = feed(step)
        distances = net.distances(_described(net, x)).amin(dim=(2, 3))
        own = net.owner[None] == labels[:, None]
        scores = likeness(distances)
        totals = net.head().totals(scores)
        cluster, separation = losses.nearest(distances, own), losses.nearest(distances, ~own)
        loud = (scores * ~own).sum() / (~own).sum()
        total = (
            F.cross_entropy(totals, labels) + plan.weight("cluster", 0.8) * cluster - plan.weight("separation", 0.08) * separation
            + plan.weight("silence", 0.3) * loud
        )  # fmt: skip
        return _told(total, totals, labels)

    begin = Act("beginning", lambda: _mined(net, shown, plan))
    return [begin, *_two_stages(net, plan, loss, {"add_on": NEW, "vectors": NEW}), *_finish(net, shown, plan)]


def _finish(net: PrototypeNet, shown: Shown, plan: Plan, *, pruned: bool = True, gap: float = 0.1) -> list[Stage]:
    few = shown.first(plan.projected)
    acts = [Act("projection", lambda: project(net, few)), Act("pruning", lambda: prune(net, few)), Act("head", lambda: refit(net, few, gap=gap))]
    return acts if pruned else [acts[0], acts[2]]


def st_protopnet(net: STProtoPNet, shown: Shown, plan: Plan) -> list[Stage]:
    """ST-ProtoPNet: even steps train the trivial prototypes, odd ones the support prototypes; they are of length 1 after every step."""
    feed = _feed(shown, plan)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x, labels = feed(step)
        described = _described(net, x)
        mine = (net.group == step % 2).nonzero().flatten()
        vectors, owner = F.normalize(net.vectors[mine], dim=1), net.owner[mine]
        alike = net.cosines(described, mine).amax(dim=(2, 3))
        scores = net.similarities(described, mine).amax(dim=(2, 3))
        totals = F.linear(scores, net.weight[:, mine])
        own = owner[None] == labels[:, None]
        cluster, separation = losses.nearest(alike, own, smallest=False), losses.nearest(alike, ~own, smallest=False)
        support = step % 2 == 1
        placed = losses.closeness(vectors, owner) if support else losses.discrimination(vectors, owner)
        total = (
            F.cross_entropy(totals, labels) - plan.weight("cluster", 0.8) * cluster
            + plan.weight("separation", 0.48 if support else 0.08) * separation + plan.weight("placed", 1.0) * placed
            + 1e-3 * losses.orthogonality(vectors, owner)
        )  # fmt: skip
        return _told(total, totals, labels)

    @torch.no_grad()
    def unit() -> None:
        net.vectors.copy_(F.normalize(net.vectors, dim=1))

    rates = {"trivial": NEW, "support": NEW, "vectors": NEW}
    begin = Act("beginning", lambda: _mined(net, shown, plan))
    return [begin, *_two_stages(net, plan, loss, rates, after=unit), *_finish(net, shown, plan)]


def cbc(net: CBC, shown: Shown, plan: Plan) -> list[Stage]:
    """CBC: components begin as patches that tell classes apart, half as wide as these are apart, and end as the nearest training patches.

    Beside the margin, a component is to be present in some classes more than in others: one that is everywhere, as backgrounds are, tells nothing.
    """
    feed, gap = _feed(shown, plan), plan.weight("margin", 0.3)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x, labels = feed(step)
        scores = net.similarities(_described(net, x) if net.deep else net.described(x)).amax(dim=(2, 3))
        totals = net.head().totals(scores)
        total = losses.margin(totals, labels, gap) - plan.weight("telling", 1.0) * losses.telling(scores, labels, totals.shape[1])
        return _told(total, totals, labels)

    @torch.no_grad()
    def inside() -> None:
        if not net.deep:
            net.vectors.clamp_(0, 1)

    rates = {"add_on": NEW, "vectors": NEW, "reasons": plan.weight("reasons_rate", 3e-2), "log_spread": NEW}
    if not net.deep:
        return [Act("beginning", lambda: _pictured(net, shown, plan)), Descend("joint", plan.warm + plan.joint, loss, rates, after=inside)]
    return [
        Act("beginning", lambda: _mined(net, shown, plan)),
        *_two_stages(net, plan, loss, rates),
        *_finish(net, shown, plan, pruned=False, gap=gap),
    ]


@torch.no_grad()
def _mined(net: PrototypeNet, shown: Shown, plan: Plan) -> dict[str, float]:
    """Prototypes begin as training patches that nothing in pictures of other classes looks like, and that do not look like each other.

    Of the patches of each class the tenth farthest from any of the other classes, thinned by k-means++ seeding. What has no class takes turns.
    """
    generator = torch.Generator().manual_seed(plan.seed)
    net.eval()
    some = torch.randperm(len(shown.chosen), generator=generator)[:MINED].sort().values.numpy()
    described = torch.cat([net.described(x) for _, x in Shown(shown.pixels, shown.chosen[some], shown.labels[some].numpy()).batches()])
    labels, (height, width) = shown.labels[some], described.shape[2:]
    classes = len(net.config["classes"])
    turns = torch.where(net.owner >= 0, net.owner, torch.arange(net.count) % classes)
    for group in sorted({*net.groups()}):
        members = torch.tensor([j for j, name in enumerate(net.groups()) if name == group])
        flat = described.permute(1, 0, 2, 3).flatten(1)[:, None]  # (F, 1, n h w)
        cells = net.patch(flat, int(members[0]), 0, slice(None)).T
        for owner in range(classes):
            mine = members[turns[members] == owner]
            own = (labels == owner).repeat_interleave(height * width)
            if len(mine) and own.any() and not own.all():
                chosen = _far(_some(cells[own], generator), _some(cells[~own], generator), len(mine), generator)
                for j, vector in zip(mine.tolist(), chosen):
                    net.place(j, vector)
    distance = float(torch.pdist(net.vectors).median()) if net.count > 1 else 1.0
    if isinstance(net, CBC):
        net.log_spread.fill_(max(distance / 2, 1e-3)).log_()
    return {"distance": distance}


@torch.no_grad()
def _pictured(net: CBC, shown: Shown, plan: Plan) -> dict[str, float]:
    """Shallow components begin near the mean picture, as wide as pictures are apart."""
    some = shown.first(200)
    flat = torch.cat([net.described(x).flatten(1) for _, x in some.batches()])
    generator = torch.Generator().manual_seed(plan.seed)
    net.vectors.copy_((flat.mean(dim=0) + 0.1 * torch.randn(net.vectors.shape, generator=generator)).clamp(0, 1))
    distance = float(torch.pdist(flat).median())
    net.log_spread.fill_(distance / 2).log_()
    return {"distance": distance}


def prob_psenn(net: ProbPSENN, shown: Shown, plan: Plan) -> list[Stage]:
    """Prob-PSENN: the autoencoder first; then prototypes are fitted to the classes' codes, and all is trained together."""
    feed = _feed(shown, plan)

    def again(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            z = net.encoder(x)
            drawn = net.decoder(z)
        return z.float(), F.mse_loss(drawn.float(), x)

    def first(step: int) -> tuple[Tensor, dict[str, float]]:
        _, error = again(feed(step)[0])
        return error, {"reconstruction": float(error.detach())}

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x, labels = feed(step)
        z, error = again(x)
        draws = net.drawn_prototypes(DRAWS, step_generator(plan.seed + 1, step))  # (S, P, D)
        totals = F.linear(-(z[None, :, None] - draws[:, None]).square().sum(dim=3), net.weight)  # (S, B, C)
        nll = F.cross_entropy(totals.flatten(0, 1), labels.repeat(DRAWS))
        own = (net.owner[None] == labels[:, None]).long().argmax(dim=1)
        likely = (-losses.likelihood(z, net.vectors[own], net.cholesky()[own])).clamp(-1, 1e4).mean()
        total = nll + plan.weight("reconstruction", 10.0) * error + plan.weight("likely", 0.05) * likely
        return _told(total, totals.mean(dim=0), labels)

    few = shown.first(plan.projected)
    return [
        Descend("autoencoder", plan.warm, first, {"encoder": NEW, "decoder": NEW}),
        Act("fitting", lambda: _fitted(net, few)),
        Descend("joint", plan.joint, loss, {"encoder": OLD, "decoder": OLD, "vectors": NEW, "factors": NEW, "weight": NEW}),
        Act("nearest pictures", lambda: vouch(net, few)),
    ]


@torch.no_grad()
def _fitted(net: ProbPSENN, shown: Shown) -> dict[str, float]:
    """Prototypes with the mean and covariance of the codes of their classes."""
    z = torch.cat([net.described(x).flatten(1) for _, x in shown.batches()])
    means, covariances = [], []
    for owner in net.owner.tolist():
        own = z[shown.labels == owner]
        means.append(own.mean(dim=0) if len(own) else torch.zeros(z.shape[1]))
        covariances.append((own.T.cov() if len(own) > 1 else torch.zeros(z.shape[1], z.shape[1])) + 1e-3 * torch.eye(z.shape[1]))
    net.settle(torch.stack(means), torch.stack(covariances))
    return {"variance": float(torch.stack([c.trace() for c in covariances]).mean())}


def pipnet(net: PIPNet, shown: Shown, plan: Plan) -> list[Stage]:
    """PIP-Net: prototypes first without labels, from two views of each picture; then with them. Weights shrink a little after every step."""
    feed = _feed(shown, plan)

    def views(step: int) -> tuple[Tensor, Tensor, Tensor]:
        x, labels = feed(step)
        generator = step_generator(plan.seed + 2, step)
        made = []
        for _ in range(2):
            gain, shift = (1 + 0.2 * torch.randn(len(x), 1, 1, 1, generator=generator)), 0.1 * torch.randn(len(x), 1, 1, 1, generator=generator)
            made.append((x * gain + shift + 0.05 * torch.randn(x.shape, generator=generator)).clamp(-1, 1))
        return *made, labels

    def gathered(step: int, ramp: float, work: float, right: float) -> tuple[Tensor, dict[str, float]]:
        one, two, labels = views(step)
        shares = net.chosen(_described(net, torch.cat([one, two])))
        first, second = shares.chunk(2)
        presence = shares.amax(dim=(2, 3))
        total = ramp * losses.alignment(first, second) + work * losses.spread_out(presence)
        totals = F.linear(presence, net.weight)
        doubled = labels.repeat(2)
        return _told(total + right * losses.sheet(totals, doubled) if right else total, totals, doubled)

    @torch.no_grad()
    def shrink() -> None:
        net.weight.copy_((net.weight - plan.weight("shrink", 1e-3)).relu())

    few = shown.first(plan.projected)
    rates = {"backbone": OLD if plan.trained else NEW, "vectors": 10 * NEW}
    return [
        Descend("prototypes", plan.warm, lambda step: gathered(step, min(1.0, step / max(1, plan.warm)), 5.0, 0.0), rates),
        Descend("joint", plan.joint, lambda step: gathered(step, 5.0, 2.0, 2.0), {**rates, "weight": 5e-2}, after=shrink),
        Act("nearest pictures", lambda: vouch(net, few)),
        Act("head", lambda: refit(net, few, positive=True)),
    ]


def black_box(net: torch.nn.Module, shown: Shown, plan: Plan) -> Callable[[int], tuple[Tensor, dict[str, float]]]:
    """The loss of a step of an ordinary classifier."""
    feed = _feed(shown, plan)

    def loss(step: int) -> tuple[Tensor, dict[str, float]]:
        x, labels = feed(step)
        with torch.autocast("cpu", torch.bfloat16):
            totals = net(x)
        return _told(F.cross_entropy(totals.float(), labels), totals, labels)

    return loss


COURSES: Mapping[str, Callable[..., list[Stage]]] = {
    "protopnet": protopnet, "st-protopnet": st_protopnet, "cbc": cbc, "prob-psenn": prob_psenn, "pipnet": pipnet,
}  # fmt: skip
