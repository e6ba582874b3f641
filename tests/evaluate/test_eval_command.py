"""`agentlab eval` as its users meet it: exit codes, tables, JSON, and a real small model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluated import adder

from agentlab.backends.schemes import SCHEMES, Scheme
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli, main
from agentlab.errors import BackendError
from agentlab.trace.results import Results, results_in

Eval = Callable[..., tuple[int, str]]


def open_adder(name: str) -> Scripted:
    """A backend by name: `adder:right`, or one with a fault of that name."""
    fault = name.partition(":")[2]

    def script(messages: Any, *_: Any) -> Any:
        n = int(messages[-1].text.split()[0])
        if fault == "down" and n == 1:
            return BackendError("it is down")
        return adder(messages) if fault == "wrong" else f"\x1b[31m{2 * n}"

    return Scripted(script, name=name)


@pytest.fixture
def run_eval(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Eval:
    opens = "test_eval_command:open_adder"
    monkeypatch.setitem(SCHEMES, "adder", Scheme("adder", local=True, opens=opens))
    monkeypatch.setenv("COLUMNS", "100")
    import sys

    monkeypatch.setitem(sys.modules, "test_eval_command", sys.modules[__name__])

    def call(*args: str) -> tuple[int, str]:
        code = cli.main(["eval", *args, "--runs", str(runs)], standalone_mode=False)
        return code or 0, capsys.readouterr().out

    return call


@pytest.fixture
def data(tmp_path: Path) -> str:
    file = tmp_path / "sums.jsonl"
    lines = [{"id": f"s{n}", "input": f"{n} + {n}", "expect": 2 * n} for n in range(8)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(file)


def test_a_table_shows_the_mean_and_how_sure_it_is(run_eval: Eval, data: str):
    code, out = run_eval("run", data, "-b", "adder:wrong", "-s", "numeric", "--name", "w")
    assert code == 0
    assert "0.750" in out
    assert "├" in out
    assert "8 of 8 samples" in out
    assert "said 7, expected '6'" in out
    assert "agentlab show 20" in out
    assert "\x1b" not in out


def test_json_is_all_there_is_on_stdout(run_eval: Eval, data: str):
    code, out = run_eval("run", data, "-b", "adder:wrong", "-s", "numeric", "-n", "2", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["scores"]["numeric"]["mean"] == 0.75
    assert found["scores"]["numeric"]["n"] == 8
    assert found["done"] == 16
    assert Results.load(Path(found["file"])).header.name == found["name"]
    shown = json.loads(run_eval("show", found["name"][:12], "--json")[1])
    assert shown == found


def test_the_same_command_asks_nothing_again(run_eval: Eval, data: str, runs: Path):
    for _ in range(2):
        run_eval("run", data, "-b", "adder:right", "-s", "numeric")
    (path,) = results_in(runs)
    assert len(path.read_text().splitlines()) == 9


def test_exit_codes_say_whether_it_was_good_enough(run_eval: Eval, data: str):
    wrong = ("run", data, "-b", "adder:wrong", "-s", "numeric", "--name", "w")
    assert run_eval(*wrong, "--at-least", "0.7")[0] == 0
    assert run_eval(*wrong, "--at-least", "0.8")[0] == 1
    code, out = run_eval("run", data, "-b", "adder:down", "-s", "numeric", "--name", "d")
    assert code == 1
    assert "it is down" in out


def test_a_worse_setting_is_found_out(run_eval: Eval, tmp_path: Path, runs: Path):
    file = tmp_path / "many.jsonl"
    lines = [{"input": f"{n} + {n}", "expect": 2 * n} for n in range(40)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("right", "wrong"):
        run_eval("run", str(file), "-b", f"adder:{name}", "-s", "numeric", "--name", name)
    code, out = run_eval("compare", "right", "wrong")
    assert code == 1
    assert "-0.250" in out
    assert "0 / 10" in out
    code, out = run_eval("compare", "wrong", "right", "--json")
    assert code == 0
    assert json.loads(out)["scores"]["numeric"]["p"] == pytest.approx(2 / 2**10)
    assert [json.loads(row)["name"] for row in run_eval("list", "--json")[1].splitlines()] == [
        "right",
        "wrong",
    ]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere.jsonl"], "no such file"),
        (["{data}"], "say what makes an answer right"),
        (["{data}", "-s", "nope"], "no scorer 'nope'"),
        (["{data}", "-s", "judge"], "--judge"),
        (["{data}", "-s", "exact", "--name", "../x"], "can't name results"),
        (["m5/tool-use:whose-mistake"], "no agent to evaluate"),
        (["m5/nothing:at-all"], "no lab"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(
    args: list[str],
    says: str,
    data: str,
    runs: Path,
    run_eval: Eval,
    capsys: pytest.CaptureFixture[str],
):
    given = [arg.replace("{data}", data) for arg in args]
    with pytest.raises(SystemExit) as ended:
        main(["eval", "run", *given, "-b", "adder:right", "--runs", str(runs)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert says in line


@pytest.mark.slow
def test_a_real_small_model_is_evaluated(run_eval: Eval, tmp_path: Path, runs: Path):
    data, agent = tmp_path / "sums.jsonl", tmp_path / "agent.toml"
    sums = {"17 * 23": 391, "31 * 3": 93}
    data.write_text(
        "".join(json.dumps({"input": f"What is {k}?", "expect": v}) + "\n" for k, v in sums.items())
    )
    agent.write_text(
        'instructions = "Use the calculator for every sum."\ntools = ["calculator"]\n'
        "settings = { temperature = 0, max_tokens = 60 }\n"
        '[[examples]]\nuser = "What is 3 + 4?"\ntool = "calculator"\n'
        'arguments = { expression = "3 + 4" }\nresult = "7"\nanswer = "The answer is 7."\n'
        '[[examples]]\nuser = "What is 12 * 5?"\ntool = "calculator"\n'
        'arguments = { expression = "12 * 5" }\nresult = "60"\nanswer = "The answer is 60."\n'
    )
    scorers = ("-s", "numeric", "-s", "called:calculator")
    code, out = run_eval("run", str(data), "--agent", str(agent), *scorers, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["scores"]["called:calculator"]["mean"] > 0
    assert (found["done"], found["failed"]) == (2, [])
    assert found["usage"]["output_tokens"] > 0
    assert {t.stem for t in runs.glob("*.jsonl")} == {
        r.run for r in Results.load(Path(found["file"])).results
    }
