"""m2/attention: the model in NumPy is the model; heads go off as said; nothing strange is read."""

from __future__ import annotations

import io
import json
import sys
from collections import OrderedDict
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.backends.llamacpp.registry import find, open_backend
from agentlab.labs import Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.messages import Message, ToolCall
from agentlab_tools.train.bridge.score import UNSCORED, Scorer

CALL = """Where is my order 39825?
<tool_call>
{"name": "order_status", "arguments": {"number": "39825"}}
</tool_call>"""
IDS = [1504, 2980, 411, 9000, 31, 27_000, 411, 9000]


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m2/attention", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return sys.modules[lab.equip.__module__.removesuffix("tools") + name]


def test_the_model_in_numpy_says_what_llama_cpp_says(lab: Lab):
    theirs = part(lab, "texts").llama_cpp(tuple(IDS))
    ours = part(lab, "model").read(IDS).logits
    assert np.linalg.norm(ours - theirs) < part(lab, "judging").NEAR * np.linalg.norm(theirs)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_model_in_numpy_looks_where_the_one_in_pytorch_looks(lab: Lab):
    """Through the bridge, head by head: else what the lab finds would be found in its own copy."""
    torch = pytest.importorskip("torch")
    from agentlab_tools.train.bridge.load import load as bridged

    model = bridged("local:smollm2").model
    model.set_attn_implementation("eager")
    with torch.no_grad():
        made = model(torch.tensor([IDS]), output_attentions=True)
    ours = part(lab, "model").read(IDS)
    looks = np.stack([layer[0].numpy() for layer in made.attentions])
    np.testing.assert_allclose(ours.weights, looks, atol=1e-3)
    np.testing.assert_allclose(ours.logits, made.logits[0].numpy(), atol=2e-2)
    wanted = torch.nn.functional.cross_entropy(
        made.logits[0, :-1], torch.tensor(IDS[1:]), reduction="none"
    )
    np.testing.assert_allclose(ours.losses, wanted.numpy(), atol=1e-2)


def test_attention_is_that_of_a_token_that_looks_at_each_before_it(lab: Lab):
    """Against a sum written out, with shared keys and fewer questions than keys."""
    dice = np.random.default_rng(0)
    q, k, v = dice.normal(size=(4, 2, 8)), dice.normal(size=(2, 5, 8)), dice.normal(size=(2, 5, 8))
    made, weights = part(lab, "model").attend(q, k, v)
    for head in range(4):
        for i in range(2):
            upto = 5 - 2 + i + 1
            parts = [np.exp(q[head, i] @ k[head // 2, j] / 8**0.5) for j in range(upto)]
            share = np.array(parts) / sum(parts)
            np.testing.assert_allclose(weights[head, i], [*share, *[0] * (5 - upto)], atol=1e-12)
            np.testing.assert_allclose(made[head, i], share @ v[head // 2, :upto])


def test_what_is_remembered_of_a_text_changes_nothing(lab: Lab):
    model = part(lab, "model")
    off = [(3, 1), (17, 4), (3, 8)]
    model._texts.clear()
    fresh = model.read(IDS, off)
    model._texts.clear()
    whole = model.read(IDS)
    again = model.read(IDS, off)
    np.testing.assert_array_equal(fresh.losses, again.losses)
    np.testing.assert_array_equal(fresh.weights, again.weights)
    np.testing.assert_array_equal(whole.losses, model.read(IDS).losses)
    np.testing.assert_array_equal(again.weights[:4], whole.weights[:4])
    assert np.abs(again.weights[4] - whole.weights[4]).max() > 1e-3


def test_the_adapter_takes_away_what_the_heads_say_and_nothing_else(lab: Lab, tmp_path: Path):
    from gguf import GGUFReader

    agent, model = part(lab, "agent"), part(lab, "model")
    path = tmp_path / "off.gguf"
    agent._write(path, [(18, 6), (18, 2), (5, 0)])
    reader: Any = GGUFReader(path)
    found = {one.name: np.asarray(one.data) for one in reader.tensors}
    assert len(found) == 4
    for layer, heads in ((18, (2, 6)), (5, (0,))):
        name = f"blk.{layer}.attn_output"
        a, b = (found[f"{name}.weight.lora_{half}"] for half in "ab")
        whole = model.weights()[name] + agent._tuned(name)
        left = whole + b @ a / len(a)  # as llama.cpp puts it on, with an alpha of 1
        columns = [n for n in range(576) if n // 64 in heads]
        others = [n for n in range(576) if n // 64 not in heads]
        assert np.abs(left[:, columns]).max() < 1e-5
        np.testing.assert_array_equal(left[:, others], whole[:, others])


def test_what_tuning_added_is_what_llama_cpp_adds(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """With it in all its weights, the model in NumPy says what llama.cpp says with the adapter."""
    agent, model = part(lab, "agent"), part(lab, "model")
    found = find(agent.AGENT)
    (adapter,) = found.adapters.values()
    with Scorer(found.path, adapter=adapter, size=64, exact=True) as scorer:
        ids = scorer.tokens(CALL)
        theirs = scorer.logits(ids)
    tuned = dict(model.weights())
    for name in agent._parts():
        weight, found, _ = name.partition(".weight.lora_a")
        if found:
            tuned[weight] = tuned[weight] + agent._tuned(weight)
    plain = model.read(ids).logits
    monkeypatch.setattr(model, "weights", lambda: tuned)
    monkeypatch.setattr(model, "_texts", OrderedDict[Any, Any]())
    monkeypatch.setattr(model, "_whole", dict[Any, Any]())
    near = part(lab, "judging").NEAR * np.linalg.norm(theirs)
    assert np.linalg.norm(model.read(ids).logits - theirs) < near
    assert np.linalg.norm(plain - theirs) > 2 * near, "tuning would not show"


async def test_the_nats_of_a_number_are_those_of_its_digits_in_a_call(lab: Lab):
    """Against a reading of the finished call, digit by digit, and of the model before tuning.

    The tuned one is certain, so that any sum of its digits would do.
    """
    agent, order = part(lab, "agent"), "39825"
    call = ToolCall(id="1", name="order_status", arguments=json.dumps({"number": order}))
    whole = [Message.user(agent._question(order)), Message(role="assistant", parts=(call,))]
    model = open_backend("local:smollm2", threads=1, n_ctx=512)
    try:
        found = await agent._nats(model, order)
        read = await model.prompt(whole, tools=[agent.order_status.spec])
    finally:
        await model.aclose()
    digits = [place for place, token in enumerate(read) if token.text.isdigit()][-5:]
    labels = [read[at].id if at in digits else UNSCORED for at in range(len(read))]
    with Scorer(find("local:smollm2").path) as scorer:
        losses = scorer.losses([token.id for token in read], labels)
    assert len(losses) == 5
    assert found > 0.01
    assert found == pytest.approx(float(losses.sum()), rel=0.1)


@pytest.mark.parametrize(
    ("found", "fails"),
    [
        ({"needed_nats": 12.0, "spare_nats": 0.01}, []),
        ({"needed_nats": 2.0}, ["needed", "spare"]),
        ({"needed_nats": float("nan"), "spare_nats": float("nan")}, ["needed", "spare"]),
        ({"needed_nats": 12.0, "spare_nats": 3.0}, ["spare"]),
        ({"why": "a head stands in both lists"}, ["needed", "spare"]),
        ({"needed_plain": 0.3}, ["plain", "needed", "spare"]),
    ],
)
def test_what_the_agent_step_turns_down(lab: Lab, found: dict[str, Any], fails: list[str]):
    judging = part(lab, "judging")
    checks = {"plain": judging.harmed, "needed": judging.unneeded, "spare": judging.unspared}
    assert [name for name, check in checks.items() if check(found, None)] == fails


def test_the_heads_that_copy_and_the_one_below_them_are_found_on_any_line(lab: Lab):
    texts = part(lab, "texts")
    for seed in (1, 70):
        found = texts.scores(seed)
        assert (18, 6) in texts.best(found["copy"], 3)
        assert texts.best(found["back"], 1) == [(16, 0)]
        assert not set(texts.best(found["same"], 6)) & set(texts.best(found["copy"], 6))


@pytest.mark.parametrize(
    ("told", "number", "says"),
    [
        ({"ids": [1, 2], "off": []}, 41, "more than 40 readings"),
        ({"ids": [1], "off": []}, 1, "1 tokens: a reading takes 2 to 64"),
        ({"ids": [1] * 65, "off": []}, 1, "65 tokens"),
        ({"ids": [1, 49_152], "off": []}, 1, "from 0 to 49,151"),
        ({"ids": [1, "2"], "off": []}, 1, "from 0 to 49,151"),
        ({"ids": [1, 2], "off": [[30, 0]]}, 1, "is no head"),
        ({"ids": [1, 2], "off": [7]}, 1, "is no head"),
        ([], 1, "list indices"),
    ],
)
def test_what_can_not_be_read_is_refused_in_one_line(lab: Lab, told: Any, number: int, says: str):
    file = io.BytesIO()
    part(lab, "tools")._answered(json.dumps(told).encode(), number, file)
    file.seek(0)
    with np.load(file, allow_pickle=False) as answer:
        assert says in str(answer["error"])
        assert "\n" not in str(answer["error"])


def test_every_shape_that_hides_a_slip_is_tried(lab: Lab):
    """Grouped keys, fewer questions than keys, a batch, and scores that exp can't take."""
    tries = part(lab, "tries")
    given = tries.drawn(5)
    assert any(q.shape[-3] > k.shape[-3] > 1 for q, k, _ in given)
    assert any(q.shape[-2] < k.shape[-2] for q, k, _ in given)
    assert any(q.ndim == 4 for q, _, _ in given)
    assert any((np.abs(q @ k.swapaxes(-1, -2)).max() > 1000) for q, k, _ in given[:2] + given[3:4])
    right = [part(lab, "model").attend(*(a.astype(float) for a in one)) for one in given]
    flat = [array for pair in right for array in pair]
    assert tries.complaint(given, flat) is None
    flat[5] = flat[5][::-1]
    assert "nine heads that share three keys: the weights" in tries.complaint(given, flat)


def test_every_draw_has_lines_and_orders_of_its_own(lab: Lab):
    cases = part(lab, "cases")
    seeds = {json.loads(case.input)["seed"] for case in cases.of("look")(Random(0), 6)}
    assert len(seeds) == 6
    texts, agent = part(lab, "texts"), part(lab, "agent")
    assert len({tuple(texts.line(seed)) for seed in seeds}) == 6
    assert len({agent.numbers(seed, 3) for seed in seeds}) == 6
