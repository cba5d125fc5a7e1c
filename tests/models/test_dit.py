import pytest
import torch

from explorer import checkpoints
from explorer.core.errors import CheckpointError, DataError, SpaceError
from explorer.core.space import LatentSpace
from explorer.core.text import led, velocity
from explorer.models import dit
from tests.textworlds import CONFIG, transformer

WORDS = CONFIG["vocabulary"]


def noisy(n: int = 2) -> torch.Tensor:
    return torch.randn(n, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_words_become_numbers_and_what_is_not_known_becomes_one():
    found = dit.tokens(["A red T-shirt, with 3 hats!", ""], WORDS, 6)
    assert found.tolist() == [[2, 5, 6, 7, 1, 1], [0] * 6]
    assert dit.tokens(["a " * 50], WORDS, 6).shape == (1, 6) and dit.tokens([], WORDS, 6).shape == (0, 6)


def test_signs_of_other_scripts_are_no_words_and_never_an_error():
    assert dit.tokens(["🙂 وجه 顔"], WORDS, 6).tolist() == [[0] * 6]


def test_a_caption_of_nothing_is_the_same_whatever_stands_in_its_place():
    net = transformer().denoiser.net
    with torch.inference_mode():
        first, second = (net(noisy(), torch.tensor([0.4, 0.8]), torch.zeros(2, 6, dtype=torch.long)) for _ in range(2))
        net.words.weight[0] += 5  # the word that is not there
        third = net(noisy(), torch.tensor([0.4, 0.8]), torch.zeros(2, 6, dtype=torch.long))
    assert torch.equal(first, second) and torch.allclose(first, third, atol=1e-5)


def test_words_after_the_end_of_a_caption_change_nothing_but_words_within_do():
    reader = transformer().denoiser
    t = torch.tensor([0.5])
    short, other = reader.embed(["a hat"]), reader.embed(["a face"])
    padded = type(short)(torch.cat([short.rows[:, :2], torch.randn(1, 4, 32)], dim=1), short.presence, short.pooled)
    assert torch.allclose(reader.clean(noisy(1), t, short), reader.clean(noisy(1), t, padded), atol=1e-5)
    assert not torch.allclose(reader.clean(noisy(1), t, short), reader.clean(noisy(1), t, other), atol=1e-3)


def test_a_word_that_is_there_by_degrees_lies_between_none_and_whole():
    reader = transformer().denoiser
    none, whole = reader.embed(["a"]), reader.embed(["a hat"])
    pictures = [reader.clean(noisy(1), torch.tensor([0.5]), none.towards(whole, amount)) for amount in (0, 0.01, 0.5, 0.99, 1)]
    plain = [reader.clean(noisy(1), torch.tensor([0.5]), end) for end in (none, whole)]
    assert torch.allclose(pictures[0], plain[0], atol=1e-5) and torch.allclose(pictures[4], plain[1], atol=1e-5)
    steps = [float((b - a).norm()) for a, b in zip(pictures, pictures[1:])]
    whole_way = float((plain[1] - plain[0]).norm())
    assert steps[0] < 0.1 * whole_way and steps[3] < 0.1 * whole_way and sum(steps) < 1.5 * whole_way


def test_presence_of_yes_and_no_and_of_zeros_and_ones_is_the_same():
    net = transformer().denoiser.net
    said = dit.tokens(["a hat", "red face with"], WORDS, 6)
    rows, pooled = net.embed(said)
    t = torch.tensor([0.3, 0.6])
    assert torch.allclose(net(noisy(), t, said), net.denoise(noisy(), t, rows, pooled, (said > 0).float()), atol=1e-6)


def test_an_untrained_network_draws_nothing_and_every_layer_begins_as_the_identity():
    torch.manual_seed(0)
    net = dit.network(CONFIG)
    said = dit.tokens(["a hat", ""], WORDS, 6)
    assert torch.equal(net(noisy(), torch.tensor([0.2, 0.9]), said), torch.zeros(2, 3, 16, 16))
    x, (c, pooled) = torch.randn(2, 16, 32), net.embed(said)
    seen = torch.ones(2, 1, 1, 22, dtype=torch.bool)
    left = net.layers[0](x, c, pooled, seen)
    assert torch.equal(left[0], x) and torch.equal(left[1], c)


def test_the_velocity_leads_from_noise_to_the_clean_picture():
    clean, noise = torch.randn(3, 3, 4, 4), torch.randn(3, 3, 4, 4)
    t = torch.tensor([0.1, 0.5, 1.0])
    z = (1 - t).view(-1, 1, 1, 1) * clean + t.view(-1, 1, 1, 1) * noise
    assert torch.allclose(dit.velocity(z, clean, t), noise - clean, atol=1e-5)
    early = torch.tensor([0.01] * 3)
    assert torch.allclose(dit.velocity(z, clean, early), (z - clean) / dit.EARLIEST)
    assert torch.allclose(velocity(lambda z, t: clean[1:2], z[1:2], 0.5), (noise - clean)[1:2], atol=1e-5)


def test_guidance_leads_away_from_the_null_caption():
    reader = transformer().denoiser
    said = reader.embed(["red hat"])
    t = torch.tensor([0.5, 0.5])
    none, one = (led(reader, each)(noisy(), t) for each in (reader.embed([""]), said))
    assert torch.allclose(led(reader, said, 3.0)(noisy(), t), none + 3 * (one - none), atol=1e-4)
    assert torch.allclose(led(reader, said, 0.0)(noisy(), t), none, atol=1e-5)


def test_the_generator_draws_from_noise_and_a_caption():
    model = transformer()
    code = model.space.sample(2, 0)
    drawn = model.generator.decode(code)
    assert drawn.shape == (2, 3, 16, 16) and drawn.abs().max() <= 1 and torch.equal(drawn, model.generator.decode(code))
    said = model.generator.saying("a red hat")
    assert not torch.allclose(said.decode(code), drawn, atol=1e-3)
    assert torch.allclose(said.drawn(["a red hat", "a face"], code.values)[:1], said.decode(code[:1]), atol=1e-5)
    assert said.hurried().steps < said.steps and said.hurried().caption == "a red hat"
    assert model.parts == ("generator", "denoiser")


def test_pictures_can_be_differentiated_by_their_noise():
    model = transformer()
    z = model.space.sample(1, 0).values.requires_grad_()
    model.generator.hurried().decode(model.code(z)).sum().backward()
    assert z.grad.isfinite().all() and z.grad.abs().sum() > 0


def test_a_model_survives_its_file(tmp_path):
    model = transformer()
    checkpoints.save(tmp_path / "toy.safetensors", model.card, model.denoiser.net.state_dict())
    again = checkpoints.load(tmp_path / "toy.safetensors")
    code = model.space.sample(1, 3)
    assert torch.allclose(again.generator.saying("hat").decode(code), model.generator.saying("hat").decode(code), atol=1e-5)


def test_what_cannot_be_is_said():
    model = transformer()
    with pytest.raises(DataError, match="A caption may have 2,000 characters, got 10,000"):
        model.generator.saying("a" * 10_000)
    with pytest.raises(SpaceError, match=r"draws from noise\[3, 16, 16\], got a code of z\[4\]"):
        model.generator.decode(LatentSpace("z", (4,)).sample(1, 0))
    with pytest.raises(DataError, match="2 captions do not fit 3 pictures"):
        model.denoiser.embed(["a", "b"]).repeated(3)


def test_a_card_with_another_shape_of_noise_is_refused(tmp_path):
    model = transformer()
    card = model.card.but(spaces=({"name": "noise", "shape": [3, 8, 8]},))
    checkpoints.save(tmp_path / "toy.safetensors", card, model.denoiser.net.state_dict())
    with pytest.raises(CheckpointError, match="says its noise has shape"):
        checkpoints.load(tmp_path / "toy.safetensors")


def test_a_preview_is_half_as_large_and_a_network_without_numbers_still_says_what_it_is():
    model = transformer()
    assert model.generator.preview(model.space.sample(2, 0)).shape == (2, 3, 8, 8)
    shapes = {name: torch.empty_like(t, device="meta") for name, t in model.denoiser.net.state_dict().items()}
    assert dit.build(model.card, shapes, torch.device("meta")).generator.picture_shape == (3, 16, 16)
