import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from explorer.methods.prototypes import changes
from tests import planted

X = (planted.pictures(20) + 1) / 2


def reference_hue(x: np.ndarray, turn: float) -> np.ndarray:
    again = np.empty_like(x)
    for y in range(x.shape[1]):
        for across in range(x.shape[2]):
            h, s, v = colorsys.rgb_to_hsv(*x[:, y, across])
            again[:, y, across] = colorsys.hsv_to_rgb((h + turn) % 1, s, v)
    return again


def test_hue_matches_the_reference_of_the_standard_library():
    for k in range(3):
        assert np.abs(changes.hue(X[k : k + 1])[0].numpy() - reference_hue(X[k].double().numpy(), 0.1)).max() <= 1 / 255


@pytest.mark.parametrize("name,kind,factor", [("saturation", "Color", 0.7), ("contrast", "Contrast", 0.45), ("brightness", "Brightness", 0.8)])
def test_jitter_matches_what_the_authors_used(name, kind, factor):
    """The authors' jitter is Pillow's, which rounds to whole grey levels, its means included."""
    pixels = (X * 255).round().to(torch.uint8)
    for picture in pixels:
        image = Image.fromarray(picture.permute(1, 2, 0).numpy())
        reference = torch.from_numpy(np.array(getattr(ImageEnhance, kind)(image).enhance(factor))).permute(2, 0, 1)
        found = getattr(changes, name)(picture[None].float() / 255)[0]
        assert (found - reference / 255).abs().max() <= 1.3 / 255


def test_a_full_circle_of_hue_changes_nothing():
    assert (changes.hue(changes.hue(X, 5.0), 5.0) - X).abs().max() <= 1e-5


def test_grey_pictures_have_no_hue_and_no_saturation():
    grey = X.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    assert torch.allclose(changes.hue(grey), grey, atol=1e-6) and torch.allclose(changes.saturation(grey), grey, atol=1e-3)
    assert torch.equal(changes.hue(grey[:, :1]), grey[:, :1])


def test_a_white_pixel_lands_where_it_should():
    for y, x in ((0, 5), (10, 0), (30, 47), (25, 20)):
        picture = torch.zeros(1, 1, 48, 48)
        picture[0, 0, y, x] = 1
        right = (x + int(4 * math.sin(math.pi * 0.05 * y))) % 48
        down = (y + int(4 * math.sin(math.pi * 0.05 * right))) % 48
        assert changes.shape(picture)[0, 0].nonzero().tolist() == [[down, right]]


def test_denoising_takes_away_grain_and_leaves_edges():
    picture = torch.zeros(1, 1, 32, 32)
    picture[..., 16:] = 0.8
    grainy = picture + 0.02 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    smooth = changes.texture(grainy, 2.0)
    assert (smooth - picture).abs().mean() < (grainy - picture).abs().mean() / 3 and (smooth[..., 16] - smooth[..., 15]).min() > 0.7


def test_denoising_is_a_mean_weighted_by_likeness():
    picture = torch.rand(1, 1, 9, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = changes.texture(picture, 10.0, patch=1, window=3)
    padded = torch.nn.functional.pad(picture, (1,) * 4, mode="reflect")[0, 0]
    for y, x in ((0, 0), (4, 5), (8, 2)):
        near = padded[y : y + 3, x : x + 3]
        weight = torch.exp(-((near - picture[0, 0, y, x]) ** 2) / (40 / 255) ** 2)
        assert abs(float((weight * near).sum() / weight.sum()) - float(found[0, 0, y, x])) < 1e-9


def test_matched_strengths_move_pixels_by_the_same_amount():
    x = planted.pictures(6)
    strengths = changes.matched(x, amount=0.02, names=("hue", "saturation", "contrast"))
    for name, strength in strengths.items():
        assert abs(float((changes.change(name, x, strength) - x).abs().mean()) / 2 - 0.02) < 1e-3
