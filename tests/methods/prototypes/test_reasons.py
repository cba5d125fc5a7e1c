"""Planted characteristics rank first; importances are the sums they are said to be; words say what the numbers say."""

from dataclasses import replace

import pytest
import torch

from explorer.core.prototypes import Prototype
from explorer.methods.prototypes import changes, reasons
from tests import planted, prototypenets

X = planted.pictures(30)
STRENGTHS = changes.balanced(X[:8])


@pytest.mark.parametrize("kind,bar", [("hue", 0.9), ("saturation", 0.9), ("contrast", 0.9), ("shape", 0.9), ("texture", 0.8)])
def test_what_a_prototype_responds_to_ranks_first(kind, bar):
    found = reasons.summed(reasons.local(planted.planted(kind, 40), X, strengths=STRENGTHS))
    first = [found.names[k] for k in found.mean.argmax(dim=1).tolist()]
    assert first.count(kind) >= bar * len(first)
    assert kind in reasons.sentence(found.names, found.mean[first.index(kind)], subject="It").split(",")[0]


def test_what_is_true_of_some_pictures_is_true_of_others():
    prototypes = planted.planted("hue", 30)
    one, two = (reasons.summed(reasons.local(prototypes, planted.pictures(40, seed=s), strengths=STRENGTHS)).mean for s in (5, 6))
    assert torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1] >= 0.8


def test_no_change_has_no_importance(monkeypatch):
    monkeypatch.setitem(changes.CHANGES, "nothing", changes.whole)
    for name in ("protopnet", "cbc", "prob-psenn"):
        found = reasons.local(prototypenets.model(name).prototypes, prototypenets.pictures(6), names=("nothing",))
        assert found.fixed.abs().max() <= 1e-6 and found.pooled.abs().max() <= 1e-6 and found.moved.max() <= 1e-7


def test_two_half_circles_of_hue_have_no_importance():
    prototypes, x = planted.planted("hue"), X[:8]
    twice = changes.change("hue", changes.change("hue", x, 5.0), 5.0)
    before, after = (prototypes.similarities(prototypes.described(pictures)) for pictures in (x, twice))
    assert (before - after).abs().max() <= 0.02 * before.max()


def test_a_similarity_known_in_closed_form_drops_by_what_it_should():
    def spread(cells):  # the mean distance of a cell's colours from grey
        return (cells - cells.mean(dim=1, keepdim=True)).abs().mean(dim=(1, 4))[:, None]

    stub = planted.Planted(spread, torch.tensor([[0.1], [0.3]]))
    found = reasons.local(stub, X[:5], names=("saturation",))
    before, after = (stub.measure(planted.windows(x))[:, 0] for x in (X[:5], changes.change("saturation", X[:5])))
    for b in range(5):
        for j, centre in enumerate((0.1, 0.3)):
            cell = (before[b] - centre).square().argmin()
            expected = torch.exp(-((before[b].flatten()[cell] - centre) ** 2)) - torch.exp(-((after[b].flatten()[cell] - centre) ** 2))
            assert abs(float(found.fixed[b, j, 0] - expected)) <= 1e-4


def test_the_global_importance_is_the_weighted_mean_of_the_local_ones():
    found = reasons.local(planted.planted("contrast", 5), X[:10], strengths=STRENGTHS)
    mean = reasons.summed(found).mean
    for j in range(5):
        for m in range(len(found.names)):
            weight = found.scores[:, j].double()
            assert abs(float((weight * found.fixed[:, j, m].double()).sum() / weight.sum()) - float(mean[j, m])) <= 1e-9


def test_an_interval_holds_the_mean():
    found = reasons.summed(reasons.local(planted.planted("contrast", 5), X, strengths=STRENGTHS))
    assert (found.low <= found.mean).all() and (found.mean <= found.high).all() and (found.low < found.high).any()


def test_a_cell_that_moved_is_found_again_nearby():
    prototypes = planted.planted("shape", 5)
    fixed, again = (reasons.local(prototypes, X[:8], names=("shape",), nearby=n).fixed for n in (0, 1))
    assert (again <= fixed + 1e-6).all() and again.sum() < fixed.sum()


def test_focused_changes_count_and_dual_ones_do_not():
    """A model that sees one window only, and attention that is that window."""
    window = torch.zeros(1, 1, planted.SIDE, planted.SIDE)
    window[..., 12:24, 24:36] = 1

    def spread(cells):
        return planted.contrast(cells[:, :, 1:2, 2:3])

    stub = planted.Planted(spread, spread(planted.windows(X[:1]))[:1, :, 0, 0])
    focused, dual = reasons.blended(stub, X[:1], window, "contrast")
    assert float(focused) > 0 and abs(float(dual)) <= 1e-6


def test_a_copy_is_redundant_and_a_prototype_of_another_part_is_not():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.rand(20, 8, generator=generator)
    scores = torch.rand(300, 20, generator=generator)
    phi = torch.rand(20, 5, generator=generator)
    for copy in (16, 17, 18, 19):  # five copies of one, with a little noise
        vectors[copy] = vectors[3] + 1e-3 * torch.randn(8, generator=generator)
        scores[:, copy] = scores[:, 3] + 1e-3 * torch.randn(300, generator=generator)
        phi[copy] = phi[3] + 1e-3
    prototypes = [Prototype(j, vectors[j], 0) for j in range(20)]
    same = {3, 16, 17, 18, 19}
    assert set(reasons.redundant(prototypes, scores, phi)) == {(i, j) for i in same for j in same if i < j}
    other = [replace(p, owner=1) if p.index == 19 else p for p in prototypes]
    assert all(19 not in pair for pair in reasons.redundant(other, scores, phi))
    phi[5], vectors[5] = phi[3], torch.rand(8, generator=generator)
    assert all(5 not in pair for pair in reasons.redundant([Prototype(j, vectors[j], 0) for j in range(20)], scores, phi))


def test_words():
    names = ("hue", "saturation", "shape")
    said = reasons.sentence(names, torch.tensor([0.41, 0.03, 0.83]), subject="Prototype 17", similarity=4.15)
    assert said == "Prototype 17 rests mainly on shape (0.83, 20 % of its 4.15), then on hue (0.41); saturation (0.03) hardly matters."
    assert "is not known" in reasons.sentence(names, torch.tensor([-0.1, 0.0, -0.2]), subject="It")
    assert "changing saturation (-0.30) makes it more alike" in reasons.sentence(names, torch.tensor([0.41, -0.3, 0.83]), subject="It")


def test_a_match_of_other_colours_misleads():
    x = torch.full((3, 3, planted.SIDE, planted.SIDE), -1.0)
    x[0, 0], x[1, 1], x[2, 0] = 1.0, 1.0, 1.0  # red, green, red

    class Alike(planted.Planted):
        def similarities(self, described, only=None):
            return torch.ones(len(described), 1, 4, 4)

        @property
        def prototypes(self):
            from explorer.core.prototypes import Source

            return (Prototype(0, torch.zeros(2), 0, source=Source(0, 0, 0, 1.0)),)

    stub = Alike(planted.hue, torch.zeros(1, 2))
    found = reasons.Local(("hue",), torch.ones(3, 1), torch.zeros(3, 1, 1), torch.zeros(3, 1, 1), torch.zeros(3, 1))
    assert reasons.warnings(stub, x, x[:1], found) == [(1, 0)]
