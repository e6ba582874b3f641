"""m5/moe: experts are chosen, mixed, counted and read as others do it, and nothing else passes."""

from __future__ import annotations

import importlib
import io
import json
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from graded import failed

from agentlab.backends.scripted import Scripted
from agentlab.errors import ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab.messages import Message, ToolCall


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m5/moe", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def test_tokens_are_mixed_as_mixtral_mixes_them(lab: Lab):
    torch: Any = pytest.importorskip("torch")
    mixtral: Any = pytest.importorskip("transformers.models.mixtral.modeling_mixtral")
    routing = part(lab, "routing")
    config = importlib.import_module("transformers").MixtralConfig(
        hidden_size=6, intermediate_size=10, num_local_experts=5, num_experts_per_tok=2
    )
    torch.manual_seed(3)
    block = mixtral.MixtralSparseMoeBlock(config).double().eval()
    for weights in block.parameters():
        torch.nn.init.normal_(weights)
    x = torch.randn(9, 6, dtype=torch.float64)
    with torch.no_grad():
        said = block(x[None])
        due = (said[0] if isinstance(said, tuple) else said).reshape(9, 6).numpy()
    ups, downs = (getattr(block.experts, n).detach() for n in ("gate_up_proj", "down_proj"))

    def expert(number: int) -> Any:
        def made(rows: Any) -> Any:
            gate, up = (torch.tensor(rows) @ ups[number].T).chunk(2, dim=1)
            return ((torch.nn.functional.silu(gate) * up) @ downs[number].T).numpy()

        return made

    gate = block.gate.weight.detach().numpy()
    task = routing.Task("mixtral", x.numpy(), gate, 2, [expert(n) for n in range(5)])
    for row in range(9):
        (best,) = routing.chosen(task.scores[row], 2)
        assert np.allclose(routing.mixed(task, row, best), due[row])
    assert routing.judged(task, due, [])["mixed"] is None
    assert routing.judged(task, due + 0.01, [])["mixed"] is not None


def calls_of(task: Any, chosen: list[tuple[int, ...]]) -> list[tuple[int, Any]]:
    """One call an expert, with the rows that chose it."""
    found: list[tuple[int, Any]] = []
    for number in range(len(task.gate)):
        rows = [n for n, who in enumerate(chosen) if number in who]
        if rows:
            found.append((number, task.x[rows]))
    return found


def test_who_was_asked_is_known_whatever_a_program_says(lab: Lab):
    routing = part(lab, "routing")
    for task in routing.tasks(11):
        best = [routing.chosen(scores, task.k)[-1] for scores in task.scores]
        good = calls_of(task, best)
        y = np.array([routing.mixed(task, row, who) for row, who in enumerate(best)])
        assert set(routing.judged(task, y, good).values()) == {None}
        everybody = [(n, task.x) for n in range(len(task.gate))]
        if task.k < len(task.gate):
            assert "are needed" in routing.judged(task, y, everybody)["chosen"]
        number, rows = good[0]
        split = [(number, row[None]) for row in rows] + good[1:]
        if len(rows) > 1:
            assert "times" in routing.judged(task, y, split)["once"]
        assert routing.judged(task, y, split)["chosen"] is None
        strange = [(number, rows + 1), *good[1:]]
        assert "none of x" in routing.judged(task, y, strange)["chosen"]
    other = routing.tasks(11)[1]
    wrong = [(int(scores.argmin()),) for scores in other.scores]
    found = routing.judged(other, other.x, calls_of(other, wrong))
    assert "was read by" in found["chosen"]


def test_a_token_of_nothing_ties_and_any_k_are_right(lab: Lab):
    routing = part(lab, "routing")
    task = next(one for one in routing.tasks(5) if "nothing" in one.name)
    (row,) = np.flatnonzero((task.x == 0).all(axis=1))
    assert len(routing.chosen(task.scores[row], task.k)) == 6
    assert routing.chosen(np.array([1.0, 3.0, 1.0]), 2) == [(0, 1), (1, 2)]


def test_weights_are_those_that_transformers_makes(lab: Lab):
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    counting = part(lab, "counting")
    shapes = [(name, one) for name, one in counting.PUBLISHED.items() if "Mixtral" in name]
    shapes += [("drawn", one) for one, _ in counting.drawn(Random(4), 4) if not one["shared"]]
    assert len(shapes) >= 3
    for name, shape in shapes:
        config = transformers.MixtralConfig(
            vocab_size=shape["vocabulary"],
            hidden_size=shape["width"],
            intermediate_size=shape["hidden"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            num_key_value_heads=shape["kv_heads"],
            head_dim=shape["head"],
            num_local_experts=shape["experts"],
        )
        with torch.device("meta"):
            model = transformers.MixtralForCausalLM(config)
        made = sum(weights.numel() for weights in model.parameters())
        total, active, _ = counting.counted(shape, 1)
        assert total == made, name
        idle = shape["layers"] * (shape["experts"] - shape["chosen"])
        assert total - active == idle * 3 * shape["width"] * shape["hidden"]


def test_mixtral_weighs_what_its_makers_say(lab: Lab):
    counting = part(lab, "counting")
    said = {
        "Mixtral-8x7B": (46.7, 12.9),
        "Mixtral-8x22B": (141, 39),
        "OLMoE-1B-7B": (6.9, 1.3),
        "Qwen3-30B-A3B": (30.5, 3.3),
    }
    for name, (total, active) in said.items():
        found = counting.counted(counting.PUBLISHED[name], 1)
        assert found[0] / 1e9 == pytest.approx(total, rel=0.01), name
        assert found[1] / 1e9 == pytest.approx(active, rel=0.03), name
        assert found[2] == pytest.approx(found[1])


def test_a_batch_reads_the_experts_that_chance_would_choose(lab: Lab):
    counting = part(lab, "counting")
    dice = np.random.default_rng(2)
    shape, tokens = {**counting.PUBLISHED["OLMoE-1B-7B"], "experts": 12, "chosen": 3}, 5
    met = [
        len({int(n) for _ in range(tokens) for n in dice.permutation(12)[:3]}) for _ in range(4000)
    ]
    read = counting.counted(shape, tokens)[2] - counting.besides(shape)
    assert read / (shape["layers"] * counting.expert(shape)) == pytest.approx(
        np.mean(met), rel=0.01
    )


def test_a_machine_must_hold_all_weights(lab: Lab):
    counting = part(lab, "counting")
    total, active, _ = counting.counted(counting.PUBLISHED["Mixtral-8x7B"], 1)
    assert counting.machine(total) == 32
    assert counting.machine(active) == 8
    assert counting.machine(14.5e9) == 8
    assert counting.machine(14.6e9) == 16
    assert counting.machine(1e12) is None


def torch_net(lab: Lab, experts: int = 8) -> tuple[Any, Any]:
    """The net that is trained inside, and torch."""
    torch: Any = pytest.importorskip("torch")
    inside, texts = part(lab, "inside"), part(lab, "texts")
    space: dict[str, Any] = {"__name__": "net"}
    exec(inside.NET, space)
    torch.manual_seed(1)
    return space["Net"](len(texts.LETTERS), experts, 64), torch


def test_what_is_read_outside_is_what_the_net_says_inside(lab: Lab):
    made, torch = torch_net(lab)
    net, texts = part(lab, "net"), part(lab, "texts")
    some = texts.windows(texts.paragraphs(1, held=True)[:3])
    seen, then = torch.tensor(some.seen), torch.tensor(some.then)
    for weights in made.parameters():
        torch.nn.init.normal_(weights, std=0.3)

    def middle(x: Any) -> Any:
        chances = (x @ made.gate.T).softmax(dim=1)
        outs = [torch.relu(x @ made.up[n] + made.bias[n]) @ made.down[n] for n in range(8)]
        chance, best = chances.max(dim=1)
        return torch.stack(outs, dim=1)[torch.arange(len(x)), best] * chance[:, None], best

    with torch.no_grad():
        said, best = made(seen, middle)
        due = torch.nn.functional.cross_entropy(said, then)
    given = {name: weights.detach().numpy() for name, weights in made.named_parameters()}
    read = net.read(net.weights(given), some)
    assert read.loss == pytest.approx(due.item(), abs=1e-4)
    assert (read.experts == best.numpy()).all()
    assert read.shares().sum() == pytest.approx(1)
    other = net.read(net.weights(given), some, np.roll(read.experts, 1))
    assert other.loss != pytest.approx(read.loss, abs=1e-3)


def test_a_net_of_another_shape_is_refused(lab: Lab):
    made, _ = torch_net(lab, experts=9)
    net = part(lab, "net")
    given = {name: weights.detach().numpy() for name, weights in made.named_parameters()}
    with pytest.raises(ToolError, match="gate is not"):
        net.weights(given)
    good, _ = torch_net(lab)
    given = {name: weights.detach().numpy() for name, weights in good.named_parameters()}
    assert set(net.weights(given)) == set(given)
    given["up"] = given["up"] * np.inf
    with pytest.raises(ToolError, match="astray"):
        net.weights(given)


def test_a_layer_that_makes_something_else_is_told(lab: Lab):
    net = part(lab, "net")
    tried = net.layers(3, 2)
    due = [net.layer(parts) for parts in tried]
    assert net.another(due, tried) is None
    moved = due[1].copy()
    moved[1] += 1
    assert "row 1 begins" in net.another([due[0], moved], tried)
    assert "not (" in net.another([due[0], due[1][:-1]], tried)
    assert net.another([None, due[1]], tried).startswith("y is None")


def test_what_an_expert_tells_is_counted_in_bits(lab: Lab):
    net = part(lab, "net")
    kinds = np.arange(8).repeat(50)
    assert net.told(7 - kinds, kinds) == pytest.approx(3)
    assert net.told(kinds // 2, kinds) == pytest.approx(2)
    assert net.told(np.tile(np.arange(8), 50), np.zeros(400, dtype=int)) == pytest.approx(0)
    assert np.allclose(net.table(kinds, kinds), np.eye(8))


def test_what_is_held_back_is_never_learnt_from(lab: Lab):
    held, texts = part(lab, "held"), part(lab, "texts")
    for seed in range(4):
        trial = held.Trial.of(seed)
        learnt = {text for _, text in trial.texts}
        back = {text for _, text in texts.paragraphs(trial.fold, held=True)}
        assert not learnt & back
        assert len(trial.held.then) == sum(len(text) + 1 for text in back)
        assert len(trial.known.then) == sum(len(text) + 1 for _, text in trial.texts)
        assert np.bincount(trial.held.language).min() > 1300
        # In order, the place alone would tell the language.
        assert (np.diff(trial.known.language) != 0).mean() > 0.8
        assert [n for n, _ in trial.texts] != sorted(n for n, _ in trial.texts)


def test_no_window_that_is_asked_shows_how_an_earlier_one_goes_on(lab: Lab):
    held, texts = part(lab, "held"), part(lab, "texts")
    trial = held.Trial.of(6)
    paragraph = np.concatenate(
        [
            np.full(len(text) + 1, n)
            for n, (_, text) in enumerate(texts.paragraphs(trial.fold, held=True))
        ]
    )
    assert sorted(np.concatenate(trial.rounds)) == list(range(len(trial.held.then)))
    last: dict[int, int] = {}
    for rows in trial.rounds:
        assert len({int(paragraph[n]) for n in rows}) == len(rows)
        for n in rows:
            assert last.get(int(paragraph[n]), n - 1) == n - 1
            last[int(paragraph[n])] = int(n)


def test_windows_are_what_stands_before(lab: Lab):
    texts = part(lab, "texts")
    some = texts.windows([(2, "droits")])
    assert some.strings()[3] == texts.NOTHING * 9 + "dro"
    assert texts.LETTERS[some.then[3]] == "i"
    assert texts.LETTERS[some.then[6]] == "\n"
    known = {
        one for fold in range(4) for _, text in texts.paragraphs(fold, held=True) for one in text
    }
    assert known <= set(texts.LETTERS)
    assert texts.numbers("ø") == [0]


def test_thresholds_say_what_was_missed(lab: Lab):
    held = part(lab, "held")
    good = {"loss": 2.0, "dense": 2.4, "wide": 2.2, "least": 0.1, "most": 0.2}
    for name in ("alive", "share", "better", "sharp"):
        assert held.short(name, good) is None
    assert "0.0%" in str(held.short("alive", {**good, "least": 0.0}))
    assert "60.0%" in str(held.short("share", {**good, "most": 0.6}))
    assert "2.350 needed" in str(held.short("better", {**good, "loss": 2.36}))
    assert "2.120 needed" in str(held.short("sharp", {**good, "loss": 2.13}))


def test_dense_nets_were_measured_in_each_fold(lab: Lab):
    held, texts = part(lab, "held"), part(lab, "texts")
    one, wide = held.dense()["64"], held.dense()["512"]
    assert len(one) == len(wide) == texts.FOLDS
    assert all(0.1 < a - b < 0.2 for a, b in zip(one, wide, strict=True))


def test_what_experts_are_asked_must_make_sense(lab: Lab):
    lender = part(lab, "lender")

    def packed(**parts: Any) -> bytes:
        file = io.BytesIO()
        np.savez(file, **parts)
        return file.getvalue()

    number, rows = lender.asked(packed(number=np.array(1), rows=np.ones((2, 3))), 2)
    assert (number, rows.shape) == (1, (2, 3))
    bad = {
        "no expert 2": packed(number=np.array(2), rows=np.ones((2, 3))),
        "no expert -1": packed(number=np.array(-1), rows=np.ones((2, 3))),
        "takes rows": packed(number=np.array(1), rows=np.ones(3)),
        "can't read": b"PK",
    }
    for says, data in bad.items():
        with pytest.raises(ToolError, match=says):
            lender.asked(data, 2)


async def test_the_agent_names_what_its_tool_found(lab: Lab):
    clerk = part(lab, "clerk")
    asks = ToolCall(id="1", name="memory_for", arguments='{"model": "Mixtral-8x7B"}')
    model = Scripted([Message.assistant(asks), "It takes 32 GB."])
    said = await clerk._answer(model, "Mixtral-8x7B", {"Mixtral-8x7B": 46.7e9})
    assert clerk.named(said) == 32
    assert clerk.named("16 GB, or 32 GB") is None
    assert clerk.named("no machine here holds it") is None
    judging = part(lab, "judging")
    one = {"asked": "How much?", "said": "8 GB", "named": 8, "due": 32}
    assert "takes 32 GB" in judging.misled({"agent": [one]}, None)
    assert judging.misled({"agent": [{**one, "named": 32}]}, None) is None
    assert "first mend" in judging.misled({}, None)


def test_pictures_are_drawn_with_what_there_is(lab: Lab):
    made, _ = torch_net(lab)
    net, drawing, texts = part(lab, "net"), part(lab, "drawing"), part(lab, "texts")
    given = {name: weights.detach().numpy() for name, weights in made.named_parameters()}
    page = drawing.page(2)
    assert [n for n, _ in page] == list(range(8))
    assert {len(text) for _, text in page} == {148}
    chosen = np.zeros(len(texts.windows(page).then), dtype=int)
    pictures = (
        drawing.who_reads(2, net.weights(given), chosen),
        drawing.shares(np.full((30, 8), 1 / 8)),
        drawing.kin(np.arange(8), np.arange(8), np.arange(8), np.arange(8, 16)),
    )
    assert all(one.startswith(b"\x89PNG") for one in pictures)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "code", "says"),
    [
        ("sort", "def router(t, l):\n    return lambda w: [9] * len(w)\n", "experts 0 to 7"),
        ("sort", "def router(t, l):\n    return lambda w: [1]\n", "it names"),
        ("count", "def count(m, t):\n    return 1, 2\n", "not 3"),
        ("route", "def moe(x, gate, expert, k):\n    return expert(99, x)\n", "no expert 99"),
        ("route", "def moe(x, gate, expert, k):\n    return [1.0]\n", "can't be read"),
    ],
)
async def test_what_makes_no_sense_is_said_in_words(lab: Lab, step: str, code: str, says: str):
    reasons = await failed(lab, step, code)
    assert reasons
    assert all(says in reason for reason in reasons.values())


def test_no_case_says_what_is_right(lab: Lab):
    for step in lab.steps:
        if isinstance(step, CodeStep):
            for case in step.cases(Random(1), step.graded):
                assert set(json.loads(case.input)) == {"task", "seed"}
                assert case.expect is None
