"""The losses, the schedule and low-rank maps, each against arithmetic."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from indexer.finetune.augmentation import Augmentation  # noqa: E402
from indexer.finetune.lora import LowRankLinear, freeze_and_adapt, merge  # noqa: E402
from indexer.finetune.losses import (  # noqa: E402
    NO_LABEL,
    image_image_loss,
    image_text_loss,
    label_loss,
    spread_cross_entropy,
)
from indexer.finetune.schedule import Plan, learning_rate_share  # noqa: E402
from indexer.finetune.text_bank import TextBank  # noqa: E402

pytestmark = pytest.mark.models


def test_target_is_spread_evenly_over_right_answers():
    logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    right = torch.tensor([[True, True, False], [False, False, False]])
    total = math.exp(2) + math.e + 1
    expected = -(math.log(math.exp(2) / total) + math.log(math.e / total)) / 2
    assert float(spread_cross_entropy(logits, right)) == pytest.approx(expected, rel=1e-5)
    assert float(spread_cross_entropy(logits, ~torch.ones_like(right))) == 0.0


def test_a_text_that_two_photos_share_is_no_negative_of_either():
    photos = nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1]]), dim=1)
    texts = torch.tensor([[1.0, 0.0]])
    loss = image_text_loss(
        photos,
        texts,
        torch.ones(2, 1, dtype=torch.bool),
        torch.tensor(10.0),
        asked=torch.tensor([True]),
    )
    # Each photo has but this text, and the text's target is spread over both photos.
    assert float(loss) == pytest.approx(math.log(2) / 2, abs=0.01)


def test_photos_of_one_kind_and_colour_attract():
    near = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    kinds, colours = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 0])
    good = image_image_loss(near, kinds, colours, 10.0)
    bad = image_image_loss(near[[0, 2, 1, 3]], kinds, colours, 10.0)
    assert float(good) < 0.01 < 5 < float(bad)
    unknown = torch.full((4,), NO_LABEL)
    assert float(image_image_loss(near, unknown, unknown, 10.0)) == 0.0


def test_photos_without_a_label_teach_the_head_nothing():
    logits = torch.zeros(2, 3, requires_grad=True)
    label_loss(logits, torch.tensor([NO_LABEL, NO_LABEL])).backward()
    assert float(logits.grad.abs().sum()) == 0.0
    assert float(label_loss(torch.zeros(2, 3), torch.tensor([1, NO_LABEL]))) == pytest.approx(
        math.log(3)
    )


def test_augmentation_follows_its_generator_and_keeps_white_white():
    photos = torch.rand((4, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    first, again, other = (
        Augmentation().apply(photos, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(first.min()) >= 0.0
    assert float(first.max()) <= 1.0
    moved = Augmentation(erased=0.0, light=0.0, largest=2.0, smallest=1.5)
    white = moved.apply(torch.ones(2, 3, 8, 8), torch.Generator().manual_seed(0))
    assert float(white.min()) == pytest.approx(1.0, abs=1e-5)


def test_learning_rate_rises_then_falls_to_nothing():
    shares = [learning_rate_share(progress / 100) for progress in range(101)]
    assert max(shares) == pytest.approx(1.0)
    assert shares[:6] == sorted(shares[:6])
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert shares[-1] == pytest.approx(0.0, abs=1e-9)


def test_the_plan_keeps_to_its_time_when_the_machine_slows_down():
    plan = Plan(most_steps=10_000, seconds=100.0)
    while not plan.is_done:
        plan.done(0.1 if plan.spent < 50 else 1.0)
    assert 95 <= plan.spent <= 101
    assert plan.progress == pytest.approx(1.0, abs=0.02)
    fixed = Plan(most_steps=7, seconds=None)
    while not fixed.is_done:
        fixed.done(1.0)
    assert (fixed.step, fixed.progress) == (7, pytest.approx(1.0))


def test_low_rank_training_leaves_the_frozen_network_bit_equal():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    before = copy.deepcopy(network.state_dict())
    data = torch.randn(16, 4)
    expected = network(data)
    adapted = freeze_and_adapt(network, rank=2)
    assert adapted == ["0", "2"]
    assert torch.equal(network(data), expected)  # the small maps begin as zero
    optimizer = torch.optim.AdamW(
        [one for one in network.parameters() if one.requires_grad], lr=0.05, weight_decay=0.1
    )
    for _ in range(5):
        optimizer.zero_grad()
        network(data).square().mean().backward()
        optimizer.step()
    learned = network(data)
    assert not torch.allclose(learned, expected)
    for number in ("0", "2"):
        frozen = network.get_submodule(number).frozen
        assert torch.equal(frozen.weight, before[f"{number}.weight"])
        assert torch.equal(frozen.bias, before[f"{number}.bias"])
    merge(network)
    assert not any(isinstance(one, LowRankLinear) for one in network.modules())
    assert torch.allclose(network(data), learned, atol=1e-5)


def test_only_chosen_maps_are_adapted_and_none_is_an_error():
    network = nn.ModuleDict({"vision": nn.Linear(2, 2), "text": nn.Linear(2, 2)})
    assert freeze_and_adapt(network, chosen=lambda name: "vision" in name) == ["vision"]
    assert not network["text"].weight.requires_grad
    with pytest.raises(ValueError, match="no linear map"):
        freeze_and_adapt(nn.Sequential(nn.ReLU()))


def test_a_bank_knows_which_candidates_are_right():
    bank = TextBank(
        texts=("a", "b", "c"),
        vectors=np.eye(3, dtype=np.float32),
        starts=np.array([0, 2, 2, 3]),
        owned=np.array([0, 1, 1]),
    )
    right = bank.right(np.array([0, 1, 2]), np.array([1, 2]))
    assert right.tolist() == [[True, False], [False, False], [True, False]]
    drawn = bank.sample(np.array([0, 1, 2]), np.random.default_rng(0))
    assert drawn[0] in (0, 1)
    assert drawn[1:].tolist() == [-1, 1]
