"""Messages are plain values: they compare by content and survive JSON, whatever is in them."""

from __future__ import annotations

import io
import wave

import pytest
import strategies
from hypothesis import given
from pydantic import ValidationError

from agentlab.errors import Refused, TraceError
from agentlab.messages import (
    Artifact,
    Audio,
    Blob,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    Usage,
    clean,
)
from agentlab.trace import BlobFolder


@given(strategies.messages)
def test_a_message_survives_json(message):
    assert Message.model_validate_json(message.model_dump_json()) == message


@given(strategies.any_text)
def test_whatever_text_says_it_can_be_written_down(text):
    for part in (
        Text(text=text),
        Reasoning(text=text),
        ToolCall(id=text, name=text, arguments=text),
        Artifact(name=text, media_type="text/plain", blob=Blob.of(b"")),
    ):
        assert type(part).model_validate_json(part.model_dump_json()) == part


@given(strategies.words)
def test_text_that_can_be_written_is_left_as_it_is(text):
    assert clean(text) == text


def test_surrogates_that_pair_become_their_character_and_lone_ones_a_mark():
    assert clean("a\ud83d\ude00b") == "a😀b"
    assert clean("a\ud83db") == "a\ufffdb"


def test_the_text_of_a_message_leaves_other_parts_out():
    message = Message.assistant("a", Reasoning(text="hm"), ToolCall(id="1", name="f", arguments=""))
    assert message.text == "a"
    assert [call.name for call in message.tool_calls] == ["f"]


def test_values_are_frozen():
    with pytest.raises(ValidationError):
        Message.user("a").role = "system"  # pyright: ignore[reportAttributeAccessIssue]


def test_fields_of_a_later_version_are_ignored():
    assert Message.model_validate({"role": "user", "parts": [], "mood": "good"}) == Message.user()


def test_usage_adds_up_and_an_unknown_price_adds_nothing():
    a = Usage(input_tokens=1, cached_tokens=1, output_tokens=2)
    b = Usage(input_tokens=3, output_tokens=4, cost=0.5)
    assert a + b == Usage(input_tokens=4, cached_tokens=1, output_tokens=6, cost=0.5)
    assert (a + a).cost is None
    assert (a + b).total_tokens == 10


def test_blobs_are_equal_by_content_loaded_or_not(tmp_path):
    blob, store = Blob.of(b"picture"), BlobFolder(tmp_path)
    image = Image(media_type="image/png", blob=blob)
    loaded = Image.model_validate_json(image.model_dump_json(context=store), context=store)
    assert loaded == image
    assert loaded.blob.read() == b"picture"
    assert "picture" not in image.model_dump_json()


def test_a_blob_that_was_changed_or_removed_says_so(tmp_path):
    store = BlobFolder(tmp_path)
    blob = Blob.model_validate_json(Blob.of(b"x").model_dump_json(context=store), context=store)
    store.path(blob.sha256).write_bytes(b"y")
    with pytest.raises(TraceError, match="was changed"):
        blob.read()
    store.path(blob.sha256).unlink()
    with pytest.raises(TraceError, match="can't be read"):
        blob.read()
    with pytest.raises(TraceError, match="without the folder"):
        Blob(sha256="0" * 64, size=1).read()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", ""])
def test_a_blob_name_that_is_no_hash_is_refused(name):
    with pytest.raises(Refused):
        Blob(sha256=name, size=0)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_picture_is_told_by_its_bytes(kind: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.new("RGB", (3, 2), "red").save(file, kind)
    picture = Image.of(file.getvalue())
    assert picture.media_type == f"image/{kind}"
    assert picture.blob.read() == file.getvalue()
    with pytest.raises(Refused, match="no sound"):
        Audio.of(file.getvalue())


def test_sound_is_told_by_its_bytes() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes(16))
    assert Audio.of(file.getvalue()).media_type == "audio/wav"
    tagged, bare = b"ID3\x04\x00" + bytes(9), b"\xff\xfb\x90\x64" + bytes(9)  # MPEG 1, layer III
    assert [Audio.of(data).media_type for data in (tagged, bare)] == ["audio/mpeg"] * 2
    for other in (b"", b"hello", b"RIFF\x00\x00\x00\x00AVI ", b"\xff", b"\xff\xd8\xff\xe0"):
        with pytest.raises(Refused, match="WAV or MP3"):
            Audio.of(other)
