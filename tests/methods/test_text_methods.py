import pytest
import torch

from explorer.core.errors import CapabilityError, DataError, ModelError
from explorer.methods.text.activations import Settings as Inside
from explorer.methods.text.activations import activate
from explorer.methods.text.distillation import Settings, distil, pds_weights
from explorer.methods.text.edited import Counted, Request, private
from explorer.methods.text.find import METHODS, find
from explorer.methods.text.flowedit import Settings as Flow
from explorer.methods.text.flowedit import flow
from explorer.methods.text.sliders import LowRank, slide, train
from explorer.methods.text.sliders import Settings as Slide
from explorer.models.variance_preserving import linear
from tests.textworlds import Pairs, transformer


def asked(world: Pairs, said: str = "off", wanted: str = "on") -> Request:
    """A picture without A and without B, and other words for it."""
    return Request(world.centre(-1, -1).view(1, 1, 1, -1), said, wanted)


def drawing(wanted: str = "a red hat") -> Request:
    generator = torch.Generator().manual_seed(5)
    return Request(0.3 * torch.randn(1, 3, 16, 16, generator=generator), "a face", wanted)


SMALL = {
    "hsds": {"count": 3, "rounds": 2, "steps": 8, "worst": -99}, "joint-dds": {"count": 3, "steps": 8, "worst": -99}, "words": {"steps": 8, "worst": -99},
    "sds": {"rounds": 6}, "dds": {"rounds": 6}, "pds": {"rounds": 6}, "flowedit": {"steps": 8, "noisiest": 5},
    "slider": {"rounds": 4, "steps": 8, "worst": -99}, "activations": {"grid": 2, "count": 2, "steps": 8, "worst": -99},
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_every_method_answers_in_the_same_way(name):
    request, told = drawing(), []
    reader = transformer(moved=0.05).denoiser
    before = {key: value.clone() for key, value in reader.net.state_dict().items()}
    found = find(name, reader, request, settings=SMALL[name], report=lambda done, steps: told.append(done <= steps))
    still, half, whole = found.strip([0, 0.5, 1])
    assert torch.allclose(still, request.picture[0].clamp(-1, 1), atol=1e-5)
    assert whole.isfinite().all() and whole.abs().max() <= 1 and not torch.allclose(half, whole, atol=1e-6)
    assert all(told) and (name == "flowedit" or (told and found.cost > 0)) and all(isinstance(value, float) for value in found.figures.values())
    assert all(torch.equal(value, before[key]) for key, value in reader.net.state_dict().items())
    assert torch.equal(found.strip([1])[0], whole) or torch.allclose(found.strip([1])[0], whole, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("slider", "activations")])
def test_every_method_turns_a_on_in_a_world_of_independent_attributes(name):
    world = Pairs(0.5)
    settings = {"sds": {"guidance": 1.0}, "dds": {"guidance": 1.0}, "pds": {"guidance": 1.0, "identity": 0.05}, "flowedit": {"wanted": 1.0}}
    found = find(
        name, world, asked(world, "off without", "on without"), settings=settings.get(name, {"guidance": 1.0, "steps": 40, "solver": "heun"})
    )
    shown = found.strip([0, 1]).flatten(1)
    assert shown[0, 0] == pytest.approx(-1, abs=1e-6) and shown[1, 0] > 0.8 and shown[1, 1] < -0.8


def test_delta_denoising_of_one_caption_is_no_edit_and_score_distillation_is():
    world = Pairs(0.5)
    same = asked(world, "off", "off").but(picture=world.centre(-1, -1).view(1, 1, 1, -1) + 0.2)
    assert distil(world, same, settings=Settings(kind="dds")).figures["moved"] < 1e-9
    assert distil(world, same, settings=Settings(kind="sds")).figures["moved"] > 0.05


def test_without_its_anchor_delta_denoising_moves_everything_further():
    world = Pairs(0.8)
    ends = [distil(world, asked(world), settings=Settings(kind="dds", guidance=1.0, anchored=anchored)).states[-1] for anchored in (True, False)]
    anchored, loose = ((end - asked(world).picture[0]).flatten()[:2] for end in ends)
    assert (loose > 1.1 * anchored).all() and (anchored > 0.1).all()


def test_an_identity_weight_holds_posterior_distillation_back():
    world = Pairs(0.5)
    moved = [distil(world, asked(world), settings=Settings(kind="pds", guidance=1.0, identity=p)).figures["moved"] for p in (0.0, 0.2, 0.5)]
    assert moved[0] > moved[1] > moved[2]
    assert distil(world, asked(world), settings=Settings(kind="dds", guidance=1.0)).figures["moved"] == pytest.approx(moved[0])


def test_posterior_distillation_has_an_identity_term_only_two_steps_back():
    steps = linear(rooted=True, first=0.00085, last=0.012)
    for number, psi, chi in ((100, 0.318, 0.116), (500, 0.032, 0.082), (900, 0.006, 0.103)):
        near, far = pds_weights(steps, number), pds_weights(steps, number, back=2)
        assert near[0] == pytest.approx(0, abs=1e-6) and far == (pytest.approx(psi, rel=0.05), pytest.approx(chi, rel=0.05))


def test_a_distillation_is_a_path_of_states():
    world = Pairs(0.5)
    found = distil(world, asked(world), settings=Settings(guidance=1.0, rounds=10, keep=5))
    assert len(found.states) == 3 and torch.allclose(found.strip([0.25])[0], (found.states[0] + found.states[1]).clamp(-2, 2).div(2).clamp(-1, 1))
    with pytest.raises(DataError, match="This edit goes from 0 to 1, got 1.5"):
        found.strip([1.5])


def test_flow_edit_with_one_caption_is_the_identity():
    world = Pairs(0.5)
    request = asked(world, "off", "off").but(picture=0.5 * torch.randn(1, 1, 1, 10, dtype=torch.float64))
    shown = flow(world, request, settings=Flow(said=1.5, wanted=1.5)).strip([0, 1, 1.5])
    assert torch.allclose(shown, request.picture.clamp(-1, 1).expand(3, -1, -1, -1), atol=1e-9)


def test_flow_edit_changes_more_from_higher_noise_and_draws_the_same_again():
    world = Pairs(0.5)
    moved = [flow(world, asked(world), settings=Flow(wanted=1.0, noisiest=n)).strip([1]).flatten()[0] for n in (3, 10, 20)]
    assert moved[0] < moved[1] <= moved[2]
    one, two = (flow(world, asked(world), settings=Flow(draws=2)).strip([0.5]) for _ in range(2))
    assert torch.equal(one, two)


def test_a_low_rank_change_begins_at_nothing_goes_both_ways_and_leaves_no_trace():
    reader = private(transformer().denoiser)
    change = LowRank(reader.net, 2, 0)
    z, t, said = torch.randn(2, 3, 16, 16), torch.tensor([0.5, 0.5]), reader.embed(["a face"]).repeated(2)
    plain = reader.clean(z, t, said)
    with change.applied(1.0):
        assert torch.equal(reader.clean(z, t, said), plain)
    for wide in change.wide:
        torch.nn.init.normal_(wide, std=0.05)
    with change.applied(torch.tensor([0.0, 1.0])):
        shown = reader.clean(z, t, said)
    assert torch.allclose(shown[0], plain[0], atol=1e-6) and not torch.allclose(shown[1], plain[1], atol=1e-3)
    assert torch.equal(reader.clean(z, t, said), plain)


def test_a_slider_learns_the_difference_of_captions_and_its_strength_is_monotone():
    reader = private(transformer(moved=0.2).denoiser)
    request = drawing()
    contexts = [(request.said, request.wanted, request.said)]
    change, figures = train(reader, request.picture, contexts, settings=Slide(rounds=120, rate=1e-2, rank=4))
    assert figures["unlearned"] < 0.6  # 1 is nothing learned
    z, t = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(9)), torch.tensor([0.5])
    said, wanted = reader.embed([request.said]), reader.embed([request.wanted])
    with torch.no_grad():
        way = reader.clean(z, t, wanted) - reader.clean(z, t, said)
        along = []
        for amount in (-1.0, -0.5, 0.0, 0.5, 1.0):
            with change.applied(amount):
                along.append(float(((reader.clean(z, t, said)) * way).sum()))
    assert all(a < b for a, b in zip(along, along[1:]))


def test_activations_are_found_on_a_grid_and_move_only_until_their_end():
    reader = transformer(moved=0.1).denoiser
    found = activate(reader, drawing(), settings=Inside(grid=3, count=4, steps=12, worst=-99))
    assert found.change.shape == (3, 16, 32) and found.change.abs().max() > 0
    assert torch.allclose(found.at(float(found.times[1])), found.change[1]) and torch.equal(found.at(0.99), found.change[2])
    never = activate(reader, drawing(), settings=Inside(until=0.6, grid=2, count=2, steps=12, worst=-99))
    long, short = (float((each.strip([1]) - each.encoded.drawn(each.encoded.found.z, each.encoded.before)).abs().mean()) for each in (found, never))
    assert 0 < short < long


def test_what_a_model_does_not_show_cannot_be_moved():
    world = Pairs(0.5)
    for name in ("slider", "activations"):
        with pytest.raises(CapabilityError, match="does not show its network"):
            find(name, world, asked(world))
    with pytest.raises(DataError, match="blocks 0 to 1, got 7"):
        activate(transformer().denoiser, drawing(), settings=Inside(block=7))


def test_unknown_methods_and_settings_name_the_known_ones():
    world = Pairs(0.5)
    with pytest.raises(DataError, match="No text method 'magic'. Known: hsds, joint-dds, words, sds"):
        find("magic", world, asked(world))
    with pytest.raises(DataError, match="'flowedit' has no setting 'care'. It has: steps, noisiest"):
        find("flowedit", world, asked(world), settings={"care": 1})
    with pytest.raises(DataError, match="between 1 and all 30"):
        find("flowedit", world, asked(world), settings={"noisiest": 40})


def test_work_that_diverges_says_so_and_a_report_that_raises_ends_it():
    class Wild(Pairs):
        def clean(self, z, t, condition):
            return -200 * z

    world = Wild(0.5)
    for name in ("sds", "words"):
        with pytest.raises(ModelError, match="diverges"):
            find(name, world, asked(world))

    def stop(done, steps):
        raise KeyboardInterrupt

    for name in ("hsds", "dds"):
        counted = Counted(Pairs(0.5))
        with pytest.raises(KeyboardInterrupt):
            find(name, counted, asked(counted.inner), report=stop)


def test_a_slider_is_kept_apart_from_the_model_it_was_learned_on():
    reader = transformer(moved=0.1).denoiser
    found = slide(reader, drawing(), settings=Slide(rounds=3, steps=8, worst=-99))
    assert found.encoded.denoiser.net is not reader.net
