"""Quantiles, and the map between distributions on the line."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skisp._math.quantiles import QuantileMap, quantile_table


def test_quantiles_are_numpys_of_the_middles_of_equal_shares():
    values = torch.randn(2, 401, generator=torch.Generator().manual_seed(0))
    expected = np.quantile(values.numpy(), (np.arange(10) + 0.5) / 10, axis=1, method="hazen").T
    np.testing.assert_allclose(quantile_table(values, 10).numpy(), expected, rtol=0, atol=1e-6)


def test_a_sample_is_mapped_onto_one_of_as_many_values_by_their_order():
    generator = torch.Generator().manual_seed(0)
    source, target = torch.randn(1, 100, generator=generator), torch.rand(1, 100, generator=generator)
    mapped = QuantileMap(quantile_table(source, 100), quantile_table(target, 100))(source)[0].numpy()
    ordered, images = np.sort(source[0].numpy()), np.sort(target[0].numpy())
    np.testing.assert_array_equal(mapped.argsort(), source[0].argsort())
    cell = (ordered[-1] - ordered[0]) / 4096  # the map is tabulated in as many
    for shift, compare in ((-1.01 * cell, np.greater_equal), (1.01 * cell, np.less_equal)):
        assert compare(mapped, np.interp(source[0].numpy() + shift, ordered, images)).all()


def test_what_many_quantiles_share_goes_to_the_middle_of_their_targets():
    source, target = torch.tensor([[0.0, 1.0, 1.0, 1.0, 2.0]]), torch.tensor([[0.0, 1.0, 2.0, 4.0, 6.0]])
    torch.testing.assert_close(QuantileMap(source, target)(torch.tensor([[1.0]])), torch.tensor([[2.5]]))
    constant = torch.zeros(1, 5)
    torch.testing.assert_close(QuantileMap(constant, target)(torch.tensor([[0.0]])), torch.tensor([[3.0]]))


@given(arrays(np.float32, (1, 60), elements=st.floats(-2, 2, width=32)), st.integers(0, 2**31 - 1))
def test_the_map_is_monotone_and_finite_even_with_ties(values, seed):
    values = torch.from_numpy(values).round(decimals=1)
    target = torch.randn(1, 50, generator=torch.Generator().manual_seed(seed)).sort().values
    query = torch.linspace(-3, 3, 200)[None]
    mapped = QuantileMap(quantile_table(values, 50), target)(query)
    assert torch.isfinite(mapped).all()
    assert float(mapped.diff().min()) >= -1e-5
