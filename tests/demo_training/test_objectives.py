from random import Random

import pytest
import torch

from demo_training import facts
from demo_training.muon import Muon, orthogonalised
from demo_training.objectives import matching
from small_world.captions import Facts


def test_other_true_captions_neither_help_nor_harm() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    own = torch.tensor([0, 1])
    also_true = torch.tensor([[True, True, False], [False, True, False]])
    higher = scores.clone()
    higher[0, 1] = 9.0
    assert matching(higher, own, also_true) == matching(scores, own, also_true)
    assert matching(higher, own, torch.eye(2, 3, dtype=torch.bool)) > 2


def test_a_caption_is_true_of_pictures_that_share_all_it_names() -> None:
    ring: Facts = {name: values[0] for name, values in facts.VALUES.items()}
    silver: Facts = {**ring, "metal": "silver"}
    pictures = torch.from_numpy(facts.numbers([ring, silver]))
    named: list[Facts] = [{"type": ring["type"]}, {"metal": "silver"}, ring]
    captions = torch.from_numpy(facts.numbers(named))
    expected = [[True, False, True], [True, True, False]]
    assert facts.true_of(pictures, captions).tolist() == expected


def test_an_altered_set_of_facts_has_exactly_one_wrong() -> None:
    known: Facts = {"type": "ring", "metal": "gold", "stone": "red", "stone_count": 3}
    for seed in range(50):
        changed = facts.altered(known, Random(seed))
        wrong = [name for name in known if changed[name] != known[name]]
        assert changed.keys() == known.keys()
        assert len(wrong) == 1
        assert changed[wrong[0]] not in ("none", 0)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 16)])
def test_orthogonalised_matrices_stretch_no_direction_much(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    sizes = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert sizes.min() > 0.3
    assert sizes.max() < 1.5


def test_muon_descends_on_tall_and_wide_matrices() -> None:
    torch.manual_seed(0)
    matrices = [torch.nn.Parameter(torch.randn(6, 3)), torch.nn.Parameter(torch.randn(3, 6))]
    goals = [torch.randn(6, 3), torch.randn(3, 6)]
    optimiser = Muon(matrices, lr=0.05, weight_decay=0.0)

    def distance() -> torch.Tensor:
        pairs = zip(matrices, goals, strict=True)
        return torch.stack([((matrix - goal) ** 2).sum() for matrix, goal in pairs]).sum()

    before = distance().item()
    for _ in range(60):
        optimiser.zero_grad()
        torch.autograd.backward(distance())
        optimiser.step()
    assert distance().item() < before / 10
