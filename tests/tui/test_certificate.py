"""A certificate of work: what it holds, what a page says of it, and that it is graded again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tui_world import LABS, adder

from agentlab.cli.main import cli
from agentlab.errors import ConfigError
from agentlab.places import models as places
from agentlab_tui.certificate import Certificate, sha256_of
from agentlab_tui.plain import PlainText
from agentlab_tui.progress import ProgressStore

ANSWER = 'instructions = ""\ntools = ["add"]\n'


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "open_backend", adder())
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path))


def progress(*args: str) -> Result:
    args = ("progress", "--labs", str(LABS), *args)
    return CliRunner().invoke(cli, args, standalone_mode=False)


@pytest.fixture
def passed(tmp_path: Path) -> ProgressStore:
    """The tiny lab, its two steps passed line by line."""
    store = ProgressStore(tmp_path / "progress")
    store.save_text("m9/tiny", "adder.toml", ANSWER)
    commands: Iterator[str] = iter(
        ["open m9/tiny", "next", "grade", "next", "choose a", "choose b", "quit"]
    )
    PlainText(
        home=tmp_path,
        runs=tmp_path / "runs",
        labs=(LABS,),
        backend=None,
        write=lambda _: None,
        ask=lambda _: next(commands),
    ).run()
    return store


def certificate(tmp_path: Path, *args: str) -> dict[str, Any]:
    file = tmp_path / "c.json"
    done = progress("export", "-o", str(file), *args)
    assert done.exit_code == 0, done.output
    return json.loads(file.read_text())


@pytest.mark.usefixtures("passed")
def test_it_holds_the_answers_the_models_and_the_numbers_reached(tmp_path: Path):
    made = certificate(tmp_path, "--name", "Ada")
    (lab,) = made["labs"]
    adds, who = lab["steps"]
    assert (made["name"], lab["lab"], lab["of"]) == ("Ada", "m9/tiny", 2)
    assert adds["model"] == "tiny:adder"
    assert adds["sha256"] == sha256_of(adds["answer"])
    assert dict(adds["checks"])["the tool was really called"] == "add was called in 3 of 3 cases"
    assert who["answer"] == 'chosen = ["b"]\n'
    assert who["model"] == ""


@pytest.mark.usefixtures("passed")
def test_it_is_graded_again_and_holds(tmp_path: Path):
    certificate(tmp_path)
    done = progress("verify", str(tmp_path / "c.json"))
    assert done.return_value == 0
    assert "✔ m9/tiny adder: passed:" in done.output
    assert "2 of 2 answers hold" in done.output


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("answer", 'instructions = "Guess."\n', "adder: changed: the answer is not the one"),
        ("step", "subtracter", "subtracter: gone: the lab has no such step"),
    ],
)
@pytest.mark.usefixtures("passed")
def test_what_was_changed_in_it_is_found(tmp_path: Path, field: str, value: str, says: str):
    made = certificate(tmp_path)
    made["labs"][0]["steps"][0][field] = value
    (tmp_path / "c.json").write_text(json.dumps(made))
    done = progress("verify", str(tmp_path / "c.json"))
    assert done.return_value == 1
    assert says in done.output
    assert "1 of 2 answers hold" in done.output


@pytest.mark.usefixtures("passed")
def test_a_forged_answer_with_its_own_hash_does_not_pass(tmp_path: Path):
    made = certificate(tmp_path)
    forged = 'instructions = "Guess."\n'
    made["labs"][0]["steps"][0].update(answer=forged, sha256=sha256_of(forged))
    (tmp_path / "c.json").write_text(json.dumps(made))
    done = progress("verify", str(tmp_path / "c.json"))
    assert done.return_value == 1
    assert "✘ m9/tiny adder: failed: 0 of 3 right, 3 needed" in done.output


@pytest.mark.usefixtures("passed")
def test_without_answers_there_are_hashes_and_nothing_to_grade(tmp_path: Path):
    made = certificate(tmp_path, "--without-answers")
    assert [step["answer"] for step in made["labs"][0]["steps"]] == [None, None]
    done = progress("verify", str(tmp_path / "c.json"))
    assert done.return_value == 1
    assert "no answer" in done.output


def test_what_is_written_after_passing_does_not_change_it(tmp_path: Path, passed: ProgressStore):
    passed.save_text("m9/tiny", "adder.toml", 'instructions = "Later."\n')
    assert certificate(tmp_path)["labs"][0]["steps"][0]["answer"] == ANSWER


@pytest.mark.usefixtures("passed")
def test_the_page_says_the_same_and_runs_nothing(tmp_path: Path):
    file = tmp_path / "c.html"
    assert progress("export", "-o", str(file), "--name", "<b>Ada</b>").exit_code == 0
    html = file.read_text()
    tags: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            tags.add(tag)

    Reader().feed(html)
    assert tags <= set(
        "html head meta title style body main h1 h2 h3 p span ol li b dl dt dd code".split()
    )
    assert "&lt;b&gt;Ada&lt;/b&gt;" in html
    assert "add was called in 3 of 3 cases" in html
    assert "default-src &#x27;none&#x27;" in html
    assert sha256_of(ANSWER) in html


def test_a_page_and_a_file_of_one_certificate_have_one_name(tmp_path: Path, passed: ProgressStore):
    made = Certificate.model_validate(certificate(tmp_path))
    bare = made.model_copy(
        update={
            "labs": tuple(
                lab.model_copy(
                    update={
                        "steps": tuple(s.model_copy(update={"answer": None}) for s in lab.steps)
                    }
                )
                for lab in made.labs
            )
        }
    )
    assert made.digest == bare.digest
    assert made.digest != made.model_copy(update={"name": "Eve"}).digest


def test_how_far_one_has_come_is_a_table(passed: ProgressStore):
    said = progress().output
    assert "m9/tiny" in said
    assert "2 of 2" in said


def test_nothing_passed_is_said_and_no_file_is_written(tmp_path: Path):
    assert "nothing was passed yet" in progress().output
    with pytest.raises(ConfigError, match="nothing was passed yet"):
        cli.main(
            ["progress", "--labs", str(LABS), "export", "-o", str(tmp_path / "c.json")],
            standalone_mode=False,
        )
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("text", ["<!doctype html>", "{}", "no JSON", '{"format": 2}'])
def test_a_file_that_is_none_is_one_line(tmp_path: Path, text: str):
    file = tmp_path / "c.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="is no certificate"):
        cli.main(["progress", "verify", str(file)], standalone_mode=False)
