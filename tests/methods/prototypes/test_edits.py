import time

import numpy as np
import pytest
import torch

from explorer import checkpoints, render
from explorer.core.errors import ModelError
from explorer.core.prototypes import Linear, Prototype, Source
from explorer.methods.prototypes.edits import Bench, Forbid, Merge, Reassign, Remove, Replace, Weigh
from tests import prototypenets as nets
from tests import prototypeworlds as worlds

X = nets.pictures(40, seed=3)
LABELS = torch.arange(40) % 3
EDITS = [Remove(1), Weigh(2, 3.0), Weigh(0, 0.5, owner=1), Merge(0, 2), Reassign(2, 0, 1)]


def bench(name: str) -> Bench:
    parts = nets.model(name).prototypes
    with torch.inference_mode():
        return Bench(parts, parts.described(X), LABELS)


@pytest.mark.parametrize("name", nets.FAMILIES)
@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_what_is_shown_is_what_the_edited_classifier_does(name, edit):
    one = bench(name)
    effect = one.apply(edit)
    with torch.inference_mode():
        again = one.result().logits(X)["shape"]
    assert torch.allclose(one.totals, again, atol=1e-5)
    answers = again.argmax(dim=1)
    assert effect.accuracy == float((answers == LABELS).float().mean()) and effect.confusion.sum() == 40
    assert [int(effect.confusion[t, a]) for t in range(3) for a in range(3)] == [
        int(((LABELS == t) & (answers == a)).sum()) for t in range(3) for a in range(3)
    ]


@pytest.mark.parametrize("name", nets.PRUNABLE)
def test_a_replaced_prototype_changes_one_column(name):
    one = bench(name)
    before = one.scores.clone()
    cell = (2, 3) if one.prototypes.local else (0, 0)
    one.apply(Replace(1, 7, *cell, source=123))
    assert torch.equal(one.scores[:, [0, 2]], before[:, [0, 2]]) and not torch.equal(one.scores[:, 1], before[:, 1])
    again = one.result()
    with torch.inference_mode():
        assert torch.allclose(again.similarities(again.described(X)).amax(dim=(2, 3)), one.scores, atol=1e-5)
    assert again.prototypes[1].source.picture == 123 and one.prototypes.prototypes[1].source is None


@pytest.mark.parametrize("name", nets.FAMILIES)
def test_undoing_brings_back_every_bit(name):
    one = bench(name)
    before = one.totals.clone()
    for edit in EDITS:
        one.apply(edit)
    assert len(one.log()) == len(EDITS) and one.log()[0] == {"edit": "remove", "prototype": 1}
    while one.undo():
        pass
    assert torch.equal(one.totals, before) and not one.edits


def test_an_edited_classifier_is_saved_with_what_was_done(tmp_path):
    one = bench("protopnet")
    one.apply(Remove(1))
    config, state = one.result().saved()
    card = nets.card("protopnet")
    checkpoints.save(tmp_path / "edited.safetensors", card.but(config=config, training={"edits": one.log()}), state)
    again = checkpoints.load(tmp_path / "edited.safetensors")
    with torch.inference_mode():
        assert torch.allclose(again.prototypes.logits(X)["shape"], one.totals, atol=1e-6)
    assert again.card.training["edits"] == [{"edit": "remove", "prototype": 1}]


def test_a_class_without_prototypes_is_warned_about():
    one = bench("protopnet")
    mine = [p.index for p in one.prototypes.prototypes if p.owner == 1]
    effects = [one.apply(Remove(j)) for j in mine]
    assert not effects[0].warnings and "'square' has no prototype" in effects[-1].warnings[0]


def test_what_cannot_be_done_is_refused():
    one = bench("cbc")
    for edit, why in (
        (Remove(70), "7 prototypes"),
        (Weigh(1, 2.0, owner=5), "3 classes"),
        (Merge(1, 1), "itself"),
        (Replace(0, 99, 0, 0), "40 pictures"),
    ):
        with pytest.raises(ModelError, match=why):
            one.apply(edit)
    assert not one.edits
    with pytest.raises(ModelError, match="grid"):
        one.apply(Forbid(torch.zeros(3, 3, dtype=torch.bool)))


def test_scoring_five_thousand_pictures_again_is_quick():
    class Wide:
        classes, prototypes, question = tuple(str(c) for c in range(12)), (), "kind"
        head = Linear(torch.randn(12, 200))

        def similarities(self, described, only=None):
            return described

    one = Bench(Wide(), torch.rand(5000, 200, 1, 1), torch.zeros(5000, dtype=torch.long))
    Wide.prototypes = tuple(nets.model("protopnet").prototypes.prototypes[:1] * 200)
    took = []
    for j in range(5):
        begun = time.perf_counter()
        one.apply(Weigh(j, 0.0))
        took.append(time.perf_counter() - begun)
    assert min(took) <= 0.1


TAG = 6


def tagged(rows: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Glyphs, with a coloured mark in the corner; -1 is none."""
    pixels = worlds.world("glyph").render(rows)
    for picture, tag in zip(pixels, tags):
        if tag >= 0:
            picture[-TAG:, -TAG:] = 0
            picture[-TAG:, -TAG:, tag] = 255
    return pixels


class Misled:
    """Looks for the three glyphs, and twice as much for the mark in the corner; cells are 4 px apart."""

    question, classes, total, scale, local, picture_shape = "kind", ("cross", "ring", "stripes"), "logit", (-1.0, 1.0), True, (3, 32, 32)
    prototypes = tuple(Prototype(j, torch.zeros(1), j % 3, source=Source(0, *((2, 2) if j < 3 else (5, 5)), 1.0)) for j in range(6))
    head = Linear(torch.cat([torch.eye(3), 2 * torch.eye(3)], dim=1))

    def described(self, x):
        return x

    def similarities(self, described, only=None):
        red, green, blue = described.unbind(dim=1)
        yellow = ((red > 0.5) & (green > 0.3) & (blue < 0)).float()[:, None]
        glyphs = torch.stack([torch.from_numpy(worlds._glyph(j, None)[0]).float() for j in range(3)])[:, None]
        kernels = (2 * glyphs - 1) / glyphs.sum(dim=(1, 2, 3), keepdim=True)
        marks = torch.full((len(described), 3, 6, 6), -1.0)
        marks[:, :, 5, 5] = described[:, :, -TAG:, -TAG:].mean(dim=(2, 3)) - described[:, :, -TAG:, -TAG:].mean(dim=(1, 2, 3))[:, None]
        return torch.cat([torch.nn.functional.conv2d(yellow, kernels, stride=4), marks], dim=1)


def test_forbidding_the_corner_undoes_what_the_mark_taught():
    rows = worlds.world("glyph").split("held-out")
    labels = torch.from_numpy(rows[:, 0])
    corner = torch.zeros(32, 32, dtype=torch.bool)
    corner[5, 5] = True
    effects = []
    for tags in ((rows[:, 0] + 1) % 3, np.full(len(rows), -1)):
        x = render.from_pixels(tagged(rows, tags))
        one = Bench(Misled(), x, labels)
        effects.append(one.apply(Forbid(corner)))
        again = one.head.totals(Misled().similarities(x).amax(dim=(2, 3))).argmax(dim=1)
        assert effects[-1].accuracy == float((again == labels).float().mean())
    assert effects[0].accuracy >= effects[0].before + 0.2
    assert abs(effects[1].accuracy - effects[1].before) <= 0.03 and effects[1].before >= 0.95
