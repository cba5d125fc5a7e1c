"""Films: what is written is read back by another program and shows the same frames, at the same pace."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import CapabilityError, DataError
from explorer.export import film


def moving(n: int = 12, side: int = 24) -> np.ndarray:
    """A square that moves to the right over a still gradient, `(n, side, side, 3)`."""
    still = np.zeros((side, side, 3), np.uint8)
    still[..., 0] = np.linspace(0, 255, side)[None]
    still[..., 2] = 90
    frames = np.stack([still] * n)
    for i in range(n):
        frames[i, 8:16, i : i + 8] = (250, 200, 20)
    return frames


def read_back(content: bytes) -> tuple[np.ndarray, list[int]]:
    """The frames and their durations, as Pillow sees them."""
    with Image.open(io.BytesIO(content)) as image:
        frames, times = [], []
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            times.append(image.info["duration"])
        assert image.info["loop"] == 0
    return np.stack(frames), times


@pytest.mark.parametrize(("kind", "off"), [("gif", 6), ("webp", 12)])
def test_an_animation_shows_every_frame_for_its_time(kind, off):
    frames, times = read_back(film.encode(kind, moving(), fps=20))
    assert frames.shape == moving().shape and times == [50] * 12
    assert np.abs(frames.astype(int) - moving()).mean() < off


def test_what_stands_still_in_a_gif_does_not_shimmer():
    frames, _ = read_back(film.encode("gif", moving(), fps=10))
    assert np.ptp(frames[:, 18:], axis=0).max() == 0


def test_the_way_back_shows_each_end_once():
    frames, _ = read_back(film.encode("gif", moving(5), fps=10, back=True))
    assert len(frames) == 8 and np.array_equal(frames[1], frames[7]) and np.array_equal(frames[3], frames[5])


def test_a_film_is_enlarged_in_sharp_squares_or_smoothly():
    sharp, _ = read_back(film.encode("gif", moving(2), fps=10, scale=3))
    assert np.array_equal(sharp, np.repeat(np.repeat(sharp[:, ::3, ::3], 3, axis=1), 3, axis=2))
    smooth, _ = read_back(film.encode("gif", moving(2), fps=10, scale=3, smooth=True))
    assert smooth.shape == (2, 72, 72, 3) and len(np.unique(smooth[0, 30])) > len(np.unique(sharp[0, 30]))


def test_grey_pictures_make_films_too():
    frames, _ = read_back(film.encode("gif", moving()[..., :1], fps=10))
    assert np.abs(frames.astype(int) - moving()[..., :1]).mean() < 6


@pytest.mark.parametrize("side", [24, 25])
def test_an_mp4_is_decoded_to_the_same_frames_at_the_same_pace(side):
    av = pytest.importorskip("av")
    content = film.encode("mp4", moving(12, side), fps=12, scale=4, about="a recipe")
    with av.open(io.BytesIO(content)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.average_rate == 12 and stream.pix_fmt == "yuv420p"
        assert container.metadata["comment"] == "a recipe"
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    assert frames.shape == (12, side * 4, side * 4, 3)
    exact = np.repeat(np.repeat(moving(12, side), 4, axis=1), 4, axis=2)
    assert np.abs(frames.astype(int) - exact).mean() < 4


def test_odd_sides_of_an_mp4_become_even():
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(film.encode("mp4", moving(3, 25), fps=10))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (26, 26)


def test_without_its_package_mp4_is_refused_with_what_to_do_and_not_offered(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    assert film.possible() == ("gif", "webp")
    with pytest.raises(CapabilityError, match="pip install av"):
        film.encode("mp4", moving(), fps=10)


def test_too_large_a_film_and_an_unknown_kind_are_refused():
    with pytest.raises(DataError, match="3200×3200"):
        film.encode("gif", np.zeros((2, 400, 400, 3), np.uint8), fps=10, scale=8)
    with pytest.raises(DataError, match="mp4, gif, webp"):
        film.encode("avi", moving(), fps=10)


def test_a_report_can_end_the_writing():
    def stop(done, of):
        if done == 3:
            raise InterruptedError

    for kind in film.possible():
        with pytest.raises(InterruptedError):
            film.encode(kind, moving(), fps=10, report=stop)
