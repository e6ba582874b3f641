"""What training all of a model takes is told before it is run."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from small_data import chat_lines
from small_models import small_of, small_tokenizer

from agentlab_tools.train.recipes import memory
from agentlab_tools.train.recipes import steps as s
from agentlab_tools.train.recipes.data import chat_of
from agentlab_tools.train.recipes.examples import Reader, Row, pack

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    reader = Reader(small_tokenizer(tmp_path_factory.mktemp("words")))
    return pack([e for line in chat_lines() for e in reader.chat(chat_of(line))], 240)


@pytest.mark.parametrize("kind", ["llama", "phi3"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_part_is_what_training_then_takes(
    kind: str, precision: s.Precision, rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    import torch

    torch.set_num_threads(1)
    place = s.Place.best(precision)
    tokenizer = small_tokenizer(tmp_path_factory.mktemp("words"))
    model: Any = small_of(kind, tokenizer).to(place.device)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    told = memory.needed(model, rows, place, process=7)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())

    longest = max(rows, key=lambda row: len(row.ids))
    own = {weight.data_ptr() for weight in model.parameters()}
    kept: dict[int, int] = {}
    alive: list[Any] = []

    def keep(tensor: Any) -> Any:
        alive.append(tensor)
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    optimizer = torch.optim.AdamW(model.parameters())
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        s.backward(model, [longest], place)
    optimizer.step()
    logits = s.learnt([longest]) * len(tokenizer) * 4  # whose gradient is counted, too
    weights = sum(w.numel() * w.element_size() for w in model.parameters())
    gradients = sum(w.grad.numel() * w.grad.element_size() for w in model.parameters())
    averages = sum(
        each[name].numel() * each[name].element_size()
        for each in optimizer.state.values()
        for name in ("exp_avg", "exp_avg_sq")
    )
    assert (told.weights, told.gradients, told.optimizer) == (weights, gradients, averages)
    assert told.row - logits == pytest.approx(sum(kept.values()), rel=0.1)
    assert told.total == weights + gradients + averages + told.work + told.row + 7
    assert f"weights {weights / 1e9:.2f}" in told.said()
    assert told.said().startswith(f"memory needed: {told.total / 1e9:.2f} GB")
