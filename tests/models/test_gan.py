import pytest
import torch
import torch.nn.functional as F

from explorer import checkpoints
from explorer.core.errors import CheckpointError, SpaceError
from explorer.core.model import Card
from explorer.core.space import Code, LatentSpace
from explorer.models import gan
from tests import toys

CPU = torch.device("cpu")
CONFIG = {"size": 16, "channels": 3, "latent": 6, "widths": [12, 64, 8], "mapping": 16, "depth": 2}


def card(**changes) -> Card:
    spaces = tuple({"name": name, "shape": [6], "prior": "normal"} for name in ("z", "w"))
    return Card("toy-gan", "Toy", "gan", CONFIG, spaces).but(**changes)


def net(seed: int = 0) -> gan.GAN:
    torch.manual_seed(seed)
    return gan.network(CONFIG)


def model(seed: int = 0):
    return gan.build(card(), net(seed).state_dict(), CPU)


@pytest.mark.parametrize("up", [False, True])
def test_modulated_activations_equal_modulated_weights(up):
    torch.manual_seed(0)
    layer = gan.Styled(5, 7, 6, up=up)
    torch.nn.init.normal_(layer.bias)
    x, w = torch.randn(3, 5, 8, 8), torch.randn(3, 6)
    for picture, style, outcome in zip(x, layer.style(w), layer(x, w)):
        weight = layer.weight * layer.scale * style[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        y = F.conv2d(F.interpolate(picture[None], scale_factor=2) if up else picture[None], weight, padding=1)
        assert torch.allclose(gan.active(y + layer.bias[:, None, None])[0], outcome, atol=1e-5)


def test_a_modulated_convolution_keeps_unit_variance_whatever_the_style():
    torch.manual_seed(0)
    layer = gan.Styled(64, 32, 6)
    styles = layer.style(10 * torch.randn(4, 6))
    y = layer.convolved(torch.randn(4, 64, 16, 16) * styles[:, :, None, None]) * layer.unit(styles)[:, :, None, None]
    assert y[:, :, 2:-2, 2:-2].var(dim=(1, 2, 3)).sub(1).abs().max() < 0.15


def test_up_sampling_keeps_what_is_flat_flat():
    torch.manual_seed(0)
    y = gan.Styled(5, 7, 6, up=True)(torch.randn(1, 5, 1, 1).expand(1, 5, 6, 6), torch.randn(1, 6))[:, :, 1:-1, 1:-1]
    assert y.shape == (1, 7, 10, 10) and (y - y[:, :, :1, :1]).abs().max() < 1e-5 < y.abs().max()


def test_active_has_unit_second_moment():
    assert float(gan.active(toys.normal(100_000, 1)).square().mean()) == pytest.approx(1, abs=0.02)


@torch.no_grad()
def test_whitening_changes_no_picture():
    own = net()
    white = gan.whitened(own)
    z = toys.normal(16, 6, seed=3)
    assert (white(z) - own(z)).abs().max() < 1e-4
    assert (white.map(z) - own.map(z)).abs().max() > 0.1


@torch.no_grad()
def test_a_widened_net_draws_what_it_drew_of_longer_codes():
    own = net()
    z = toys.normal(4, own.mapping[0].weight.shape[1], seed=3)
    assert torch.allclose(gan.widened(own, 1.5)(z), own(1.5 * z), atol=1e-5)
    assert not torch.allclose(gan.widened(own, 1.5)(z), own(z), atol=1e-3)


def test_whitened_codes_have_mean_zero_and_unit_covariance():
    white = gan.whitened(net())
    w = white.map(toys.normal(50_000, 6, seed=1))  # others than those it was whitened with
    assert w.mean(dim=0).abs().max() < 0.03 and (w.T.cov() - torch.eye(6)).abs().max() < 0.05


@torch.no_grad()
def test_the_lengths_of_w_are_measured_so_that_draws_are_as_typical_as_they_should_be():
    white = gan.whitened(net())
    z, w = gan.spaces(white)
    assert z == LatentSpace("z", (6,)) and (w.prior, len(w.lengths)) == ("radial", 101)
    typical = torch.quantile(w.typicality(white.map(toys.normal(8000, 6, seed=8))), torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(typical, torch.tensor([0.1, 0.5, 0.9]), atol=0.03)
    assert float(w.sample(4000, 0).values.square().mean()) == pytest.approx(1, abs=0.1)


def test_the_axes_of_w_come_in_the_order_of_what_they_change_and_change_it_independently():
    white = gan.whitened(net())
    with torch.no_grad():
        w = white.map(toys.normal(128, 6, seed=5))  # others than those it was turned by
    jacobian = torch.stack([torch.func.jacfwd(lambda v: white.synthesis(v[None]).flatten())(code) for code in w])
    together = torch.einsum("npi,npj->ij", jacobian, jacobian)
    sizes = together.diagonal()
    correlation = together / (sizes[:, None] * sizes).sqrt()
    assert all(a >= 0.9 * b for a, b in zip(sizes, sizes[1:])) and sizes[0] > 4 * sizes[-1]
    assert (correlation - torch.eye(6)).abs().max() < 0.3


@torch.inference_mode()
def test_a_code_of_z_and_its_code_of_w_give_the_same_picture():
    own = model()
    z = own.space.sample(4, 0)
    w = own.mapper.map(z)
    assert z.space.name == "z" and w.space.name == "w" and own.workspace == w.space
    pictures = own.generator.decode(z)
    assert pictures.shape == (4, 3, 16, 16) and pictures.abs().max() <= 1
    assert torch.equal(pictures, own.generator.decode(w)) and torch.equal(own.working(z).values, w.values)


def test_a_truncated_code_is_more_ordinary():
    own = model()
    centre = own.generator.decode(own.code(torch.zeros(1, 6)))
    far, near, none = (own.generator.decode(own.space.sample(32, 0, truncation=share)) - centre for share in (1.0, 0.5, 0.0))
    assert near.square().mean() < 0.6 * far.square().mean() and none.abs().max() < 1e-5


def test_codes_of_another_model_are_refused():
    own = model()
    other = LatentSpace("w", (7,)).sample(1, 0)
    with pytest.raises(SpaceError, match=r"decodes codes of w\[6\], z\[6\], got a code of w\[7\]"):
        own.generator.decode(other)
    with pytest.raises(SpaceError, match=r"takes codes of z\[6\], got codes of w\[6\]"):
        own.mapper.map(own.mapper.map(own.space.sample(1, 0)))


def test_saved_and_loaded_it_draws_the_same(tmp_path):
    file = tmp_path / "toy-gan.safetensors"
    checkpoints.save(file, card(), net().state_dict())
    again, own = checkpoints.load(file), model()
    code = own.space.sample(3, 1)
    assert torch.equal(again.generator.decode(Code(code.values, again.space)), own.generator.decode(code))
    assert again.parts == ("generator", "mapper") and repr(again) == "Model(toy-gan: z[6], w[6]; generator, mapper)"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"spaces": ({"name": "z", "shape": [6]},)}, "needs spaces z and w, got z"),
        ({"spaces": ({"name": "z", "shape": [6]}, {"name": "w", "shape": [5]})}, r"codes of w have shape \(5,\)"),
        ({"config": CONFIG | {"size": 32}}, "3 widths make pictures of 16 pixels, not of 32"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, changes, words):
    file = tmp_path / "toy-gan.safetensors"
    checkpoints.save(file, card(**changes), net().state_dict())
    with pytest.raises(CheckpointError, match=words):
        checkpoints.load(file)


def test_pictures_can_be_differentiated_twice_by_w():
    own = model()
    w = own.working(own.space.sample(1, 0)).values.requires_grad_()
    first = torch.autograd.grad(own.generator.decode(Code(w, own.workspace)).square().sum(), w, create_graph=True)[0]
    second = torch.autograd.grad(first.sum(), w)[0]
    assert torch.isfinite(second).all() and second.abs().sum() > 0
