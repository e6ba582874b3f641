"""Who tells a local model of its tools is looked up in its file, and `agentlab doctor` says it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("llama_cpp")

from agentlab.backends.llamacpp.registry import locate
from agentlab.backends.llamacpp.telling import tools_told_by
from agentlab.places.findings import findings

QWEN = (
    "{% if tools %}<|im_start|>system\n<tools>{% for tool in tools %}{{ tool | tojson }}"
    "{% endfor %}</tools><|im_end|>\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    '{{ m.content }}{% for call in m.tool_calls or [] %}<tool_call>\n{"name": "{{ call.function'
    '.name }}", "arguments": {{ call.function.arguments | tojson }}}\n</tool_call>{% endfor %}'
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


KEY = b"tokenizer.chat_template"


def with_template(path: Path, template: str) -> Path:
    """The bundled model with another chat template, longer by whole alignments of its tensors."""
    data = locate("smollm2").read_bytes()
    at = data.index(KEY) + len(KEY) + 4
    length = int.from_bytes(data[at : at + 8], "little")
    text = template.encode()
    text = text.ljust(len(text) + (length - len(text)) % 32)
    size = len(text).to_bytes(8, "little")
    path.write_bytes(data[:at] + size + text + data[at + 8 + length :])
    return path


def test_doctor_says_how_each_local_model_is_told_of_its_tools(tmp_path: Path) -> None:
    found = {finding.what: finding.found for finding in findings(tmp_path / "runs")}
    told = tools_told_by("local:smollm2")
    assert told.startswith("agentlab (of the template: ")
    assert told.endswith(", calls as hermes")
    assert f"; told of tools by {told}" in found["local:smollm2"]


def test_a_template_that_tells_of_tools_itself_is_named(tmp_path: Path) -> None:
    model = with_template(tmp_path / "qwen.gguf", QWEN)
    assert tools_told_by(str(model)) == "the template, calls as hermes"


def test_a_model_without_a_template_is_told_nothing_of(tmp_path: Path) -> None:
    file = tmp_path / "base.gguf"
    data = locate("smollm2").read_bytes()
    file.write_bytes(data.replace(KEY, b"tokenizer.that_template", 1))
    assert tools_told_by(str(file)) == ""
