"""What a run made, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exported import MENDED, PNG, ran, trace_of

from agentlab.backend import Reply
from agentlab.cli.main import cli
from agentlab.errors import ConfigError, TraceError
from agentlab.events import ModelReplied, RunStarted, ToolFinished
from agentlab.export.files import write_files
from agentlab.messages import Artifact, Audio, Blob, Image, Message, ToolResult

WAV = b"RIFF\x24\0\0\0WAVEfmt "


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AGENTLAB_HOME", str(tmp_path / "home"))


def named(*names: str, data: bytes = PNG, media_type: str = "image/png") -> Any:
    made = tuple(Artifact(name=n, media_type=media_type, blob=Blob.of(data)) for n in names)
    return ToolFinished(result=ToolResult(call_id="1", content="", artifacts=made))


def test_what_was_said_and_what_was_made_is_written_under_its_name(runs: Path, tmp_path: Path):
    heard = Message.user("And this?", Audio.of(WAV))
    answer = ModelReplied(reply=Reply(message=Message.assistant("Here:", Image.of(PNG))))
    made = named("plot.png", "plot 2.png")
    trace = trace_of([RunStarted(messages=(heard,)), answer, made], runs)
    written = write_files(trace, tmp_path / "new" / "folder")
    assert [file.name.partition("-")[2] for file in written] == [
        "sound.wav",
        "picture.png",
        "plot.png",
        "2-plot-2.png",
    ]
    assert {file.read_bytes() for file in written[1:]} == {PNG}
    assert written[0].read_bytes() == WAV
    assert write_files(trace, tmp_path / "new" / "folder") == written


@pytest.mark.parametrize(
    "name", ["../../out.png", "/etc/out.png", "..", "", ".hidden", "a\0b", "x" * 999, "a/../../b"]
)
def test_no_name_leads_out_of_the_folder(runs: Path, tmp_path: Path, name: str):
    folder = tmp_path / "in" / "here"
    (file,) = write_files(trace_of([named(name)], runs), folder)
    assert file.parent == folder
    assert not file.name.startswith(".")
    others = [path for path in tmp_path.rglob("*") if path.is_file() and runs not in path.parents]
    assert others == [file]


def test_a_file_that_is_there_already_is_not_lost(runs: Path, tmp_path: Path):
    trace = trace_of([named("plot.png")], runs)
    (file,) = write_files(trace, tmp_path / "out")
    file.write_bytes(b"mine")
    with pytest.raises(TraceError, match="is another file"):
        write_files(trace, tmp_path / "out")
    assert file.read_bytes() == b"mine"


def export(runs: Path, *args: str) -> None:
    cli.main(["export", "--to", "files", *args, "--runs", str(runs)], standalone_mode=False)


def test_the_command_writes_a_folder_for_each_run(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    first, second = ran(runs, *MENDED).header.run, ran(runs, *MENDED).header.run
    export(runs, first, "-o", str(tmp_path / "one"))
    (file,) = (tmp_path / "one").iterdir()
    assert file.read_bytes() == PNG
    assert capsys.readouterr().out == f"{file}\n"
    export(runs, first, second, "-o", str(tmp_path / "two"))
    assert {path.name for path in (tmp_path / "two").iterdir()} == {first, second}


def test_where_there_is_nothing_or_no_folder_it_says_so(runs: Path, tmp_path: Path):
    run = ran(runs, "no pictures").header.run
    with pytest.raises(TraceError, match="no pictures, sounds or files"):
        export(runs, run, "-o", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="writes a folder"):
        export(runs, run, "-o", str(tmp_path / "file"))
