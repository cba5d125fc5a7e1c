"""What a card says of its quality, as rows to read."""

from explorer import checkpoints
from explorer.studio.measured import conditions, rows


def test_a_figure_comes_with_its_unit_and_how_it_was_measured():
    told = rows({"psnr_db": 31.7, "how": "On 10 pictures. psnr_db: from the mean."})
    assert told == [{"name": "Likeness of reconstructions", "unit": "dB", "values": [("", 31.7)], "sum": None, "how": "From the mean."}]
    assert conditions({"psnr_db": 31.7, "how": "On 10 pictures. psnr_db: from the mean."}) == "On 10 pictures."


def test_several_figures_are_one_row_with_what_sums_them_up():
    (row,) = rows({"agreement": {"skin": 1.0, "hair_color": 0.5}, "agreement_mean": 0.75})
    assert row["values"] == [("Skin", 1.0), ("Hair color", 0.5)] and row["sum"] == ("on average", 0.75)


def test_what_nobody_has_a_name_for_is_shown_by_its_own_with_values_in_intervals_and_words():
    told = rows({"my_score": {"value": 3.0, "low": 2.0}, "remark": "fine", "multiply_adds": 7})
    assert [(row["name"], row["values"]) for row in told] == [("My score", [("", 3.0)]), ("Remark", [("", "fine")])]
    assert rows({}) == [] and conditions({}) == ""


def test_every_bundled_model_has_figures_and_each_says_how_it_was_measured():
    for file in checkpoints.bundled():
        quality = checkpoints.read(file).quality
        told = rows(quality)
        assert told and conditions(quality) and all(row["values"] for row in told)
