"""The label a map tells most about is the one whose classes lie together on it."""

import torch

from explorer.methods.maps.labels import most_telling


def test_the_label_that_lies_together_is_chosen_over_scattered_and_hidden_ones():
    generator = torch.Generator().manual_seed(0)
    xy = torch.randn(400, 2, generator=generator)
    labels = {
        "scattered": torch.randint(0, 3, (400,), generator=generator),
        "hidden": torch.full((400,), -1),
        "constant": torch.zeros(400, dtype=torch.long),
        "side": (xy[:, 0] > 0).long(),
    }
    assert most_telling(xy, labels) == "side"


def test_maps_without_labels_or_points_are_coloured_by_nothing_special():
    assert most_telling(torch.zeros(5, 2), {}) == ""
    assert most_telling(torch.zeros(0, 2), {"a": torch.zeros(0, dtype=torch.long)}) == "a"
