import pytest
import torch
import torch.nn.functional as F

from explorer.core.errors import ModelError
from explorer.core.prototypes import Linear, Reasoning, matches
from explorer.methods.prototypes import certificate
from explorer.training.prototypes import losses
from tests import prototypenets as nets


def random_head(seed: int = 0, *, classes: int = 3, vectors: int = 2, count: int = 5) -> Reasoning:
    shares = (2 * torch.randn(classes, vectors, 2 * count, generator=torch.Generator().manual_seed(seed))).softmax(dim=2)
    return Reasoning(shares[..., :count], shares[..., count:])


def attacked(totals, x, labels, radius, *, restarts: int = 5, steps: int = 100):
    """Whether projected gradient descent within L2 balls of `radius` `(B,)` changes the class of any `x` `(B, D)`."""
    fooled = torch.zeros(len(x), dtype=torch.bool)
    reach = radius[:, None]
    generator = torch.Generator().manual_seed(0)
    for _ in range(restarts):
        moved = F.normalize(torch.randn(x.shape, generator=generator), dim=1) * reach * torch.rand(len(x), 1, generator=generator)
        for _ in range(steps):
            moved.requires_grad_()
            found = totals(x + moved)
            others = found.scatter(1, labels[:, None], -1e9).amax(dim=1)
            (gradient,) = torch.autograd.grad((others - found.gather(1, labels[:, None])[:, 0]).sum(), moved)
            moved = moved.detach() + 0.1 * reach * F.normalize(gradient, dim=1)
            moved = moved * (reach / moved.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
        fooled |= totals(x + moved).argmax(dim=1) != labels
    return fooled


WEIGHTS = torch.randn(5, 12, generator=torch.Generator().manual_seed(3))
SPREAD = torch.tensor([1.5, 2.0, 3.0, 2.0, 2.5])
POINTS = 1.2 * torch.randn(500, 12, generator=torch.Generator().manual_seed(4))


def test_no_attack_within_the_radius_changes_the_class():
    head = random_head()

    def scores(x):
        return torch.exp(-torch.cdist(x, WEIGHTS) / SPREAD)

    labels = head.totals(scores(POINTS)).argmax(dim=1)
    radii = certificate.radius(head, scores(POINTS), labels, SPREAD).float()
    assert (radii > 0).all() and not attacked(lambda x: head.totals(scores(x)), POINTS, labels, 0.99 * radii).any()
    farther = attacked(lambda x: head.totals(scores(x)), POINTS, labels, 20 * radii, restarts=1)
    assert farther.any()  # the attack is able to fool it where nothing is promised
    for eps in (0.05, 0.2, 0.5):
        safe = ~attacked(lambda x: head.totals(scores(x)), POINTS, labels, torch.full((500,), eps), restarts=1, steps=40)
        assert certificate.certified(radii, torch.tensor([eps]))[0] <= safe.float().mean()


def test_for_squared_distances_both_formulas_hold_and_ours_reaches_farther():
    head, spread = random_head(1), SPREAD * 6

    def scores(x):
        return torch.exp(-torch.cdist(x, WEIGHTS).square() / spread)

    labels = head.totals(scores(POINTS)).argmax(dim=1)
    reach = certificate.radius(head, scores(POINTS), labels, spread)
    farthest = torch.cdist(POINTS, WEIGHTS).amax(dim=1)
    ours, theirs = certificate.squared(reach, farthest).float(), certificate.squared_of_the_authors(reach, farthest).float()
    assert (ours >= theirs - 1e-6).all() and (theirs > 0).all()
    for radii in (ours, theirs):
        assert not attacked(lambda x: head.totals(scores(x)), POINTS, labels, 0.99 * radii, restarts=2).any()


def test_it_is_not_above_zero_where_the_answer_is_wrong():
    head = random_head()
    scores = torch.rand(200, 5, generator=torch.Generator().manual_seed(5))
    right = head.totals(scores).argmax(dim=1)
    assert (certificate.radius(head, scores, right, SPREAD) > 0).all()
    assert (certificate.radius(head, scores, (right + 1) % 3, SPREAD) <= 0).all()


def test_the_closed_form_of_a_radial_basis_network():
    """sigma / 2 ln(p / p'): 1.0986 for 0.6 against 0.2 and a width of 2."""
    head = Reasoning(torch.eye(2)[:, None], torch.zeros(2, 1, 2))
    found = certificate.radius(head, torch.tensor([[0.6, 0.2]]), torch.tensor([0]), torch.tensor([2.0, 2.0]))
    assert abs(float(found) - 1.0986) < 1e-4


def test_it_is_tight_between_two_components_on_a_line():
    head = Reasoning(torch.eye(2)[:, None], torch.zeros(2, 1, 2))
    spread, x = torch.tensor([1.3, 1.3]), 1.1

    def scores(place: float):
        return torch.exp(-torch.tensor([[abs(place), abs(place - 5.0)]]) / spread)

    radius = float(certificate.radius(head, scores(x), torch.tensor([0]), spread))
    flip = next(k / 1000 for k in range(5000) if head.totals(scores(x + k / 1000)).argmax() == 1)
    assert abs(flip - radius) <= 0.02 * radius


def test_what_it_cannot_be_had_for():
    with pytest.raises(ModelError, match="certificate"):
        certificate.radius(Linear(torch.ones(2, 2)), torch.ones(1, 2), torch.tensor([0]), torch.ones(2))
    parts = nets.model("pipnet").prototypes
    assert parts.spread is None


@pytest.mark.parametrize("name", ["cbc", "cbc-shallow"])
def test_models_have_what_it_needs(name):
    parts, x = nets.model(name).prototypes, nets.pictures(8)
    with torch.inference_mode():
        described = parts.described(x)
        scores = matches(parts.similarities(described)).scores
        labels = parts.head.totals(scores).argmax(dim=1)
        radii = certificate.radius(parts.head, scores, labels, parts.spread)
        for seed in range(20):  # features moved by that much, any way
            noise = torch.randn(described.shape, generator=torch.Generator().manual_seed(seed))
            moved = described + 0.99 * radii.float().view(-1, 1, 1, 1) * noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            assert (parts.head.totals(matches(parts.similarities(moved)).scores).argmax(dim=1) == labels).all()


def fitted(scores, labels, *, positive: bool) -> Reasoning:
    reasons = torch.zeros(2, 1, 2 * scores.shape[1]).requires_grad_()
    adam = torch.optim.Adam([reasons], lr=0.1)

    def head() -> Reasoning:
        count = scores.shape[1]
        if positive:
            present = reasons[..., :count].softmax(dim=2)
            return Reasoning(present, torch.zeros_like(present))
        shares = reasons.softmax(dim=2)
        return Reasoning(shares[..., :count], shares[..., count:])

    for _ in range(400):
        loss = losses.margin(head().totals(scores), labels, 0.3)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return head()


def test_a_class_that_lacks_a_stripe_is_told_by_its_absence():
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(1000) % 2
    body = 0.3 + 0.7 * torch.rand(1000, generator=random)
    stripe = torch.where(labels == 0, 0.4 + 0.6 * torch.rand(1000, generator=random), 0.3 * torch.rand(1000, generator=random))
    scores = torch.stack([body, stripe], dim=1)
    whole, positive = (fitted(scores, labels, positive=flag) for flag in (False, True))
    accuracy = [float((head.totals(scores).argmax(dim=1) == labels).float().mean()) for head in (whole, positive)]
    assert accuracy[0] >= 0.9 and accuracy[1] <= accuracy[0] - 0.1
    weights = torch.cat([whole.present[1, 0], whole.absent[1, 0]])
    assert 3 in weights.topk(2).indices.tolist()  # the absence of the stripe, for the class without it
