"""A conversation as a model reads it, for people who want to look at that."""

from __future__ import annotations

from agentlab.messages import Value


class PromptToken(Value):
    """One token of a conversation."""

    id: int
    text: str
    """What it stands for; a part of a character shows as U+FFFD."""
    control: bool
    """Put there by the template, such as `<|im_start|>`; nobody's words can become one."""
    read: bool
    """The model holds it already, so it costs no evaluation."""
