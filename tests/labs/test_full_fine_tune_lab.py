"""m3/full-fine-tune: the packaged model has the shape that is tried; each part is judged."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from agentlab.backends.llamacpp.registry import locate
from agentlab.labs import Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load

TOOK = {
    "weights": 538_060_032,
    "gradients": 538_060_032,
    "optimizer": 1_076_121_152,
    "activations": 197_303_828,
    "peak": 2_592_747_520,
}
SAID = {**{name: TOOK[name] for name in list(TOOK)[:4]}, "work": 243_198_476}


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m3/full-fine-tune", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return sys.modules[lab.equip.__module__.removesuffix("tools") + name]


def test_the_shape_tried_is_that_of_the_packaged_model(lab: Lab):
    from gguf import GGUFReader

    reader: Any = GGUFReader(locate("smollm2"))

    def field(name: str) -> int:
        return int(reader.fields[f"llama.{name}"].contents())

    shape = part(lab, "cases").PACKAGED
    assert len(reader.fields["tokenizer.ggml.tokens"].contents()) == shape.vocabulary
    assert field("embedding_length") == shape.width
    assert field("block_count") == shape.layers
    assert field("feed_forward_length") == shape.inner
    assert field("attention.head_count") == shape.heads
    assert field("attention.head_count_kv") == shape.groups


def test_the_solution_counts_what_the_packaged_model_was_measured_to_take(lab: Lab):
    answers, cases = part(lab, "answers"), part(lab, "cases")
    space: dict[str, Any] = {}
    exec(answers.MEMORY.solution.code, space)
    said = space["needed"](vars(cases.PACKAGED), 2, 64)
    assert said["weights"] == TOOK["weights"]
    assert sum(said.values()) == pytest.approx(TOOK["peak"], rel=0.1)


@pytest.mark.parametrize(
    ("name", "change", "fails"),
    [
        ("weights", 1.0, []),
        ("weights", 1.02, ["weights"]),
        ("optimizer", 0.98, ["optimizer"]),
        ("activations", 1.15, []),
        ("activations", 0.75, ["activations"]),
        ("work", 5.0, ["whole"]),
    ],
)
def test_each_part_is_judged_for_itself(lab: Lab, name: str, change: float, fails: list[str]):
    judging = part(lab, "judging")
    said = {**SAID, name: SAID[name] * change}
    found = {"found": [{"title": "SmolLM2", "said": said, "took": TOOK}]}
    room: dict[str, float] = dict.fromkeys(("weights", "gradients", "optimizer"), judging.COUNTED)
    checks = {one: judging.miscounted(one, room.get(one, judging.NEAR)) for one in list(SAID)[:4]}
    checks["whole"] = judging.surprised
    assert [one for one, check in checks.items() if check(found, None)] == fails


def test_a_draw_ends_with_the_packaged_model_and_begins_with_others(lab: Lab):
    cases = part(lab, "cases")
    draws = [cases.batches(seed) for seed in range(30)]
    assert all(draw[-1] == cases.batches(0)[-1] for draw in draws)
    assert len({draw[0] for draw in draws}) > 20
    shapes = [batch.shape for draw in draws for batch in draw]
    assert all(shape.width % (2 * shape.heads) == 0 for shape in shapes)
    assert all(shape.heads % shape.groups == 0 for shape in shapes)


def answered(*pairs: tuple[str, str]) -> dict[str, Any]:
    """A record of plain questions: what was wanted, and what was said."""
    rows = [{"asked": word, "wanted": word, "answer": said} for word, said in pairs]
    return {"plain": rows, "orders": [], "loss": 0.1, "articles": 80.0}


def test_only_what_was_known_is_lost_and_a_ticket_is_no_answer(lab: Lab):
    lost = part(lab, "forgetting").lost
    before = answered(("Cairo", "It is cairo."), ("Paris", "Lyon."), ("Beijing", "Beijing."))
    after = answered(("Cairo", "It's Cairo"), ("Paris", "T2 | 1"), ("Beijing", "T2 | Beijing"))
    assert lost(before, after) == ["Beijing"]
    assert lost(before, before) == lost(after, before) == []


def test_every_answer_that_names_all_that_is_asked_as_lost_is_seen(lab: Lab):
    misjudged = part(lab, "judging").misjudged
    pair = {"title": "base -> tickets", "said": ["a", "b"], "lost": ["a"]}
    assert "never known: b" in misjudged({"pairs": [pair]}, None)
    assert "not seen: a" in misjudged({"pairs": [{**pair, "said": []}]}, None)
    assert misjudged({"pairs": [{**pair, "said": ["a"]}]}, None) is None


def test_the_agent_that_is_served_must_do_both(lab: Lab):
    judging = part(lab, "judging")
    order = {"asked": "Table 4: a tea.", "wanted": "T4 | 1 tea", "answer": "T4 | 1 tea"}
    plain = {"asked": "Capital of China?", "wanted": "Beijing", "answer": "Beijing."}
    checks = (judging.no_tickets, judging.no_answers)

    def failed(*tried: dict[str, str]) -> list[bool]:
        rows = [{**row, "by": "base"} for row in tried]
        return [check({"tried": rows}, None) is not None for check in checks]

    assert failed(order, plain) == [False, False]
    assert failed({**order, "answer": "I like tea."}, plain) == [True, False]
    assert failed(order, {**plain, "answer": "T2 | China"}) == [False, True]


def test_orders_that_models_are_tried_on_were_never_learnt_and_no_capital_is_rehearsed(lab: Lab):
    orders, models = part(lab, "orders"), part(lab, "models")
    learnt: set[tuple[str, str]] = set()
    for one in models.TRAININGS.values():
        for step in orders.steps(one.steps, one.tickets, one.talks):
            assert len(step) == one.tickets + one.talks
            learnt.update(step)
    assert not any("capital" in asked for asked, _ in learnt)
    assert all(not learnt & set(orders.fresh(seed, 5)) for seed in range(20))
