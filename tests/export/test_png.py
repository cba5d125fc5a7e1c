"""PNG files carry their recipe, whoever they come back from; `explorer verify` draws it again."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from explorer import cli
from explorer.core.errors import DataError, ExplorerError
from explorer.export import png
from explorer.studio.recipe import Recipe
from explorer.studio.session import Seed, Session, Spot
from explorer.studio.studio import Studio
from tests import studios


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return studios.save_vae(tmp_path_factory.mktemp("toys"))


@pytest.fixture(scope="module")
def saved(toy):
    studio = Studio((toy,), first="toy-vae")
    recipe, pixels = Recipe.make(studio, Session("toy-vae", Spot(Seed(3), ((1, 1.5),))))
    studio.close()
    return png.write(pixels, recipe), recipe, pixels


def run(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def chunks(content: bytes):
    """The chunks of a PNG: type and bytes as they stand."""
    at = 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield content[at + 4 : at + 8], content[at : at + 12 + length]
        at += 12 + length


def test_a_picture_comes_back_with_its_recipe(saved):
    content, recipe, pixels = saved
    found, again = png.read(content)
    assert again == recipe and np.array_equal(found, pixels.repeat(3, axis=-1))


def test_a_recipe_is_found_behind_the_picture_and_packed_too(saved):
    content, recipe, _ = saved
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt(png.CHUNK, recipe.text, zip=True)
    buffer = io.BytesIO()
    Image.open(io.BytesIO(content)).save(buffer, "png", pnginfo=notes)
    assert png.read(buffer.getvalue())[1] == recipe
    parts = list(chunks(content))
    moved = [part for kind, part in parts if kind not in (b"iTXt", b"IEND")] + [part for kind, part in parts if kind in (b"iTXt", b"IEND")]
    assert png.read(content[:8] + b"".join(moved))[1] == recipe


def bomb() -> bytes:
    """A PNG whose text unpacks to a hundred megabytes."""
    notes = PngImagePlugin.PngInfo()
    text = b"latent-explorer\0\1\0\0\0" + zlib.compress(b"x" * 10**8, 9)
    notes.add(b"iTXt", text)
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "png", pnginfo=notes)
    return buffer.getvalue()


def plain(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no PNG file"),
        (b"hello", "no PNG file"),
        (plain("jpeg"), "no PNG file"),
        (plain("png"), "carries no recipe"),
        (plain("png")[:40], "cannot be read as a PNG|no PNG file|carries no recipe"),
        (bomb(), "cannot be read as a PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "cannot be read as a PNG|no PNG file"),
    ],
)
def test_what_is_no_png_with_a_recipe_is_refused_in_a_sentence(content, words):
    with pytest.raises(DataError, match=words):
        png.read(content)


def test_any_damage_is_refused_or_read_and_never_a_crash(saved):
    content, random = saved[0], np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(random.integers(1, 6)):
            damaged[random.integers(8, len(damaged))] = random.integers(256)
        try:
            png.read(bytes(damaged[: random.integers(20, len(damaged) + 1)]))
        except ExplorerError as error:
            assert str(error).endswith(".")


def test_verify_draws_the_picture_again_and_prints_the_difference(saved, toy, tmp_path):
    (tmp_path / "face.png").write_bytes(saved[0])
    result = run("verify", tmp_path / "face.png", "--model", toy)
    assert result.exit_code == 0 and "differs by 0/255" in result.stdout and "Passed" in result.stdout
    report = json.loads(run("verify", tmp_path / "face.png", "--model", toy, "--json").stdout)
    assert report["passed"] and report["difference"] == 0 and report["untouched"] and report["here"] and report["model"] == "toy-vae"


def test_verify_fails_for_a_picture_that_was_changed(saved, toy, tmp_path):
    _, recipe, pixels = saved
    for change, tolerance, code in ((2, 3, 0), (2, 1, 1), (40, 3, 1)):
        shifted = np.where(pixels > 128, pixels - change, pixels + change).astype(np.uint8)
        (tmp_path / "face.png").write_bytes(png.write(shifted, recipe))
        result = run("verify", tmp_path / "face.png", "--model", toy, "--tolerance", tolerance)
        assert result.exit_code == code and f"differs by {change}/255" in result.stdout and "have been changed" in result.stdout


def test_verify_says_what_is_missing(saved, tmp_path):
    (tmp_path / "face.png").write_bytes(saved[0])
    assert "'toy-vae', which is not here" in str(run("verify", tmp_path / "face.png").exception)
    assert "cannot be read" in str(run("verify", tmp_path / "none.png").exception)
    (tmp_path / "plain.png").write_bytes(plain("png"))
    assert "'plain.png' carries no recipe" in str(run("verify", tmp_path / "plain.png").exception)
    Image.open(tmp_path / "face.png").resize((8, 8)).save(tmp_path / "small.png")
    assert "carries no recipe" in str(run("verify", tmp_path / "small.png").exception)


def test_a_saved_picture_is_told_as_python(saved, toy, tmp_path):
    (tmp_path / "face.png").write_bytes(saved[0])
    result = run("python", tmp_path / "face.png", "--model", toy)
    names: dict = {}
    exec(compile(result.stdout, "told", "exec"), names)
    assert result.exit_code == 0 and "seed=3" in result.stdout and np.abs(names["picture"].astype(int) - saved[2]).max() <= 1
