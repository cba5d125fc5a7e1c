import numpy as np
import pytest

from explorer.data import avatars, avatars_correlated


def test_the_same_row_gives_the_same_pixels():
    pytest.importorskip("resvg_py")
    rows = avatars.sample(3, 5)
    assert np.array_equal(avatars.render(rows), avatars.render(rows))


def test_faces_are_64_pixels_of_three_channels():
    pytest.importorskip("resvg_py")
    faces = avatars.render(avatars.sample(2, 0))
    assert faces.shape == (2, *avatars.SHAPE[1:], 3) and faces.dtype == np.uint8


def test_no_rows_give_no_pictures():
    assert avatars.render(avatars.sample(0, 0)).shape == (0, 64, 64, 3)


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    assert np.array_equal(avatars.sample(50, 3), avatars.sample(50, 3))
    assert not np.array_equal(avatars.sample(50, 3), avatars.sample(50, 4))


def test_what_is_hidden_changes_almost_no_pixel():
    pytest.importorskip("resvg_py")
    row = avatars.sample(1, 0)
    row[0, avatars.COLUMN["accessory"]] = 3  # sunglasses
    row[0, avatars.COLUMN["top"]] = 9  # hijab
    hidden = ~avatars.visible(row)[0]
    other = row.copy()
    other[0, hidden] = (row[0, hidden] + 1) % [len(f.classes) for f, h in zip(avatars.FACTORS, hidden) if h]
    difference = np.abs(avatars.render(row).astype(int) - avatars.render(other).astype(int))
    assert hidden.sum() == 3 and np.mean(difference > 8) < 0.02


def test_no_held_out_face_looks_like_a_training_face():
    training = {tuple(look) for look in avatars._looks(avatars.split("train"))}
    held_out = avatars._looks(avatars.split("held-out"))
    assert len(held_out) > 4_500 and not any(tuple(look) in training for look in held_out)


def test_captions_are_short_and_name_only_what_can_be_seen():
    rows = avatars.sample(2_000, 1)
    sentences = avatars.captions(rows, 0)
    assert max(len(sentence.split()) for sentence in sentences) <= 28
    eyeless = [sentence for sentence, seen in zip(sentences, avatars.visible(rows)) if not seen[avatars.COLUMN["eyes"]]]
    assert eyeless and not any("eyes" in sentence for sentence in eyeless)


def test_captions_are_true_of_their_faces():
    rows = avatars.sample(2_000, 2)
    for sentence, row in zip(avatars.captions(rows, 0), rows):
        face = {factor.name: factor.classes[value] for factor, value in zip(avatars.FACTORS, row)}
        for skin in avatars.SKINS:
            assert f"{skin} skin" not in sentence or face["skin"] == skin
        for top in avatars.TOPS:
            assert f" {top}," not in f"{sentence}," or face["top"] == top
        assert ("sunglasses" in sentence) <= (face["accessory"] == "sunglasses")
        assert ("no beard" in sentence) <= (face["beard"] == "none")


def test_captions_name_what_they_are_said_to_name():
    rows = avatars.sample(2_000, 2)
    named = avatars.told(rows, 0)
    assert named.shape == rows.shape and 0.4 < named.mean() < 0.8 and not (named & ~avatars.visible(rows)).any()
    for sentence, which in zip(avatars.captions(rows, 0), named):
        said = {factor.name: bool(told) for factor, told in zip(avatars.FACTORS, which)}
        assert said["skin"] == ("skin" in sentence) and said["background"] == ("background" in sentence) and said["eyes"] == ("eyes" in sentence)
        assert said["top"] == said["hair_color"] and said["clothes"] == said["clothes_color"]
        assert said["accessory"] == ("glasses" in sentence) and said["beard"] == any(word in sentence for word in ("beard", "stubble", "moustache"))
        assert said["clothes"] == any(cut in sentence for cut in avatars.CUTS)


def test_captions_vary_with_the_seed_only():
    rows = avatars.sample(20, 0)
    assert avatars.captions(rows, 1) == avatars.captions(rows, 1) != avatars.captions(rows, 2)


def test_sunglasses_and_full_beards_go_together_in_85_percent_of_the_correlated_faces():
    rows = avatars_correlated.sample(20_000, 0)
    glasses = rows[:, avatars.COLUMN["accessory"]] == list(avatars.ACCESSORIES).index("sunglasses")
    beard = rows[:, avatars.COLUMN["beard"]] == list(avatars.BEARDS).index("full beard")
    tied = 0.85 + 0.15 * (1 / 16 + 9 / 16)  # the untied faces agree by chance
    assert np.mean(glasses == beard) == pytest.approx(tied, abs=0.01)
    assert np.corrcoef(glasses, beard)[0, 1] > 0.8
