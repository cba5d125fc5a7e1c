"""What every model promises, asked of every bundled checkpoint and of a toy."""

import pytest
import torch

import explorer
from explorer import atlases, checkpoints
from explorer.core.errors import SpaceError
from explorer.core.space import Code, LatentSpace
from explorer.render import from_pixels
from explorer.studio.studio import Studio
from tests import studios

NAMES = [file.stem for file in checkpoints.bundled()]


@pytest.fixture(scope="module", params=[*NAMES, "toy-vae"])
def model(request, tmp_path_factory):
    return explorer.load(studios.save_vae(tmp_path_factory.mktemp("toy")) if request.param == "toy-vae" else request.param)


def need(model, part):
    """The part, or an end to a test that is about models that have it."""
    if getattr(model, part) is None:
        assert part not in model.parts
        pytest.skip(f"{model.card.name} has no {part}")
    return getattr(model, part)


def test_the_bundled_models_are_there():
    assert {"avatars-vae", "digits-vae", "avatars-judge"} <= set(NAMES)


@torch.inference_mode()
def test_pictures_have_the_promised_shape_and_range_and_repeat(model):
    generator = need(model, "generator")
    code = model.space.sample(3, seed=1)
    pictures = generator.decode(code)
    assert tuple(pictures.shape) == (3, *generator.picture_shape) and torch.isfinite(pictures).all() and pictures.abs().max() <= 1
    assert torch.equal(pictures, generator.decode(model.space.sample(3, seed=1)))


@torch.inference_mode()
def test_a_picture_does_not_depend_on_its_neighbours_in_the_batch(model):
    generator = need(model, "generator")
    code = model.space.sample(5, seed=2)
    assert (generator.decode(code)[3:4] - generator.decode(code[3:4])).abs().max() < 1e-4


def test_foreign_and_misshapen_codes_are_refused_by_name(model):
    generator = need(model, "generator")
    foreign = LatentSpace("foreign", (3,))
    with pytest.raises(SpaceError, match="foreign"):
        generator.decode(foreign.sample(1, seed=0))
    with pytest.raises(SpaceError, match="shape"):
        model.code(torch.zeros(1, 3))
    with pytest.raises(SpaceError, match="NaN"):
        model.code(torch.full((1, *model.space.shape), float("nan")))


@torch.inference_mode()
def test_encoding_gives_codes_of_the_model_and_positive_variances(model):
    encoder, generator = need(model, "encoder"), need(model, "generator")
    pictures = generator.decode(model.space.sample(4, seed=0))
    posterior = encoder.posterior(pictures)
    assert encoder.encode(pictures).space in model.spaces and (posterior.variance > 0).all()
    assert torch.equal(encoder.encode(pictures).values, posterior.mean)
    assert torch.equal(posterior.sample(3).values, posterior.sample(3).values)


@torch.inference_mode()
def test_a_classifier_answers_every_question_with_its_classes(model):
    classifier = need(model, "classifier")
    shape = (model.card.config["channels"], model.card.config["size"], model.card.config["size"])
    answers = classifier.logits(torch.zeros(2, *shape))
    assert {q: a.shape[1] for q, a in answers.items()} == {q: len(c) for q, c in classifier.questions.items()}
    assert need(model, "features").features(torch.zeros(2, *shape)).shape[0] == 2


def test_the_card_says_what_there_is(model):
    assert model.card.name in repr(model) and model.card.weights and model.card.licence and model.card.latent_spaces == model.spaces


def test_saving_and_loading_again_changes_nothing(model, tmp_path):
    generator = need(model, "generator")
    file = checkpoints.find(model.card.name) if model.card.name in NAMES else None
    if file is None:
        pytest.skip("the toy is saved by every other test")
    checkpoints.save(tmp_path / "again.safetensors", model.card, checkpoints.tensors(file))
    again = explorer.load(tmp_path / "again.safetensors")
    code = model.space.sample(2, seed=0)
    assert torch.equal(again.generator.decode(Code(code.values, again.space)), generator.decode(code)) and again.card.weights == model.card.weights


@pytest.mark.parametrize("name", [n for n in NAMES if atlases.file_of(checkpoints.find(n)).exists()])
@torch.inference_mode()
def test_an_atlas_belongs_to_its_model_and_its_codes_are_what_the_encoder_finds_in_the_thumbnails_world(name):
    studio = Studio()
    model, atlas = studio.model(name), studio.atlas(name)
    need(model, "encoder")
    assert atlas.weights == model.card.weights and len(atlas) >= 1000 and {"pca", "umap"} <= set(atlas.layouts)
    assert atlas.codes.shape == atlas.variance.shape == (len(atlas), model.space.size) and len(atlas.axes) == model.space.size
    pixels = studio.decode(name, model.code(atlas.codes[:20].reshape(20, *model.space.shape)))
    again = model.encoder.encode(from_pixels(pixels)).values.flatten(1)
    near = torch.cdist(again, atlas.codes).topk(10, largest=False).indices
    found = (near == torch.arange(20)[:, None]).any(dim=1).float().mean()
    assert found >= 0.7  # decoding and encoding comes back to the same entry, or to one of the ten nearest of ten thousand
    studio.close()


@pytest.mark.parametrize("name", NAMES)
def test_bundled_files_are_small_enough(name):
    file = checkpoints.find(name)
    beside = [path for path in file.parent.glob(f"{name}.*") if path != file]
    assert file.stat().st_size < 25e6 and sum(path.stat().st_size for path in beside) <= 5 * 2**20


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_decoders_stay_within_sixty_million_multiply_adds(name):
    model = explorer.load(name)
    if model.generator is None:
        pytest.skip("no generator")
    assert model.card.quality["multiply_adds"] <= 60e6
