"""Examples that begin alike are read once, and each learns what it would learn alone."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from agentlab_tools.train.bridge.score import UNSCORED
from agentlab_tools.train.recipes.examples import Example, Row, pack


def _example(beginning: list[int], asked: list[int], said: list[int]) -> Example:
    unlearnt = [UNSCORED] * (len(beginning) + len(asked))
    return Example((*beginning, *asked, *said), (*unlearnt, *said))


_TOOLS = list(range(5, 45))
_ALIKE = [_example(_TOOLS, [50 + n, 60], [70 + n, 80, 90]) for n in range(3)]
_OTHER = _example(list(range(100, 140)), [50], [71, 81])


def test_a_shared_beginning_stands_in_the_row_once() -> None:
    (row,) = pack([*_ALIKE, _OTHER], 256)
    assert row.shares
    assert len(row.ids) < len(_TOOLS) + 3 * 6 + len(_OTHER.ids) + 1
    assert row.positions.count(0) == 2
    assert row.positions.count(len(_TOOLS)) == 4


def test_what_is_learnt_in_one_example_is_never_anothers_beginning() -> None:
    long = _example(_TOOLS, [50], [70, 71, 72])
    longer = Example((*long.ids, 50, 73), (*long.labels, UNSCORED, 73))
    (row,) = pack([long, longer], 256)
    learnt = [label for label in row.labels if label != UNSCORED]
    assert learnt == [70, 71, 72, 70, 71, 72, 73]


def test_examples_that_differ_early_share_nothing() -> None:
    short = [_example([1, 2, 3], [n], [9]) for n in range(4)]
    (row,) = pack(short, 64)
    assert not row.shares
    assert len(row.ids) == sum(len(example.ids) for example in short)


def test_no_row_is_longer_than_it_may_be_and_no_example_is_lost() -> None:
    many = [_example(_TOOLS, [50, n], [70 + n, 90]) for n in range(40)]
    rows = pack(many, 96)
    assert all(len(row.ids) <= 96 for row in rows)
    said = [label for row in rows for label in row.labels if label != UNSCORED]
    assert sorted(said) == sorted(label for e in many for label in e.labels if label != UNSCORED)


def test_the_loss_is_the_sum_of_what_each_would_have_alone() -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from agentlab_tools.train.recipes.steps import summed_loss

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=160,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = LlamaForCausalLM(config).eval()
    alone = 0.0
    for example in [*_ALIKE, _OTHER]:
        row = Row()
        row.add([example])
        alone += summed_loss(model, row).item()
    (together,) = pack([*_ALIKE, _OTHER], 256)
    assert summed_loss(model, together).item() == pytest.approx(alone, rel=1e-5)
