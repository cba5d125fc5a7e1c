import json

import pytest
import torch

from explorer.core.errors import DataError
from explorer.methods.measure.activity import activity
from explorer.methods.measure.correlation import gaussian_total_correlation

N = 4_000


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def variances(*columns: torch.Tensor | float) -> torch.Tensor:
    return torch.stack([torch.full((N,), column) if isinstance(column, float) else column for column in columns], dim=1)


@pytest.fixture(scope="module")
def known():
    """Three precise coordinates, two like the prior, one that is either, one weak, one wide."""
    either = torch.where(torch.rand(N, generator=torch.Generator().manual_seed(1)) < 0.5, 0.02, 1.0)
    variance = variances(0.02, 0.02, 0.02, 1.0, 1.0, either, 0.3, 1.4)
    return normal(N, 8) * (1 - variance).clamp_min(0).sqrt(), variance


def test_known_coordinates_get_their_labels(known):  # T8 of the method notes
    reports = activity(*known)
    assert [report.state for report in reports] == ["active"] * 3 + ["passive"] * 2 + ["mixed"] * 3
    assert [report.note for report in reports[5:]] == ["sometimes", "weak", "wide"]
    assert not any(report.unsure for report in reports)


def test_kl_has_its_closed_form(known):
    mean, variance = known
    expected = 0.5 * (mean.square() + variance - 1 - variance.log()).mean(dim=0)
    assert torch.allclose(torch.tensor([report.kl for report in activity(mean, variance)]), expected, atol=1e-4)


def test_a_coordinate_on_the_threshold_is_unsure():
    variance = variances(0.02, 1.0)
    variance[:, 0] = 0.1 + 0.05 * normal(N, seed=2).clamp(-1.5, 1.5)  # a mean of 0.1, give or take
    assert [report.unsure for report in activity(torch.zeros(N, 2), variance)] == [True, False]


def test_a_coordinate_that_the_decoder_ignores_is_a_disagreement():
    mean, variance = normal(N, 3), variances(0.02, 0.02, 1.0)
    mean[:, 2] = 0
    reports = activity(mean, variance, decode=lambda z: z[:, :1, None, None].expand(-1, 1, 4, 4))
    assert [report.disagree for report in reports] == [(), ("decoder",), ()]
    assert reports[0].effect == pytest.approx(3) and reports[1].effect == pytest.approx(0)


def test_quantiles_say_where_the_data_ends():
    mean = torch.stack([torch.linspace(-2, 2, N), torch.zeros(N)], dim=1)
    first, second = activity(mean, variances(0.0001, 1.0))
    assert first.mean_quantiles == pytest.approx((-1.98, -1.8, 0, 1.8, 1.98), abs=0.01)
    assert second.mean_quantiles == (0, 0, 0, 0, 0)
    assert second.sampled_quantiles == pytest.approx((-2.58, -1.64, 0, 1.64, 2.58), abs=0.25)


def test_reports_are_ready_for_json(known):
    json.dumps([report.to_dict() for report in activity(*known)])


def test_log_variances_are_refused(known):
    mean, variance = known
    with pytest.raises(DataError, match="log-variances have to be exponentiated"):
        activity(mean, variance.log())


def test_one_picture_is_too_few():
    with pytest.raises(DataError, match=r"at least two pictures, got \(1, 3\)"):
        activity(torch.zeros(1, 3), torch.ones(1, 3))


def test_correlated_passive_means_inflate_the_total_correlation():  # T9 of the method notes
    shared, own = normal(N, 1, seed=3), normal(N, 1, seed=4)
    passive = 0.02 * torch.cat([shared, 0.9 * shared + (1 - 0.81) ** 0.5 * own], dim=1)
    mean, variance = torch.cat([normal(N, 3), passive], dim=1), variances(0.04, 0.04, 0.04, 1.0, 1.0)
    used = [report.state != "passive" for report in activity(mean, variance)]
    drawn = mean + variance.sqrt() * normal(N, 5, seed=5)
    without = gaussian_total_correlation(mean[:, used])
    assert gaussian_total_correlation(mean) > without + 0.5
    assert gaussian_total_correlation(drawn) == pytest.approx(without, abs=0.05)


def test_a_correlated_pair_has_the_closed_form():
    first, second = normal(200_000, seed=6), normal(200_000, seed=7)
    pair = torch.stack([first, 0.9 * first + (1 - 0.81) ** 0.5 * second], dim=1)
    assert gaussian_total_correlation(pair) == pytest.approx(0.830, abs=0.01)


def test_constant_coordinates_and_single_ones_have_no_total_correlation():
    assert gaussian_total_correlation(torch.cat([normal(100, 1), torch.ones(100, 3)], dim=1)) == 0.0
