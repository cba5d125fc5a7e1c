"""Sheets: every picture is where it belongs, captions keep to their room."""

import io

import numpy as np
import pytest
from PIL import Image

from explorer.core.errors import DataError
from explorer.export import sheet


def plain(n: int, side: int = 40) -> np.ndarray:
    """Pictures of one grey each, none of them white."""
    return np.stack([np.full((side, side, 3), 10 + 7 * (i % 30), np.uint8) for i in range(n)])


def test_a_strip_is_the_frames_side_by_side():
    assert np.array_equal(np.asarray(sheet.strip(plain(5))), np.concatenate(list(plain(5)), axis=1))


def test_a_contact_sheet_holds_all_pictures_row_by_row_and_captions_below():
    paper = np.asarray(
        sheet.sheet(plain(7), columns=3, captions=[f"{i}\na caption that is much too long for its picture" for i in range(7)], title="A title")
    )
    corners = {}
    for i in range(7):
        rows, columns = np.nonzero((paper == 10 + 7 * i).all(axis=2))
        block = paper[rows.min() : rows.min() + 40, columns.min() : columns.min() + 40]
        assert (block == 10 + 7 * i).all()
        corners[i] = (int(rows.min()), int(columns.min()))
    assert corners[0][0] == corners[2][0] < corners[3][0] == corners[5][0] < corners[6][0]
    assert corners[0][1] == corners[3][1] == corners[6][1] < corners[1][1] < corners[2][1]
    below = paper[corners[0][0] + 40 : corners[3][0]]
    gap = below[:, corners[0][1] + 40 : corners[1][1]]
    assert below.min() < 200 and (gap == 255).all(), "Captions are written, and stay below their own picture."


def test_without_captions_there_is_no_room_for_them():
    assert sheet.sheet(plain(4), columns=2).height == 2 * 40 + 3 * sheet.GAP


def test_a_table_has_its_first_row_on_top_and_names_both_axes():
    with_names = np.asarray(sheet.table(plain(6), across=["-2", "0", "2"], down=["1", "-1"], x="smile", y="age"))
    without = np.asarray(sheet.table(plain(6), across=["-2", "0", "2"], down=["1", "-1"], x="", y=""))
    tops = [np.nonzero((with_names == 10 + 7 * i).all(axis=2))[0].min() for i in range(6)]
    assert tops[0] == tops[1] == tops[2] < tops[3] == tops[5]
    assert (with_names < 200).sum() > (without < 200).sum()


def test_texts_travel_inside_a_png():
    content = sheet.png(Image.new("RGB", (4, 4)), {"recipe": '{"model": "größer"}'})
    with Image.open(io.BytesIO(content)) as image:
        assert image.text["recipe"] == '{"model": "größer"}'


@pytest.mark.parametrize(("n", "scale"), [(240, 8), (2000, 1)])
def test_a_sheet_that_no_program_could_open_is_refused(n, scale):
    with pytest.raises(DataError, match="fewer or smaller"):
        sheet.strip(plain(n), scale=scale)
