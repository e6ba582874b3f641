"""m1/pytorch: what it looks at is what it says, and its model is the one that llama.cpp runs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from random import Random
from types import ModuleType
from typing import Any

import pytest

from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab
from agentlab_tools.digits import drawn

torch: Any = pytest.importorskip("torch")


@pytest.fixture
def lab() -> Lab:
    return load(find_folder("m1/pytorch", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return importlib.import_module(steps[0].cases.__module__.replace("cases", name))


def digits(lab: Lab, rows: int) -> dict[str, Any]:
    x, y, fresh, _ = drawn(1, 1500, 1000, "float32")
    given = {"x": x, "y": y, "fresh": fresh}
    torch.manual_seed(0)
    return {name: torch.tensor(array[:rows]) for name, array in given.items()}


class Hidden(torch.nn.Module):
    """Its first layer is where a module does not look."""

    def __init__(self, pictures: Any) -> None:
        super().__init__()
        self.layers = [torch.nn.Linear(196, 8)]
        self.out = torch.nn.Linear(8, 10)

    def forward(self, x: Any) -> Any:
        return self.out(torch.relu(self.layers[0](x)))


def test_weights_are_found_where_a_module_does_not_look(lab: Lab):
    found = part(lab, "inside").module(Hidden, digits(lab, 64))
    assert found["strangers"] == 197 * 8
    assert found["known"] == 9 * 10
    assert found["saved"] > 1e-3
    assert found["moved"] != "meta"


def test_a_watched_net_sees_rows_apart_from_their_labels_and_slopes_of_before(lab: Lab):
    inside = part(lab, "inside")

    def fit(net: Any, x: Any, y: Any, rounds: int) -> list[Any]:
        optimizer = torch.optim.SGD(net.train().parameters(), lr=0.01)
        losses: list[Any] = []
        for n in range(2 * rounds):
            loss = torch.nn.functional.cross_entropy(net(x), y.flip(0) if n % 2 else y)
            loss.backward()
            optimizer.step()
            losses.append(loss if n else loss.item())
        return losses

    found = inside.loop(fit, lambda net, x: net.eval()(x).argmax(1), digits(lab, 64))
    assert found["passes"] == found["losses"] == found["training"] == 4
    assert found["alive"] == 3
    assert found["rows"] // 2 <= found["paired"] < found["rows"] * 0.7
    assert found["left"] > 1e-4
    assert found["likeness"] > 0.999
    assert found["changed"] == found["asked_training"] == 0


@pytest.mark.parametrize("guesses", [None, [1, 2], [1, 2, 3.0], [1, 2, True], [1, 2, "3"]])
def test_guesses_are_one_digit_a_picture_or_refused(lab: Lab, guesses: object):
    import numpy as np

    guessed = part(lab, "tools").guessed
    assert guessed([1, 2, 3], np.array([1, 2, 4])) == pytest.approx(2 / 3)
    with pytest.raises(ToolError, match="one digit for each of the 3 pictures"):
        guessed(guesses, np.array([1, 2, 3]))


def test_the_model_layer_by_layer_says_what_llama_cpp_says_of_the_same_file(lab: Lab):
    from agentlab.backends.llamacpp.registry import find
    from agentlab_tools.train.bridge.score import Scorer

    model = part(lab, "model")
    ids = model.read("The capital of France is")
    ours = model.packaged().scores(ids)
    with Scorer(find("local:smollm2").path, size=64, exact=True) as scorer:
        theirs = scorer.logits(ids)[-1]
    assert model.word(int(ours.argmax())) == " Paris"
    assert int(theirs.argmax()) == int(ours.argmax())
    gap = abs((ours - ours.mean()) - (theirs - theirs.mean())).max()
    assert gap < 1.5 < ours.std() * 2  # it rounds what flows between its weights to eight bits


def test_without_its_twelfth_feed_forward_half_the_model_does_not_say_it(lab: Lab):
    """As the lesson says."""
    model = part(lab, "model")
    smol, ids = model.packaged(), model.read("The capital of France is")
    said = [model.word(int(smol.scores(ids, without=layer).argmax())) for layer in (0, 11, 15)]
    assert said == [" wis", " not", " Paris"]


def test_the_layers_that_matter_are_always_among_those_that_are_built(lab: Lab):
    cases = part(lab, "cases").layers(Random(5), 6)
    assert all('"layers": [0, 11, ' in case.input for case in cases)


async def test_without_torch_one_line_says_what_to_install(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    with pytest.raises(MissingExtra, match=r"^torch is not installed: .*train\S*$"):
        async with lab.equip():
            pass


def test_it_is_run_in_the_sandbox_only(lab: Lab):
    """Listing labs must not import PyTorch."""
    name = part(lab, "cases").__name__.replace("cases", "inside")
    sys.modules.pop(name, None)
    load(find_folder("m1/pytorch", lab_roots()))
    assert name not in sys.modules
