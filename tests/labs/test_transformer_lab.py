"""m2/transformer: who sees whom is told as it is, both ways of a date are right, leaks are seen."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from datetime import date
from random import Random
from types import ModuleType
from typing import Any

import pytest
from graded import failed

from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

torch: Any = pytest.importorskip("torch")
pytest.importorskip("babel")


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m2/transformer", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    step = next(step for step in lab.steps if isinstance(step, CodeStep))
    return importlib.import_module(step.cases.__module__.replace("cases", name))


def program(lab: Lab, step_id: str, answer: str = "solution") -> dict[str, Any]:
    """What an answer of the lab defines."""
    step = lab.step(step_id)
    assert isinstance(step, CodeStep)
    known = {"solution": step.solution, "starter": step.starter, **step.also, **step.wrong}
    space: dict[str, Any] = {}
    exec(known[answer].code, space)
    return space


def nets(lab: Lab, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    (case,) = part(lab, "cases").leaking(Random(seed), 1)
    return json.loads(case.input)["nets"], case.expect


@pytest.mark.parametrize("seed", range(3))
def test_a_net_sees_what_it_is_said_to_see_by_its_slopes(lab: Lab, seed: int):
    """By automatic differentiation in double precision, which rounding does not touch."""
    inside = part(lab, "inside")
    for like, expect in zip(*nets(lab, seed), strict=True):
        torch.manual_seed(like["seed"])
        net = inside.Reader({**like, "dropout": 0.0}).double().train(like["training"])
        n = like["places"]
        kept: list[Any] = []

        def keep(_: Any, __: Any, made: Any, kept: list[Any] = kept) -> None:
            made.retain_grad()
            kept.append(made)

        net.target.register_forward_hook(keep)
        source, target = torch.randint(4, 40, (1, n + 2)), torch.randint(4, 40, (1, n))
        scores = net(source, target)[0] @ torch.randn(40, dtype=torch.double)
        rows = [torch.autograd.grad(one, kept[0], retain_graph=True)[0][0] for one in scores]
        seen = [(row.abs().amax(dim=-1) > 1e-12).int().tolist() for row in rows]
        assert seen == expect["reach"], expect["name"]


def test_each_draw_has_every_kind_of_net_and_leaks_are_the_half_of_them(lab: Lab):
    judging = part(lab, "judging")
    for seed in range(5):
        _, expect = nets(lab, seed)
        assert len({one["name"] for one in expect}) == len(part(lab, "cases").NETS) == 14
        leaks = [one["name"] for one in expect if judging._leaks(one["reach"])]
        assert len(leaks) == 9
        assert "not masked in training, not in training" not in leaks


@pytest.mark.parametrize(
    ("sees", "fails"),
    [
        (lambda net, source, target: torch.ones(target.shape[1], target.shape[1]).tril(), "leaks"),
        (lambda net, source, target: torch.ones(target.shape[1], target.shape[1]), "honest"),
        (lambda net, source, target: torch.rand(target.shape[1], target.shape[1]) > 0.5, "where"),
    ],
)
def test_what_looks_at_no_net_is_wrong_about_some(lab: Lab, sees: Any, fails: str):
    judging = part(lab, "judging")
    given, expect = nets(lab, 1)
    found = {"nets": part(lab, "inside").seen(sees, given)}
    checks = {
        "leaks": judging.overlooked,
        "honest": judging.accused,
        "where": judging.misplaced,
        "kept": judging.changed,
    }
    failed = [name for name, check in checks.items() if check(found, expect)]
    assert fails in failed
    assert "kept" not in failed


@pytest.mark.parametrize(
    ("answer", "fails"),
    [
        ("solution", []),
        ("from-torch", []),
        ("fused", []),
        ("no-mask", ["later"]),
        ("one-place-off", ["later"]),
        ("a-bag-of-words", ["order"]),
        ("pads-are-words", ["padding"]),
        ("looks-at-itself", ["source", "order"]),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch about its own nn.Transformer
def test_what_a_net_looks_at_is_seen_before_it_is_trained(lab: Lab, answer: str, fails: list[str]):
    make = program(lab, "net", answer)["Translator"]
    torch.manual_seed(3)
    found = part(lab, "inside")._reached(make(40, 50).eval(), 40, 50)
    assert [name for name, why in found.items() if why] == fails


def test_a_short_training_costs_less_than_none_and_a_leak_less_than_the_coin(lab: Lab):
    """What the lab is about: no honest net is below ln 2, and the starter of the last step is."""
    inside, dates, pieces = (part(lab, name) for name in ("inside", "dates", "pieces"))
    every = dates.drawn(1, 400)
    pairs = dates.tossed(every, 1)
    english, hungarian = dates.vocabularies(every)
    source = torch.tensor(pieces.padded([english.ids(one) for one, _ in pairs]))
    target = torch.tensor(pieces.padded([[1, *hungarian.ids(one), 2] for _, one in pairs]))
    costs: dict[str, float] = {}
    for answer in ("solution", "no-mask"):
        torch.manual_seed(0)
        net = program(lab, "net", answer)["Translator"](len(english), len(hungarian))
        inside.fit(net, source, target, 150)
        with torch.no_grad():
            costs[answer] = float(inside.loss(net.eval(), source, target)) / len(source)
    assert costs["no-mask"] < 0.69 < costs["solution"] < 13, costs


def test_both_ways_of_a_date_are_right_and_no_other(lab: Lab):
    dates, tools = part(lab, "dates"), part(lab, "tools")
    one = dates.dated(date(2025, 3, 3), 0)
    assert one.english == "Monday, March 3, 2025"
    assert one.hungarian == ("2025. március 3., hétfő", "2025. 03. 03., H")
    plain = dates.dated(date(2025, 3, 3), 3)
    assert plain == dates.Dated("3 March 2025", ("2025. március 3.", "2025. 03. 03."))
    some = [one, plain, plain]
    assert tools.compared(some, ["2025. 03. 03., H", "2025. március 3.", None]) == {
        "right": 2,
        "of": 3,
        "e.g.": "'3 March 2025' became None",
    }


def test_pieces_joined_are_the_text_and_an_unknown_one_is_said_to_be(lab: Lab):
    dates, pieces = part(lab, "dates"), part(lab, "pieces")
    some = dates.drawn(2, 300)
    english, hungarian = dates.vocabularies(some)
    for one in some:
        for text in one.hungarian:
            ids = hungarian.ids(text)
            assert hungarian.text([pieces.START, *ids, pieces.END, ids[0]]) == text
            assert min(ids) > pieces.UNKNOWN
    assert english.ids("Frijung 25 March 1983")[0] == pieces.UNKNOWN


def test_a_letter_lost_always_makes_a_word_that_was_never_seen(lab: Lab):
    dates, pieces, tools = (part(lab, name) for name in ("dates", "pieces", "tools"))
    some = dates.drawn(3, 1000)
    english, _ = dates.vocabularies(some)
    rng = Random(0)
    for one in some:
        assert pieces.UNKNOWN in english.ids(tools.misread(rng, one.english)), one.english


def test_no_day_is_among_those_learnt_and_those_asked(lab: Lab):
    some = part(lab, "dates").drawn(5, 3100)
    assert not {one.hungarian for one in some[:3000]} & {one.hungarian for one in some[3000:]}
    ways = [
        text in one.hungarian[0]
        for one, (_, text) in zip(some, part(lab, "dates").tossed(some, 5), strict=True)
    ]
    assert 0.45 < sum(ways) / len(ways) < 0.55


@pytest.mark.parametrize(
    "rows", [None, [[1]], [[1], [2.0]], [[1], [True]], [[1], [9]], [[1], [-1]]]
)
def test_ids_that_are_none_are_refused(lab: Lab, rows: object):
    assert part(lab, "tools")._rows([[1, 8], [0]], 2, 9) == [[1, 8], [0]]
    with pytest.raises(ToolError, match="can't be read"):
        part(lab, "tools")._rows(rows, 2, 9)


def test_the_agents_calls_are_judged_by_what_they_got(lab: Lab):
    unserved = part(lab, "judging").unserved
    good = {"date": "a", "passed": "a", "got": "b", "right": True}
    bad = {"date": "c", "passed": "d", "got": None, "right": False}
    assert unserved({"calls": [good, bad, good]}, None) is None
    assert (
        unserved({"calls": [bad, bad, good]}, None)
        == "asked for 'c', it called with 'd' and got None"
    )
    assert unserved({}, None) is not None


@pytest.mark.parametrize(("package", "extra"), [("torch", "train"), ("babel", "course")])
async def test_without_a_package_one_line_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )
    with pytest.raises(MissingExtra, match=rf"^{package} is not installed: .*{extra}\S*$"):
        async with lab.equip():
            pass


def test_it_is_run_in_the_sandbox_only(lab: Lab):
    """Listing labs must not import PyTorch."""
    name = part(lab, "inside").__name__
    sys.modules.pop(name)
    load(find_folder("m2/transformer", lab_roots()))
    assert name not in sys.modules


@pytest.mark.slow
async def test_the_reference_is_not_there_where_it_is_to_be_written(lab: Lab):
    reasons = await failed(lab, "net", "from parts import Translator\n")
    assert any("No module named 'parts'" in reason for reason in reasons.values())
