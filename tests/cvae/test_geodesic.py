"""Geodesics of a decoder, against surfaces whose shortest paths are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from skisp.cvae._geodesic import even_line, geodesic, path_energy

F64 = torch.float64


def straight(start, end, n_points):
    return start + torch.linspace(0, 1, n_points, dtype=start.dtype)[:, None] * (end - start)


def tensor(*values):
    return torch.tensor(values, dtype=F64)


def polar(z):
    """The plane: codes are radius and angle."""
    return torch.stack([z[:, 0] * torch.cos(z[:, 1]), z[:, 0] * torch.sin(z[:, 1])], dim=1)


def sphere(z):
    """The unit sphere: codes are latitude and longitude."""
    latitude, longitude = z.T
    return torch.stack(
        [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()],
        dim=1,
    )


class Counted:
    """A decoder that counts its calls."""

    def __init__(self, decode):
        self.decode = decode
        self.n_calls = 0

    def __call__(self, z):
        self.n_calls += 1
        return self.decode(z)


def isometric_embedding(d, D, seed=0):
    return torch.linalg.qr(torch.randn(D, d, dtype=F64, generator=torch.Generator().manual_seed(seed)))[0].T


def small_network(seed, d=3, D=12, gain=1.0, activation=nn.Tanh):
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Linear(d, 8), activation(), nn.Linear(8, D))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(gain * torch.randn(parameter.shape, generator=generator))
    return network


def ends(seed, d=3):
    return torch.randn(2, d, generator=torch.Generator().manual_seed(seed + 1))


def test_energy_is_the_sum_of_squared_steps():
    # Steps (3, 4) and (0, -2): 25 + 4.
    assert path_energy(torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 2.0]])) == 29


def test_under_a_linear_decoder_the_geodesic_is_the_straight_line():
    weight = isometric_embedding(4, 9) * tensor(1, 2, 3, 4)[:, None] + 0.3
    start, end = tensor(1, -2, 0, 3), tensor(-1, 0, 2, 5)
    path = geodesic(lambda z: z @ weight + 5, start, end, 7)
    torch.testing.assert_close(path, straight(start, end, 7), rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_points", [3, 8, 50])
def test_in_polar_coordinates_the_geodesic_is_the_chord(n_points):
    path = geodesic(polar, tensor(1, 0), tensor(2, 2), n_points, tolerance=1e-12)
    chord = straight(*polar(torch.stack([tensor(1, 0), tensor(2, 2)])), n_points)
    torch.testing.assert_close(polar(path), chord, rtol=0, atol=1e-4)


def test_on_the_sphere_the_geodesic_is_the_great_circle():
    start, end, n_points = tensor(0.7, 0.0), tensor(0.5, 2.2), 11
    path = geodesic(sphere, start, end, n_points, tolerance=1e-13)
    first, last = sphere(torch.stack([start, end]))
    angle = torch.arccos(first @ last)
    share = torch.linspace(0, 1, n_points, dtype=F64)[:, None]
    great_circle = (torch.sin((1 - share) * angle) * first + torch.sin(share * angle) * last) / torch.sin(angle)
    torch.testing.assert_close(sphere(path), great_circle, rtol=0, atol=1e-4)
    chord = 2 * math.sin(float(angle) / (n_points - 1) / 2)
    assert float(path_energy(sphere(path))) == pytest.approx((n_points - 1) * chord**2, rel=1e-6)


@pytest.mark.parametrize(("d", "D"), [(1, 1), (3, 5), (16, 100)])
def test_a_warp_of_the_codes_does_not_change_the_path_of_points(d, D):
    # Decoder z -> Q sinh(z), Q isometric: the geodesic is arcsinh of the straight line between the sinh.
    Q = isometric_embedding(d, D)
    start, end = 2 * torch.randn(2, d, dtype=F64, generator=torch.Generator().manual_seed(3))
    path = geodesic(lambda z: torch.sinh(z) @ Q, start, end, 10, tolerance=1e-13)
    expected = torch.arcsinh(straight(torch.sinh(start), torch.sinh(end), 10))
    torch.testing.assert_close(path, expected, rtol=0, atol=1e-3)


def test_the_path_has_constant_speed_in_data_space():
    # The angle z + z^3 passes 0 slowly: the straight line's steps differ fifteenfold.
    def decode(z):
        return torch.cat([torch.cos(z + z**3), torch.sin(z + z**3)], dim=1) / 2

    def steps(path):
        return decode(path).diff(dim=0).norm(dim=1)

    line_steps = steps(straight(tensor(-1.0), tensor(0.9), 12))
    assert line_steps.max() > 2 * line_steps.min()
    path_steps = steps(geodesic(decode, tensor(-1.0), tensor(0.9), 12, tolerance=1e-13))
    assert path_steps.max() < 1.001 * path_steps.min()


@given(
    st.integers(0, 1000),
    st.integers(2, 12),
    st.sampled_from([0.1, 1.0, 30.0]),
    st.sampled_from([nn.Tanh, nn.ReLU, nn.GELU]),
    st.integers(1, 5),
    st.sampled_from([(torch.float32, 1e-4), (F64, 1e-9)]),
)
@settings(deadline=None, max_examples=30)
def test_the_energy_is_never_above_the_straight_lines(seed, n_points, gain, activation, max_iter, precision):
    dtype, slack = precision
    network = small_network(seed, gain=gain, activation=activation).to(dtype)
    start, end = ends(seed).to(dtype)
    path = geodesic(network, start, end, n_points, max_iter=max_iter)
    assert path_energy(network(path)) <= path_energy(network(straight(start, end, n_points))) * (1 + slack)


# Units are powers of 2, which scale floats exactly.
@given(st.integers(0, 1000), st.sampled_from([2.0**-12, 2.0**12]))
@settings(deadline=None, max_examples=10)
def test_the_path_does_not_depend_on_the_units_of_the_data(seed, unit):
    network = small_network(seed)
    path = geodesic(network, *ends(seed), 5)
    assert torch.equal(geodesic(lambda z: unit * network(z), *ends(seed), 5), path)


@given(st.integers(0, 1000), st.sampled_from([2.0**-12, 2.0**12]))
@settings(deadline=None, max_examples=10)
def test_the_path_scales_with_the_units_of_the_codes(seed, unit):
    network = small_network(seed)
    path = geodesic(network, *ends(seed), 5)
    assert torch.equal(geodesic(lambda z: network(z / unit), *(unit * ends(seed)), 5), unit * path)


@pytest.mark.parametrize("n_points", [10, 50])
def test_the_number_of_points_does_not_multiply_the_decodings(n_points):
    decode = Counted(polar)
    geodesic(decode, tensor(1, 0), tensor(2, 2), n_points)
    assert decode.n_calls < 40


def test_a_straight_line_that_is_the_geodesic_is_not_searched_further():
    decode = Counted(lambda z: 3 * z)
    geodesic(decode, *ends(0), 9)
    assert decode.n_calls <= 3  # its energy, its gradient, and the result's energy


@pytest.mark.parametrize("value", [1.0, math.inf, math.nan])
def test_a_line_whose_energy_is_zero_or_no_number_is_not_searched(value):
    decode = Counted(lambda z: 0 * z + value)
    path = geodesic(decode, tensor(0, 0), tensor(1, 2), 5)
    torch.testing.assert_close(path, straight(tensor(0, 0), tensor(1, 2), 5))
    assert decode.n_calls == 1


@pytest.mark.parametrize("n_points", [2, 3, 20])
def test_the_ends_are_kept_to_the_bit(n_points):
    start, end = torch.tensor([0.1, 1e-8, 3e7]), torch.tensor([1e7, 0.3, 0.7])
    path = geodesic(small_network(0), start, end, n_points)
    assert path.shape == (n_points, 3)
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)


def test_two_points_are_the_two_ends():
    start, end = ends(0)
    decode = Counted(small_network(0))
    assert torch.equal(geodesic(decode, start, end, 2), torch.stack([start, end]))
    assert decode.n_calls == 0


@pytest.mark.parametrize("n_points", [1, 0, -3])
def test_fewer_than_two_points_are_refused(n_points):
    with pytest.raises(ValueError, match=f"n_points={n_points}; expected at least 2"):
        geodesic(polar, tensor(1, 0), tensor(1, 1), n_points)


def test_a_path_from_a_code_to_itself_stays_there():
    start = tensor(1.5, 0.5)
    assert torch.equal(geodesic(polar, start, start, 6), start.expand(6, 2))


def test_codes_the_decoder_does_not_look_at_stay_on_the_straight_line():
    start, end = tensor(0, 4), tensor(3, -4)
    path = geodesic(lambda z: torch.exp(z[:, :1]), start, end, 6, tolerance=1e-12)
    torch.testing.assert_close(path[:, 1], straight(start, end, 6)[:, 1])
    assert path[1, 0] > 1.2


def test_a_decoder_that_overflows_off_the_path_leaves_a_finite_path():
    path = geodesic(lambda z: torch.exp(30 * z), torch.tensor([0.0]), torch.tensor([1.0]), 8)
    assert path.isfinite().all()
    assert path_energy(torch.exp(30 * path)) <= path_energy(torch.exp(30 * torch.linspace(0, 1, 8)[:, None]))


def test_a_decoder_that_gives_no_numbers_off_the_line_leaves_the_line():
    # The chord lies where the radius is less than 1, and nothing else has less energy than the arc.
    start, end = tensor(1, 0), tensor(1, 2)
    path = geodesic(lambda z: polar(torch.where(z[:, :1] < 1, math.nan, z)), start, end, 6)
    torch.testing.assert_close(path, straight(start, end, 6))


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_callers_gradient_mode_changes_nothing(mode):
    network = small_network(1)
    expected = geodesic(network, *ends(1), 6)
    with mode():
        found = geodesic(network, *ends(1), 6)
        assert torch.is_grad_enabled() == (mode is torch.enable_grad)
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)
    assert torch.equal(found, expected)
    assert not torch.equal(found, straight(*ends(1), 6))


def test_the_decoders_parameters_receive_no_gradients():
    network = small_network(2)
    geodesic(network, *ends(2), 5)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_the_codes_given_are_not_changed_and_the_path_needs_no_gradient():
    start, end = ends(4).requires_grad_()
    before = start.detach().clone(), end.detach().clone()
    path = geodesic(small_network(4), start, end, 5)
    assert not path.requires_grad
    path += 1  # a view of the ends would change them
    assert torch.equal(start, before[0])
    assert torch.equal(end, before[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_path_has_the_dtype_of_the_codes(dtype):
    start, end = ends(4).to(dtype)
    assert geodesic(small_network(4).to(dtype), start, end, 5).dtype == dtype


def test_an_even_line_is_straight_in_codes_and_even_once_decoded():
    """Decoded by z -> z ** 2 from 1 to 3, even steps are those of the square root."""
    line = even_line(torch.square, tensor(1.0), tensor(3.0), 9)
    np.testing.assert_allclose(line[:, 0], np.sqrt(np.linspace(1, 9, 9)), atol=1e-3)
    curve = even_line(polar, tensor(1.0, 0.0), tensor(2.0, 1.0), 20)
    steps = polar(curve).diff(dim=0).norm(dim=1)
    assert float(steps.std() / steps.mean()) < 0.01
    offsets = curve - curve[0]
    torch.testing.assert_close(offsets, offsets[:, :1] * tensor(1.0, 1.0))


def test_an_even_line_keeps_its_ends_to_the_bit_and_is_even_where_decoding_is_linear():
    start, end = torch.tensor([0.1, 0.7]), torch.tensor([1.3, -0.2])
    line = even_line(lambda z: 3 * z, start, end, 5)
    assert torch.equal(line[0], start)
    assert torch.equal(line[-1], end)
    torch.testing.assert_close(line, straight(start, end, 5))


def test_an_even_line_between_points_decoded_alike_is_even_in_codes():
    line = even_line(torch.zeros_like, tensor(0.0, 1.0), tensor(1.0, 0.0), 4)
    torch.testing.assert_close(line, straight(tensor(0.0, 1.0), tensor(1.0, 0.0), 4))


def test_an_even_line_needs_two_points():
    with pytest.raises(ValueError, match="n_points=1; expected at least 2"):
        even_line(torch.square, tensor(0.0), tensor(1.0), 1)
