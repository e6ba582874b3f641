"""`agentlab chat` from a script: what is asked, what goes before, and what comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from program import Program

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 18}},
    "required": ["age"],
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


@pytest.fixture
def agentlab(tmp_path: Path) -> Program:
    return Program(tmp_path)


def told(agentlab: Program, *args: str, model: str = "said:echo", **more: Any) -> dict[str, Any]:
    chosen = ("-b", model) if model else ()
    done = agentlab("chat", "--json", *chosen, *args, **more)
    assert done.stdout.count("\n") == 1, done.stderr
    return json.loads(done.stdout)


def test_json_is_one_object_with_the_answer_and_where_the_run_is(agentlab: Program):
    got = told(agentlab, "-i", "Be brief.", "Hello")
    assert got["output"] == got["text"] == "system=Be brief. | user=Hello T=None tools=[]"
    assert got["outcome"] == "completed"
    assert got["usage"].keys() >= {"input_tokens", "output_tokens", "cost"}
    assert Path(got["path"]) == agentlab.runs / f"{got['run']}.jsonl"
    assert Path(got["path"]).is_file()


def test_what_is_piped_in_is_the_message_or_goes_below_it(agentlab: Program):
    assert "user=Only this T" in told(agentlab, "-i", "x", stdin="Only this")["text"]
    assert "user=Sum up.\n\nThe text. T" in told(agentlab, "Sum up.", stdin="The text.")["text"]


@pytest.mark.parametrize("stdin", [None, "", " \n"])
@pytest.mark.parametrize("args", [(), ("",), ("--json",)])
def test_nothing_asked_is_an_error_and_no_run(
    agentlab: Program, args: tuple[str, ...], stdin: str | None
):
    done = agentlab("chat", "-b", "said:echo", *args, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("agentlab: nothing was asked")
    assert done.stderr.count("\n") == 1
    assert not agentlab.runs.exists()


def test_a_conversation_goes_on_with_its_model_instructions_and_tools(agentlab: Program):
    first = told(agentlab, "-i", "Be kind.", "-t", "calculator", "--temperature", "0.5", "One")
    second = told(agentlab, "--continue", "Two", model="")
    assert second["model"] == "said:echo"
    assert second["text"].startswith("system=Be kind. | user=One | user=Two")
    assert second["text"].endswith("T=0.5 tools=['calculator']")
    header = json.loads(Path(second["path"]).read_text().splitlines()[0])
    assert header["labels"]["continues"] == first["run"]
    other = told(agentlab, "--run", first["run"], "-i", "Be stern.", "Three")
    assert other["text"].startswith("system=Be stern. | user=One | user=Three")


def test_tools_opened_from_a_file_are_opened_again(agentlab: Program, tmp_path: Path):
    table = tmp_path / "a b.csv"
    table.write_text("n\n1\n")
    names = told(agentlab, "-t", f"query_data:{table}", "One")["text"].partition("tools=")[2]
    assert names != "[]"
    assert told(agentlab, "-c", "Two", model="")["text"].endswith(f"tools={names}")


def test_a_strangers_run_chooses_no_server_and_every_call_needs_consent(
    agentlab: Program, tmp_path: Path
):
    ran = told(agentlab, "-t", "calculator", "6*7?", model="said:call")
    assert ran["text"] == "42"
    foreign = tmp_path / Path(ran["path"]).name
    shutil.move(ran["path"], foreign)
    refused = agentlab("chat", "--run", str(foreign), "Again?")
    assert refused.returncode == 2
    assert "comes from outside" in refused.stderr
    asked = told(agentlab, "--run", str(foreign), "Again?", model="said:call")
    assert "nobody is here" in asked["text"]
    assert told(agentlab, "--run", str(foreign), "--trust", "Again?", model="")["text"] == "42"


def test_continue_and_run_exclude_each_other_and_need_a_run(agentlab: Program):
    for args, said in ((("-c", "--run", "last"), "give one"), (("-c",), "no runs in")):
        done = agentlab("chat", "-b", "said:echo", *args, "Hi")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr


def test_text_files_are_quoted_and_cannot_close_their_quotes(agentlab: Program, tmp_path: Path):
    file = tmp_path / "notes.md"
    file.write_text("```\ncode\n```\n")
    got = told(agentlab, "-f", str(file), "What is this?")["text"]
    assert "user=What is this?\n\nnotes.md:\n````\n```\ncode\n```\n```` T" in got


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_text_in_any_encoding_is_asked_about_and_what_was_assumed_is_told(
    agentlab: Program, tmp_path: Path, encoding: str
):
    data = "Grüße aus Köln".encode(encoding)
    file = tmp_path / "notes.txt"
    file.write_bytes(data)
    for args, stdin in ((("-f", str(file), "What?"), b""), (("What?",), data)):
        done = agentlab("chat", "-b", "said:echo", *args, stdin=stdin)
        assert "Grüße aus Köln" in done.stdout
        assert ("read as windows-1252" in done.stderr) == (encoding == "cp1252")
    schema = json.dumps({"type": "object", "properties": {"größe": {"type": "integer"}}})
    (tmp_path / "schema.json").write_bytes(schema.encode(encoding))
    args = ("--schema", str(tmp_path / "schema.json"), "?")
    assert told(agentlab, *args, model='said:{"größe": 4}')["output"] == {"größe": 4}


def test_pictures_are_sent_as_pictures(agentlab: Program, tmp_path: Path):
    file = tmp_path / "no-suffix"
    file.write_bytes(PNG)
    assert "| image/png T" in told(agentlab, "--image", str(file), "What is this?")["text"]
    assert "| image/png T" in told(agentlab, "--image", str(file))["text"]


def test_sounds_are_sent_as_sounds(agentlab: Program, tmp_path: Path):
    file = tmp_path / "no-suffix"
    file.write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    assert "| audio/wav T" in told(agentlab, "--audio", str(file), "Who speaks?")["text"]


@pytest.mark.parametrize(
    ("option", "data", "said"),
    [
        ("--image", b"text", "is not a picture"),
        ("--audio", PNG, "is not a sound"),
        ("--file", b"\xff\xfe\x00", "is not text"),
        ("--file", b"a\0b", "--image takes pictures"),
        ("--schema", b"{", "is not JSON"),
        ("--schema", b"[]", "must be an object"),
        ("--schema", b'{"type": "number of things"}', "is not a JSON Schema"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(
    agentlab: Program, tmp_path: Path, option: str, data: bytes, said: str
):
    file = tmp_path / "given"
    file.write_bytes(data)
    done = agentlab("chat", "-b", "said:echo", option, str(file), "Hi")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert said in done.stderr


def test_a_schema_gives_typed_output_and_is_held_to_in_whole(agentlab: Program, tmp_path: Path):
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    assert told(agentlab, "--schema", str(file), "?", model='said:{"age": 42}')["output"] == {
        "age": 42
    }
    done = agentlab("chat", "--json", "--schema", str(file), "-b", 'said:{"age": 4}', "?")
    got = json.loads(done.stdout)
    assert (done.returncode, got["outcome"], got["output"]) == (1, "failed", None)
    assert "4 is less than the minimum of 18" in got["error"]["message"]


def test_the_packaged_model_answers_in_the_schema_and_says_that_it_sees_no_pictures(
    agentlab: Program, tmp_path: Path
):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "a.txt").write_text("Ann is 42 years old.")
    (tmp_path / "a.png").write_bytes(PNG)
    given = ("--schema", str(tmp_path / "schema.json"), "-f", str(tmp_path / "a.txt"))
    assert told(agentlab, *given, "How old?", model="local:smollm2")["output"] == {"age": 42}
    done = agentlab("chat", "--image", str(tmp_path / "a.png"), "What?")
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert "this model reads text only, not image/png" in done.stdout
