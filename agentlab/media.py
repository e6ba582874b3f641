"""Pictures and sound as bytes: what they are, told by how they begin; and inside a web page."""

from __future__ import annotations

import base64

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What a page shows as a picture. SVG is not: it is a program as much as a picture."""
SOUNDS = ("audio/wav", "audio/mpeg")
"""What a browser plays."""

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"ID3": "audio/mpeg",
}
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def media_type_of(data: bytes) -> str | None:
    """The media type of a PNG, JPEG, GIF or WebP picture, or of WAV or MP3 sound; else None."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    # An MP3 without a tag begins with a frame: 11 bits set, then version and layer III
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), None)


def data_address(media_type: str, data: bytes) -> str:
    """The bytes as an address that needs no file (RFC 2397)."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
