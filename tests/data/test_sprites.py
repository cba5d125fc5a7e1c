import numpy as np
import pytest

from explorer.data import sprites


def rows_of(*values: tuple[int, int, int, int, int]) -> np.ndarray:
    """Rows of exact values (shape, scale, rotation, x, y)."""
    return sprites._rows(np.ravel_multi_index(tuple(np.array(values).T), sprites.SIDES))


def test_the_grid_is_that_of_dsprites():
    assert sprites.SIDES == (3, 6, 40, 32, 32) and sprites.COUNT == 737_280


def test_rows_carry_their_exact_values_and_the_classes_that_follow_from_them():
    values = [(2, 5, 39, 0, 31), (0, 0, 3, 8, 7), (1, 2, 20, 15, 16)]
    rows = rows_of(*values)
    assert sprites.exact(rows).tolist() == [list(v) for v in values]
    named = [[factor.classes[value] for factor, value in zip(sprites.FACTORS, row)] for row in rows]
    assert named[0] == ["heart", "1.0", "0°", "far left", "bottom"]  # 351° is nearest to 0°
    assert named[1] == ["square", "0.5", "45°", "left", "top"]  # 27° is nearest to 45°
    assert named[2] == ["ellipse", "0.7", "180°", "left", "lower"]


def test_samples_are_even_over_every_factor_and_repeat():
    rows = sprites.sample(40_000, 3)
    assert np.array_equal(rows, sprites.sample(40_000, 3)) and not np.array_equal(rows, sprites.sample(40_000, 4))
    for column, side in zip(sprites.exact(rows).T, sprites.SIDES):
        counts = np.bincount(column, minlength=side)
        assert len(counts) == side and np.abs(counts - 40_000 / side).max() < 5 * (40_000 / side) ** 0.5


def test_a_shape_lies_where_its_row_says_and_is_as_large():
    rows = rows_of((0, 5, 0, 0, 0), (0, 5, 0, 31, 31), (0, 0, 0, 10, 20), (1, 5, 0, 5, 9))
    pictures = sprites.render(rows)[..., 0] / 255.0
    at = np.arange(64) + 0.5
    across = (pictures.sum(axis=1) * at).sum(axis=1) / pictures.sum(axis=(1, 2))
    down = (pictures.sum(axis=2) * at).sum(axis=1) / pictures.sum(axis=(1, 2))
    assert across == pytest.approx([16.5, 47.5, 26.5, 21.5]) and down == pytest.approx([16.5, 47.5, 36.5, 25.5])
    assert pictures.sum(axis=(1, 2)) == pytest.approx([21**2, 21**2, 10.5**2, np.pi * 14.5 * 8.5], rel=0.005)


def test_nothing_is_cut_off_at_the_border():
    rows = rows_of(*((shape, 5, rotation, x, y) for shape in range(3) for rotation in range(0, 40, 5) for x in (0, 31) for y in (0, 31)))
    ink = sprites.render(rows).astype(float).sum(axis=(1, 2, 3))
    middle = sprites.render(rows_of(*((*v[:3], 16, 16) for v in sprites.exact(rows).tolist()))).astype(float).sum(axis=(1, 2, 3))
    assert np.array_equal(ink, middle)
    edge = sprites.render(rows).copy()
    edge[:, 1:-1, 1:-1] = 0
    assert not edge.any()


def test_rotating_turns_clockwise_and_the_heart_starts_with_its_tip_down():
    pictures = sprites.render(rows_of(*((2, 5, rotation, 16, 16) for rotation in (0, 10, 20, 30))))[:, 16:49, 16:49, 0].astype(int)
    assert pictures[0][:16].sum() > pictures[0][17:].sum()  # the lobes are above
    for quarters in (1, 2, 3):
        assert np.abs(pictures[quarters] - np.rot90(pictures[0], -quarters)).max() <= 8


def test_shapes_repeat_after_their_symmetry_and_never_before():
    for shape, different in enumerate((10, 20, 40)):
        every = sprites.render(rows_of(*((shape, 5, rotation, 3, 7) for rotation in range(40))))
        assert len({picture.tobytes() for picture in every}) == different
        assert all(np.array_equal(every[k], every[k % different]) for k in range(40))


def test_only_the_turn_of_hearts_counts_as_visible():
    rows = sprites.sample(300, 0)
    seen = sprites.visible(rows)
    assert np.array_equal(seen[:, 2], rows[:, 0] == 2) and seen[:, [0, 1, 3, 4]].all()


def test_the_parts_share_no_look_and_are_as_large_as_said():
    train, held_out = sprites.split("train"), sprites.split("held-out")
    assert len(train) == 60_000 and len(held_out) == 5_000
    assert len(np.unique(sprites._looks(held_out))) > 4_700 and not np.isin(sprites._looks(held_out), sprites._looks(train)).any()
    assert np.bincount(held_out[:, 0]).min() > 1_500 and np.bincount(train[:, 0]).min() > 19_000


def test_equal_looks_are_equal_pictures_and_others_differ():
    rows = sprites.sample(3_000, 1)
    pictures = [picture.tobytes() for picture in sprites.render(rows)]
    by_look = dict(zip(sprites._looks(rows).tolist(), pictures))
    assert len(set(pictures)) == len(by_look) and all(by_look[look] == p for look, p in zip(sprites._looks(rows).tolist(), pictures))


def test_pictures_are_grey_and_no_rows_give_none():
    pictures = sprites.render(sprites.sample(50, 0))
    assert pictures.shape == (50, 64, 64, 1) and pictures.dtype == np.uint8 and pictures.max() == 255
    assert 0.02 < np.mean((pictures > 0) & (pictures < 255)) / np.mean(pictures > 0) < 0.4  # smooth edges, solid inside
    assert sprites.render(sprites.sample(0, 0)).shape == (0, 64, 64, 1)


def test_captions_are_true_and_say_nothing_of_turns_that_cannot_be_seen():
    rows = sprites.sample(1_000, 2)
    sentences = sprites.captions(rows, 0)
    assert sentences == sprites.captions(rows, 0) != sprites.captions(rows, 1)
    for sentence, row in zip(sentences, rows):
        shape, size, turn, across, height = (factor.classes[value] for factor, value in zip(sprites.FACTORS, row))
        assert shape in sentence and sum(name in sentence for name in sprites.SHAPES) == 1
        assert ("turned" not in sentence) or (shape == "heart" and sentence.split("about ")[1].startswith(turn))
        assert ("size" not in sentence) or f"size {size}" in sentence
        assert ("on the" not in sentence) or f"on the {across}" in sentence
        assert all((words in sentence) <= (where == height) for where, words in sprites.WHERE.items())


def test_rows_are_found_again_by_their_place_in_the_grid():
    rows = sprites.sample(200, 8)
    assert (sprites.at(sprites.exact(rows)) == rows).all()


def test_what_is_held_out_is_told_row_by_row():
    assert sprites.held_out(sprites.split("held-out")).all() and not sprites.held_out(sprites.split("train")).any()
