"""m1/keras: each mistake is seen as what it is, and the same programs hold on another backend."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from agentlab.errors import MissingExtra, ToolError
from agentlab.labs.answers import CodeAnswer
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.values import CodeStep, Lab

for _needed in ("keras", "torch"):  # to import Keras here would take whichever backend it finds
    if importlib.util.find_spec(_needed) is None:
        pytest.skip(f"needs {_needed}", allow_module_level=True)

TRY = """
import json, sys
import inside
from agentlab_tools.digits import drawn
x, y, fresh, digits = drawn(3, 1500, 1000, "float32")
given = {"x": x, "y": y, "fresh": fresh}
found = {}
for name, (task, code) in json.load(sys.stdin).items():
    inside.keras.saving.get_custom_objects().clear()
    inside.keras.utils.set_random_seed(1)
    space = {}
    exec(code, space)
    match task:
        case "layer":
            made = inside.layer(space["Standard"], lambda: exec(code, {}), given)
        case "watch":
            made = inside.watch(space["Dead"], given)
        case "train":
            made = inside.stop(space["train"])
        case _:
            made = inside.reads(space["train"], given, 3)
    if "guesses" in made:
        made["right"] = sum(made["guesses"] == digits) / len(digits)
    found[name] = made
print("\\n" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def lab() -> Lab:
    return load(find_folder("m1/keras", lab_roots()))


def part(lab: Lab, name: str) -> ModuleType:
    """A module of the lab."""
    steps = [step for step in lab.steps if isinstance(step, CodeStep)]
    return importlib.import_module(steps[0].cases.__module__.replace("cases", name))


def solution(lab: Lab, step: str) -> str:
    answer = lab.step(step).solution
    assert isinstance(answer, CodeAnswer)
    return answer.code


def solutions(lab: Lab) -> dict[str, tuple[str, str]]:
    tried = {task: (task, solution(lab, task)) for task in ("layer", "watch", "train")}
    return tried | {"reads": ("reads", solution(lab, "train"))}


def tried(
    programs: dict[str, tuple[str, str]], folder: Path, backend: str = "torch", first: str = ""
) -> dict[str, Any]:
    """What the lab's code finds of each program, in a process with this backend."""
    ended = subprocess.run(
        [sys.executable, "-c", first + TRY],
        input=json.dumps(programs),
        env=os.environ
        | {
            "KERAS_BACKEND": backend,
            "KERAS_HOME": str(folder),
            "PYTHONPATH": os.pathsep.join([str(find_folder("m1/keras", lab_roots())), *sys.path]),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


STOP = "self.model.stop_training = True"
MISTAKES = (
    ("layer", "@keras.saving.register_keras_serializable()", "", "lost", "can't be loaded: TypeE"),
    ("layer", '"most": self.most', "", "lost", "it gives other scores, by up to"),
    ("layer", "x.std()", "x.std(axis=0).max()", "misset", "its numbers are not"),
    ("layer", "-self.most, self.most)", "-9, 9)", "misset", "its numbers are not"),
    ("layer", "trainable=False", "trainable=True", "moved", "training the net around it moved"),
    ("watch", "on_epoch_end(self, epoch", "on_train_batch_end(self, batch", "miscounted", "rounds"),
    ("watch", "np.concatenate(dead)", "dead[0]", "miscounted", "are dead, and it says"),
    ("watch", "axis=0", "axis=1", "miscounted", "are dead, and it says"),
    ("watch", STOP, "pass", "unended", "and the training went on"),
    ("watch", "> 0.5", "> 0.42", "unended", "it ended with 45% dead, after round 1"),
    ("train", "x, y = x[order], y[order]", "", "unheld", "has 2 of the ten digits"),
    ("train", "* 4 // 5", "* 9 // 10", "unheld", "it held back 40 of 400 rows"),
    ("train", "net.fit(x[:edge], y[:edge]", "net.fit(x, y", "unheld", "80 rows were both learnt"),
    ("train", ", restore_best_weights=True", "", "unkept", "are those of round 9; the best was"),
    ("train", "patience=3", "patience=1", "unkept", "are those of round 3; the best was"),
    ("train", "patience=3", "patience=9", "unkept", "it went on for 15 rounds"),
)
"""The step, what is written otherwise, and what is complained of then."""


@pytest.fixture(scope="module")
def found(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of the solutions, as in the sandbox, and of each mistake."""
    programs = solutions(lab)
    for n, (step, old, new, *_) in enumerate(MISTAKES):
        code = solution(lab, step)
        assert old in code
        programs[str(n)] = step, code.replace(old, new)
    first = f"{part(lab, 'tools').FIRST}\n"
    return tried(programs, tmp_path_factory.mktemp("keras"), first=first)


CHECKS = {
    "layer": ("misset", "moved", "lost", "unread"),
    "watch": ("miscounted", "unended"),
    "train": ("unheld", "unkept"),
    "reads": ("unread",),
}


def complaints(lab: Lab, task: str, found: dict[str, Any]) -> dict[str, str]:
    judging = part(lab, "judging")
    said = {check: getattr(judging, check)(found, None) for check in CHECKS[task]}
    return {check: says for check, says in said.items() if says is not None}


def test_of_the_solutions_nothing_is_complained(lab: Lab, found: dict[str, Any]):
    assert [complaints(lab, task, found[task]) for task in CHECKS] == [{}] * len(CHECKS)
    assert abs(found["reads"]["said"] - found["reads"]["right"]) < part(lab, "judging").HONEST


@pytest.mark.parametrize("n", range(len(MISTAKES)), ids=[f"{m[0]}: {m[2]}" for m in MISTAKES])
def test_each_mistake_is_seen_as_what_it_is(lab: Lab, found: dict[str, Any], n: int):
    step, _, _, check, says = MISTAKES[n]
    said = complaints(lab, step, found[str(n)])
    assert says in said[check], said


@pytest.mark.slow
def test_keras_without_what_the_lab_spares_it_computes_the_same(
    lab: Lab, found: dict[str, Any], tmp_path: Path
):
    """The lab leaves out the compiler of torch, and its tensors without numbers."""
    program = {"reads": ("reads", solution(lab, "train"))}
    whole = tried(program, tmp_path)["reads"]
    assert whole["guesses"] == found["reads"]["guesses"]
    assert whole["said"] == found["reads"]["said"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="without TensorFlow")
def test_the_same_programs_hold_on_tensorflow(lab: Lab, tmp_path: Path):
    found = tried(solutions(lab), tmp_path, "tensorflow")
    assert [complaints(lab, task, found[task]) for task in CHECKS] == [{}] * len(CHECKS)


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ("The net is 88 percent.", 0.88),
        ("88% it is: 88 percent", 0.88),
        ("97.5 %", 0.975),
        ("It was trained for 12 rounds.", None),
        ("Between 80% and 90%.", None),
    ],
)
def test_what_is_said_is_one_share_or_none(lab: Lab, said: str, share: float | None):
    assert part(lab, "agent").share_in(said) == share


async def test_the_agent_says_what_it_was_told(lab: Lab):
    told: list[int] = []

    async def train(rounds: int) -> float:
        told.append(rounds)
        return 0.71

    said, share, calls = await part(lab, "agent").asked(train, 10)
    assert (share, calls, told) == (0.71, [10], [10, 10]), said
    assert await part(lab, "agent").asked(train, 10) == (said, share, calls)
    assert told == [10, 10, 10], "the same answer is not asked for again"


@pytest.mark.parametrize("guesses", [None, [1, 2], [1, 2, 3.0], [1, 2, True], [1, 2, "3"]])
def test_guesses_are_one_digit_a_picture_or_refused(lab: Lab, guesses: object):
    import numpy as np

    guessed = part(lab, "tools").guessed
    assert guessed([1, 2, 3], np.array([1, 2, 4])) == pytest.approx(2 / 3)
    with pytest.raises(ToolError, match="one digit for each of the 3 pictures"):
        guessed(guesses, np.array([1, 2, 3]))


def test_the_judge_knows_the_best_round_of_the_script(lab: Lab, found: dict[str, Any]):
    """It can't read it where the script lies: that is run in the sandbox only."""
    text = (find_folder("m1/keras", lab_roots()) / "inside.py").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("LOSSES = ")]
    losses = [float(loss) for loss in line.partition("(")[2].strip(")").split(",")]
    assert losses.index(min(losses)) == part(lab, "judging").BEST == found["train"]["kept"]


@pytest.mark.parametrize(("lacks", "extra"), [("keras", "course"), ("torch", "train")])
async def test_one_line_says_what_to_install(
    lab: Lab, lacks: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == lacks else find(name)
    )
    with pytest.raises(MissingExtra, match=rf"^{lacks} is not installed: .*{extra}\S*$"):
        async with lab.equip():
            pass


def test_keras_is_run_in_the_sandbox_only(lab: Lab):
    """Listing labs must not import it."""
    name = part(lab, "cases").__name__.replace("cases", "inside")
    sys.modules.pop(name, None)
    load(find_folder("m1/keras", lab_roots()))
    assert name not in sys.modules
