"""What a service wants to get back unread: packed into `Reasoning.signature`, with its name on it.

A signature means something only to the service that made it, and others refuse it. A conversation
may go on with another backend (a fallback, a fork), so each service takes back only its own.
"""

from __future__ import annotations


def pack(service: str, secret: str) -> str:
    """The signature to keep."""
    return f"{service}/{secret}"


def unpack(service: str, signature: str | None) -> str | None:
    """What `pack` was given, if it was by this service."""
    if signature is None or not signature.startswith(f"{service}/"):
        return None
    return signature[len(service) + 1 :]
