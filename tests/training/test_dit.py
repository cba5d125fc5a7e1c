import itertools

import numpy as np
import pytest
import torch

from explorer.data import avatars
from explorer.models import dit
from explorer.training.dit import Denoising, vocabulary
from explorer.training.loop import Stopped, walk
from tests.textworlds import CONFIG

WORDS = CONFIG["vocabulary"]


class Hats:
    """16 px pictures, red with a hat or grey without, and what is said of them."""

    @staticmethod
    def captions(rows, seed):
        return ["a red hat" if row[0] else "a face" for row in rows]


ROWS = np.arange(64)[:, None] % 2
PIXELS = np.where(ROWS[:, :, None, None], np.array([255, 0, 0]), np.array([128, 128, 128])).astype(np.uint8).repeat(16, axis=1).repeat(16, axis=2)


def course(steps: int = 12, **changes) -> Denoising:
    torch.manual_seed(3)
    given = {
        "net": dit.network(CONFIG),
        "pixels": PIXELS,
        "rows": ROWS,
        "data": Hats,
        "words": WORDS,
        "length": 6,
        "steps": steps,
        "rate": 2e-3,
        "batch": 8,
    }
    return Denoising(**given | changes)


def weights(made: Denoising) -> list[torch.Tensor]:
    return [*made.net.state_dict().values(), *made.mean.state_dict().values()]


def quiet(progress) -> None:
    pass


def test_a_run_that_was_stopped_goes_on_to_the_same_weights_and_the_same_mean(tmp_path):
    whole = course()
    walk(whole, steps=12, file=tmp_path / "whole", report=quiet)
    calls = itertools.count()
    with pytest.raises(Stopped):
        walk(course(), steps=12, file=tmp_path / "parts", report=quiet, stop=lambda: next(calls) == 5)
    resumed = course()
    walk(resumed, steps=12, file=tmp_path / "parts", report=quiet)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    assert not torch.equal(whole.net.head.weight, torch.zeros_like(whole.net.head.weight))


def test_a_run_that_was_killed_goes_on_from_what_it_last_kept_to_the_same_weights(tmp_path):
    whole, killed = course(), course()
    walk(whole, steps=12, file=tmp_path / "whole", report=quiet)
    step = killed.step

    def dying(number: int) -> dict[str, float]:
        if number == 7:
            raise SystemExit
        return step(number)

    killed.step = dying
    with pytest.raises(SystemExit):
        walk(killed, steps=12, file=tmp_path / "parts", report=quiet, every=0.0)
    resumed = course()
    assert walk(resumed, steps=12, file=tmp_path / "parts", report=quiet).step == 12
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))


def test_one_step_from_nothing_moves_only_what_begins_at_zero_at_the_end():
    made = course()
    before = [p.clone() for p in made.net.layers.parameters()]
    made.step(0)
    moved = [float((a - b).abs().max().detach()) for a, b in zip(made.net.layers.parameters(), before)]
    assert max(moved) < 1e-6  # no gradient passes the closed gates and the empty head, only weight decay
    assert made.net.head.bias.abs().max() > 0


def test_the_running_mean_follows_quickly_at_first_and_slowly_later():
    made = course()
    with torch.no_grad():
        made.net.head.bias.fill_(1.0)
    made._follow(0)
    assert made.mean.head.bias[0] == pytest.approx(0.9)
    made.mean.head.bias.zero_()
    made._follow(10**6)
    assert made.mean.head.bias[0] == pytest.approx(0.001, rel=1e-3)


def test_one_caption_in_ten_is_dropped_whole():
    made = course(batch=64)
    chosen = np.arange(64)
    said = torch.cat([made._captions(chosen, step, torch.Generator().manual_seed(step)) for step in range(40)])
    empty = (said == 0).all(dim=1)
    assert 0.07 < float(empty.float().mean()) < 0.13
    assert set((said[~empty] > 0).sum(dim=1).tolist()) == {2, 3}


def test_the_loss_of_a_network_that_draws_grey_is_known():
    made = course()
    generator = torch.Generator().manual_seed(0)
    x = torch.ones(4096, 3, 16, 16)[:256]
    t = torch.sigmoid(torch.randn(256, generator=torch.Generator().manual_seed(0)))
    expected = (1 / t.clamp_min(dit.EARLIEST).square()).mean()  # an untrained network draws zeros: |x - 0|^2 is 1
    assert float(made._loss(x, torch.zeros(256, 6, dtype=torch.long), generator).detach()) == pytest.approx(float(expected), rel=1e-3)


def test_the_rate_rises_stays_and_falls_to_zero():
    made = course(steps=2000)
    rates = []
    for step in (0, 499, 1300, 1700, 1999):
        made.step(step)
        rates.append(made.optimiser.param_groups[0]["lr"] / made.rate)
    assert rates == pytest.approx([1 / 500, 1, 1, 0.5, 1 / 600])


def test_a_tiny_network_learns_which_caption_is_red(tmp_path):
    made = course(steps=300, rate=2e-2, batch=16)
    walk(made, steps=300, file=tmp_path / "state", report=quiet)
    reader = dit.Reader(made.mean, tuple(WORDS))
    noise = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    seen = [reader.clean(noise, torch.tensor([0.95]), reader.embed([caption]))[0].mean(dim=(1, 2)) for caption in ("a red hat", "a face")]
    assert seen[0][0] - seen[0][1] > 1 and (seen[1][0] - seen[1][1]).abs() < 0.5


def test_every_word_of_a_caption_is_known():
    words = vocabulary(avatars)
    said = dit.tokens(avatars.captions(avatars.sample(500, 7), 3), words, 28)
    assert words == sorted(set(words)) and not (said == 1).any() and (said > 0).any(dim=1).all()
