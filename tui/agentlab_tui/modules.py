"""The modules of the roadmap, in order: the one place that names them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Module:
    """A part of the course. A lab belongs to it by the first part of its id, e.g. `m3`."""

    id: str
    title: str
    about: str


MODULES = (
    Module("m0", "Prerequisites", "Python · NumPy · pandas · plots · Git · Bash · the maths"),
    Module("m1", "Deep-learning foundations", "neurons · backpropagation · PyTorch · CNN · RNN"),
    Module("m2", "The generative revolution", "attention · transformers · pre-training · GPT"),
    Module("m3", "LLM engineering", "APIs · prompting · fine-tuning · embeddings · RAG"),
    Module("m4", "Beyond text", "GAN · diffusion · CLIP · vision · video · audio"),
    Module("m5", "The frontier", "agents and tools · RLHF · DPO · quantization · MoE"),
)
OTHERS = Module("", "Your own labs", "from `agentlab new-lab`, or the folders given with --labs")


def module_of(lab: str) -> Module:
    """The module a lab's id belongs to; `OTHERS` for ids outside the course."""
    first = lab.partition("/")[0]
    return next((module for module in MODULES if module.id == first), OTHERS)
