"""Files as people have them: turned, transparent, deep, moving, damaged, hostile."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import DataError
from explorer.data.pictures import Frame, read

RED, BLUE = (255, 0, 0), (0, 0, 255)


def halves(first=RED, second=BLUE, size=(40, 40)) -> Image.Image:
    """The upper half of one colour, the lower of another."""
    picture = Image.new("RGB", size, first)
    picture.paste(second, (0, size[1] // 2, *size))
    return picture


def saved(tmp_path, picture: Image.Image, kind: str, **options):
    file = tmp_path / f"picture.{kind}"
    picture.save(file, **options)
    return file


def corners(file, channels: int = 3) -> tuple[list[int], list[int]]:
    """A pixel near the upper left and one near the lower right."""
    pixels = read(file, (channels, 16, 16))
    assert pixels.shape == (1, 16, 16, channels) and pixels.dtype == np.uint8
    return pixels[0, 2, 2].tolist(), pixels[0, 13, 13].tolist()


def near(found, expected, by=12) -> bool:
    return all(np.abs(np.array(a) - np.array(b)).max() <= by for a, b in zip(found, expected))


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp", "gif", "tiff"])
def test_every_format_is_read_in_colour_and_in_grey(tmp_path, kind):
    file = saved(tmp_path, halves(), kind)
    assert near(corners(file), (RED, BLUE)) and near(corners(file, 1), ([76], [29]))


def test_a_wide_picture_is_cut_around_its_middle_and_not_squeezed(tmp_path):
    wide = Image.new("RGB", (120, 40), RED)
    wide.paste(BLUE, (40, 0, 80, 40))
    assert near(corners(saved(tmp_path, wide, "png")), (BLUE, BLUE))


def test_a_picture_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    assert near(corners(saved(tmp_path, halves(), "jpg", exif=exif, quality=95)), (BLUE, RED))


def test_nonsense_from_a_camera_is_no_reason_to_refuse_a_picture(tmp_path):
    file = saved(tmp_path, halves(), "jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense", quality=95)
    assert near(corners(file), (RED, BLUE))


def test_what_is_transparent_lies_on_white(tmp_path):
    clear = halves().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 20, 40, 40))
    white = [255, 255, 255]
    assert near(corners(saved(tmp_path, clear, "png")), (RED, white))
    indexed = Image.new("P", (40, 40), 1)
    indexed.putpalette([*BLUE, *RED])
    indexed.paste(0, (0, 20, 40, 40))
    assert near(corners(saved(tmp_path, indexed, "gif", transparency=0)), (RED, white))


def test_printers_colours_and_two_tone_pictures_are_read(tmp_path):
    assert near(corners(saved(tmp_path, halves().convert("CMYK"), "jpg", quality=95)), (RED, BLUE))
    assert corners(saved(tmp_path, halves((255,) * 3, (0,) * 3).convert("1"), "png"), 1) == ([255], [0])


def test_sixteen_bits_keep_their_middle_tones(tmp_path):
    deep = np.full((40, 40), 128 * 257, np.uint16)
    deep[20:] = 20 * 257
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(deep).save(tmp_path / "deep.tiff")
    Image.fromarray((deep / 65535).astype(np.float32)).save(tmp_path / "shares.tiff")
    for name in ("deep.png", "deep.tiff", "shares.tiff"):
        assert near(corners(tmp_path / name, 1), ([128], [20]), by=1), name


def test_the_first_frame_counts(tmp_path):
    for kind in ("gif", "webp", "png"):
        file = tmp_path / f"moving.{kind}"
        halves().save(file, save_all=True, append_images=[halves(BLUE, RED)], duration=50)
        assert near(corners(file), (RED, BLUE)), kind


def test_a_large_photo_looks_as_it_does_when_unpacked_whole(tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(60, 80, 3), dtype=np.uint8)
    file = saved(tmp_path, Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC), "jpg", quality=95)
    whole = Image.open(file).resize((16, 16), Image.Resampling.LANCZOS, box=(200, 0, 1400, 1200))
    assert np.abs(read(file, (3, 16, 16))[0].astype(int) - np.asarray(whole)).max() <= 4


def png(width: int, height: int, data: bytes) -> bytes:
    """A PNG that claims a size."""
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))  # noqa: E731
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read as a picture"),
        (b"hello", "cannot be read as a picture"),
        (png(9_000, 9_000, b""), "9000×9000 pixels, expected at most 64 million"),
        (png(60_000, 60_000, b""), "cannot be read as a picture: Image size"),
        (png(16, 16, zlib.compress(b"\0")), "cannot be read as a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\nshowpage\n", "cannot be read as a picture"),
        (b"GIF89a" + b"\xff" * 40, "cannot be read as a picture"),
        (b"BM" + b"\0" * 60, "cannot be read as a picture"),
    ],
)
def test_what_is_not_a_picture_is_refused_in_a_sentence(tmp_path, content, words):
    file = tmp_path / "picture.png"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read(file, (3, 16, 16))


def test_a_picture_that_is_cut_off_anywhere_is_refused_or_read(tmp_path):
    buffer = io.BytesIO()
    halves().save(buffer, "jpeg")
    whole = buffer.getvalue()
    for length in range(0, len(whole) - 2, 97):
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        with pytest.raises(DataError, match="'cut.jpg' cannot be read"):
            read(tmp_path / "cut.jpg", (3, 16, 16))


def test_a_folder_and_a_link_to_nowhere_are_named(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match="There is no file .*link.png"):
        read(tmp_path / "link.png", (3, 16, 16))
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path, (3, 16, 16))


def test_bytes_are_read_like_a_file_and_named_in_errors(tmp_path):
    file = saved(tmp_path, halves(), "png")
    assert np.array_equal(read(file.read_bytes(), (3, 16, 16)), read(file, (3, 16, 16)))
    with pytest.raises(DataError, match="'me.jpg' cannot be read as a picture: it is none of JPEG, PNG"):
        read(b"hello", (3, 16, 16), name="me.jpg")


def test_a_frame_keeps_a_part_and_stays_inside(tmp_path):
    file = saved(tmp_path, halves(size=(80, 40)), "png")
    upper, lower = read(file, (3, 8, 8), frame=Frame(0.5, 0.2, 0.3)), read(file, (3, 8, 8), frame=Frame(9.0, 9.0, 0.3))
    assert (upper == RED).all() and (lower == BLUE).all()
    wide = Image.new("RGB", (80, 40), RED)
    wide.paste(BLUE, (0, 0, 40, 40))
    file = saved(tmp_path, wide, "jpg", quality=95)
    left, right = read(file, (3, 8, 8), frame=Frame(0.25, 0.5)), read(file, (3, 8, 8), frame=Frame(0.75, 0.5))
    assert near((left[0, 4, 4].tolist(), right[0, 4, 4].tolist()), (BLUE, RED))
