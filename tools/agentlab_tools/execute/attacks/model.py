"""What an attack is, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agentlab_tools.execute.values import MB, CellResult, Level, SandboxLimits

LIMITS = SandboxLimits(
    memory=128 * MB,
    disk=16 * MB,
    files=2000,
    processes=24,
    open_files=64,
    output=64 * 1024,
    timeout=3.0,
    grace=0.5,
)
"""Small enough that what every attack tries for, and its control gets, is harmless to a machine."""


@dataclass(frozen=True)
class Target:
    """What there is on the host to be attacked. Code sees it as the dictionary `T`."""

    folder: Path
    """Of the host, and what is in it; `secret` is a file here."""
    secret: Path
    text: str
    """The secret: in the file, and in the environment of `victim`."""
    tcp: int
    udp: int
    unix: Path
    abstract: str
    victim: int
    """A process of the host."""
    leaked: int
    """A descriptor of the secret that the host forgot to close to its children."""
    token: str
    """Marks processes that an attack leaves behind."""


@dataclass(frozen=True)
class Evidence:
    """What came of an attack, in a sandbox or without one."""

    result: CellResult
    fetched: bytes | None = None
    """What the host got when it read the file that the attack left for it."""
    changed: bool = False
    """Whether something of the host's changed: its files, its process, or a port was reached."""
    works: bool = True
    """Whether the sandbox runs the next cell as it should."""
    survivors: int = 0
    """Processes of the attack that were there after its end."""
    seconds: float = 0.0
    opened: int = 0
    """Descriptors that the host has open at the attack's end, beyond those from before it."""

    stalled: float = 0.0
    """The longest that the host's event loop stood still, in seconds of processor time."""
    grown: int = 0
    """By how much the most memory that the host ever had grew, in bytes."""

    @property
    def said_so(self) -> bool:
        """Whether the attack itself says that it got what it tried for."""
        return self.result.value == "True"


def reached(evidence: Evidence) -> bool:
    """The usual sign of success: the attack says so, or the host sees it."""
    return evidence.said_so or evidence.changed


@dataclass(frozen=True)
class Attack:
    """One thing that code might try.

    Attributes:
        tries: what for, as the end of "it tries to …".
        code: run as one cell. Ends in an expression that is True where the attack succeeded. Has
            `T`, the target, and whatever `prelude.PRELUDE` defines.
        succeeded: judges what was seen.
        fetch: a path in the workspace that the host then reads, up to `fetches` times.
        hosts: what its sandbox may reach; where nothing can be let through, it is left out.
        levels: where it must fail.
        control: how it is shown to work without a sandbox: as the same code in a plain process
            (`plain`), the same for root alone (`root`), or not at all (`none`), where an attack
            is on the sandbox's own parts.
    """

    name: str
    tries: str
    code: str
    succeeded: Callable[[Evidence], bool] = reached
    fetch: str | None = None
    fetches: int = 1
    hosts: tuple[str, ...] = ()
    levels: frozenset[Level] = field(default=frozenset[Level](("strong", "medium")))
    control: Literal["plain", "root", "none"] = "plain"
