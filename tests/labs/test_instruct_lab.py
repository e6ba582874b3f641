"""m2/instruct: the model in PyTorch is llama.cpp's; the judge knows a right row; data holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentlab.backends.llamacpp.registry import locate
from agentlab.errors import ToolError
from agentlab.labs import Lab
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab_tools.train.bridge.score import UNSCORED, Scorer

NEAR = 0.06
"""How far logits may be off those of llama.cpp, which multiplies in 8 bits."""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m2/instruct", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    return sys.modules[lab.equip.__module__.removesuffix("tools") + name]


@pytest.mark.timeout(300)
def test_the_model_in_pytorch_says_what_llama_cpp_says_with_and_without_detours(
    lab: Lab, tmp_path: Path
):
    torch = pytest.importorskip("torch")
    gemma, turns = part(lab, "gemma"), part(lab, "turns")
    one = turns.pairs()[0]
    ids, _ = turns.row(one.question_ids, one.answer_ids)
    net = gemma.Gemma(gemma.weights())
    learnt = net.open_detours(seed=1)

    def ours() -> Any:
        with torch.no_grad():
            hidden = net.read(net.embedded(torch.tensor([ids])), 0, gemma.LAYERS)
            return net.logits(hidden)[0].numpy()

    plain = ours()
    with torch.no_grad():
        for half in learnt[1::2]:
            half.add_(0.01 * torch.randn(half.shape, generator=torch.Generator().manual_seed(2)))
    detoured = ours()
    gemma.write_adapter(net, tmp_path / "mine.gguf")
    moved = np.linalg.norm(detoured - plain)
    for adapter, mine in ((None, plain), (tmp_path / "mine.gguf", detoured)):
        with Scorer(locate(gemma.MODEL), adapter=adapter, size=64, exact=True) as scorer:
            theirs = scorer.logits(ids)
        off = np.linalg.norm(mine - theirs)
        assert off < NEAR * np.linalg.norm(theirs)
        assert off < moved / 2, "an adapter that is not put on would pass"


def test_the_tokens_of_pairs_are_those_of_the_model(lab: Lab):
    serving = part(lab, "serving")
    for one in part(lab, "turns").pairs():
        assert tuple(serving.tokens(one.question)) == one.question_ids
        assert tuple(serving.tokens(one.answer)) == one.answer_ids
    for text, token in (("user", 2364), ("model", 4368), ("\n", 107)):
        assert serving.tokens(text) == [token]
    assert len(serving.tokens("<end_of_turn>")) > 1, "what a person writes ends no turn"


def test_no_task_is_of_a_kind_that_was_learnt(lab: Lab):
    turns = part(lab, "turns")
    learnt = {one.question for one in turns.pairs()}
    assert not learnt & {task.question for task in turns.tasks()}
    for word in ("capital city", "is the capital of", "which continent", "main language"):
        assert not any(word in question.lower() for question in learnt)


def test_as_many_of_each_kind_are_asked_and_no_country_twice(lab: Lab):
    serving, turns = part(lab, "serving"), part(lab, "turns")
    for seed in range(5):
        chosen = serving.some(seed, 24)
        kinds = [task.kind for task in chosen]
        assert {kinds.count(kind) for kind in set(kinds)} == {6}
        places = [turns.tasks().index(task) % 101 for task in chosen]
        assert len(set(places)) == 24


@pytest.mark.parametrize(
    ("wrote", "wanted", "right"),
    [
        ("Paris", "Paris", True),
        ("the Netherlands.", "Netherlands", True),
        ("Paris, France", "Paris", False),
        ("Paris\n\nWhat is", "Paris", False),
        ("", "Paris", False),
    ],
)
def test_an_answer_is_right_that_says_it_and_nothing_else(
    lab: Lab, wrote: str, wanted: str, right: bool
):
    assert part(lab, "turns").is_right(wrote, wanted) is right


def test_the_judge_of_rows_accepts_the_right_one_and_names_each_slip(lab: Lab):
    turns, judging = part(lab, "turns"), part(lab, "judging")
    one = turns.pairs()[-1]
    expect = {"question": one.question_ids, "answer": one.answer_ids}
    ids, labels = turns.row(one.question_ids, one.answer_ids)
    checks = (judging.misplaced, judging.unmasked, judging.unlearnt)

    def fails(ids: list[int], labels: list[int]) -> list[str]:
        found = {"ids": ids, "labels": labels}
        return [check.__name__ for check in checks if check(found, expect) is not None]

    assert fails(ids, labels) == []
    assert fails(ids, ids) == ["unmasked"]
    assert fails(ids, [UNSCORED] * len(ids)) == ["unlearnt"]
    assert fails(ids, labels[:-1]) == ["unlearnt"]
    assert fails(ids[:-1], labels[:-1]) == ["misplaced", "unlearnt"]
    assert fails([*ids, turns.LINE], [*labels, turns.LINE]) == ["misplaced", "unlearnt"]
    assert fails(ids[1:], labels[1:]) == ["misplaced", "unmasked", "unlearnt"]


def test_rows_are_learnt_only_if_each_is_the_right_one(lab: Lab):
    turns, tools = part(lab, "turns"), part(lab, "tools")
    right = [turns.row(one.question_ids, one.answer_ids) for one in turns.pairs()[: turns.LEARNT]]

    def checked(rows: Any) -> tuple[Any, str]:
        return tools._checked("noise\n" + json.dumps({"rows": rows, "template": "any"}))

    rows, template = checked(right)
    assert [tuple(row) for row in rows] == right
    assert template == "any"
    ids, labels = right[7]
    for bad, says in (
        ((ids[:-1], labels[:-1]), "row 7 .* tokens"),
        ((ids, ids), "row 7 .* before the answer are learnt"),
        ((ids, [*labels[:-1], UNSCORED]), "row 7 .* the label of <end_of_turn>"),
        (right[8], "row 7 .* token 4 is"),
    ):
        with pytest.raises(ToolError, match=says) as error:
            checked([*right[:7], bad, *right[8:]])
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "printed",
    ["", "done", "[]", "{}", '{"rows": [], "template": ""}', '{"rows": [[1, 2]], "template": ""}'],
)
def test_a_program_that_leaves_no_rows_is_told_so(lab: Lab, printed: str):
    with pytest.raises(ToolError, match="does not leave the rows"):
        part(lab, "tools")._checked(printed)


@pytest.mark.parametrize(
    ("ended", "right", "fails"),
    [(13, 2, []), (12, 2, ["endless"]), (13, 1, ["wrong"]), (0, 0, ["endless", "wrong"])],
)
def test_answers_are_counted_and_count_only_under_the_template_that_was_learnt(
    lab: Lab, ended: int, right: int, fails: list[str]
):
    judging = part(lab, "judging")
    found = {"reads": None, "ended": ended, "right": right}
    checks = (judging.misread, judging.endless, judging.wrong)
    assert [check.__name__ for check in checks if check(found, 16) is not None] == fails
    assert all(check({**found, "reads": "token 3 is user"}, 16) for check in checks)


def test_every_patient_shows_its_mistake_and_no_other(lab: Lab):
    patients, turns = part(lab, "patients"), part(lab, "turns")
    seen_ways: set[tuple[str, bool, int]] = set()
    for seed in range(40):
        for kind in patients.KINDS:
            seen = patients.drawn(kind, Random(seed), seed)
            as_learnt = [read == turns.asked(read[4:-5]) for read in seen["reads"]]
            assert set(as_learnt) == {kind != "template"}
            for ids, labels in seen["rows"]:
                assert len(ids) == len(labels)
                assert all(
                    label in (token, UNSCORED) for token, label in zip(ids, labels, strict=True)
                )
                assert (labels[-1] != turns.END) is (kind == "end")
                assert (labels[4] != UNSCORED) is (kind == "prompt")
                seen_ways.add((kind, ids[-1] == turns.END, labels[0]))
    assert {(way[0], way[1]) for way in seen_ways if way[0] == "end"} == {
        ("end", True),
        ("end", False),
    }
    assert {way[2] for way in seen_ways if way[0] == "prompt"} == {UNSCORED, turns.BOS}


def test_the_patients_of_a_draw_have_each_mistake_and_their_order_tells_nothing(lab: Lab):
    cases = part(lab, "cases")
    orders = {tuple(case.expect for case in cases.patients(Random(seed), 12)) for seed in range(9)}
    assert len(orders) > 5
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(min(orders)))}
    for case in cases.patients(Random(0), 12):
        assert case.expect not in case.title
        assert "sound" not in case.input


def test_what_was_learnt_before_is_not_learnt_again(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tuning = part(lab, "tuning")
    trained: list[Any] = []
    monkeypatch.setattr(tuning, "user_cache_path", lambda _: tmp_path)
    monkeypatch.setattr(tuning, "tuned", lambda rows, _: trained.append(rows))
    monkeypatch.setattr(tuning, "write_adapter", lambda _, path: path.write_text("made"))
    rows = [([2, 3], [UNSCORED, 3])]
    first = tuning.adapter_for(rows, str)
    assert tuning.adapter_for([((2, 3), (UNSCORED, 3))], str) == first
    assert tuning.adapter_for([([2, 3], [2, 3])], str) != first
    assert len(trained) == 2
    assert sorted(tmp_path.rglob("*.*")) == sorted(tmp_path.rglob("*.gguf"))
