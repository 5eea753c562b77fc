"""The optimiser against torch's own."""

import pytest
import torch

from skisp.cvae._adamw import AdamW


def weights():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in ((5, 3), (4,), (2, 2, 3, 3))]


def groups_of(parameters):
    return [{"params": parameters[::2], "weight_decay": 0.1}, {"params": parameters[1:2], "weight_decay": 0.0}]


@pytest.fixture
def pair():
    """Parameters and our optimiser of them, and the same of torch's."""
    ours, theirs = weights(), weights()
    return ours, AdamW(groups_of(ours)), theirs, torch.optim.AdamW(groups_of(theirs), fused=True)


def step(pair, number, without=()):
    """A step of both by the same gradients, none for the parameters of some places."""
    ours, optimizer, theirs, reference = pair
    generator, rate = torch.Generator().manual_seed(number), 0.1 / (1 + number)
    optimizer.zero_grad(), reference.zero_grad()
    for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if i not in without:
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
    for group in reference.param_groups:
        group["lr"] = rate
    optimizer.step(rate)
    reference.step()


def assert_same(pair):
    ours, optimizer, theirs, reference = pair
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    expected = reference.state_dict()["state"]
    assert optimizer.state.keys() == expected.keys()
    for place, state in expected.items():
        assert list(optimizer.state[place]) == list(state)
        assert all(torch.equal(optimizer.state[place][name], state[name]) for name in state)


@pytest.mark.parametrize("without", [(), (0,), (1, 2)])
def test_steps_are_torchs_bit_for_bit_also_where_some_have_no_gradient(pair, without):
    for number in range(5):
        step(pair, number, without if number < 2 else ())
    assert_same(pair)


def test_a_state_that_was_loaded_goes_on_as_torchs_does(pair):
    ours, optimizer, theirs, reference = pair
    step(pair, 0)
    state = {place: {name: tensor.clone() for name, tensor in of.items()} for place, of in optimizer.state.items()}
    again, reference_again = AdamW(groups_of(ours)), torch.optim.AdamW(groups_of(theirs), fused=True)
    again.load_state(state)
    reference_again.load_state_dict(reference.state_dict())
    pair = ours, again, theirs, reference_again
    for number in (1, 2):
        step(pair, number)
    assert_same(pair)
