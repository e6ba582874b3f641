"""Answers to the step `wire`: a message's parts as four protocols want them."""

from __future__ import annotations

from agentlab.labs.declare import programs

_FILES = '''\
import base64
import io

from PIL import Image, ImageOps

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
LONGEST = 1568


def ready(data):
    """Media type and bytes, as every service takes them."""
    picture = Image.open(io.BytesIO(data))
    if picture.format in KINDS and max(picture.size) <= LONGEST:
        return KINDS[picture.format], data
    picture = ImageOps.exif_transpose(picture)
    picture.thumbnail((LONGEST, LONGEST))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "image/png", out.getvalue()
'''
_SHAPES = """

def text_part(protocol, text):
    if protocol == "gemini":
        return {"text": text}
    return {"type": "input_text" if protocol == "responses" else "text", "text": text}


def picture_part(protocol, media_type, data):
    data = base64.b64encode(data).decode()
    link = f"data:{media_type};base64,{data}"
    if protocol == "chat":
        return {"type": "image_url", "image_url": {"url": link}}
    if protocol == "responses":
        return {"type": "input_image", "image_url": link}
    if protocol == "messages":
        source = {"type": "base64", "media_type": media_type, "data": data}
        return {"type": "image", "source": source}
    return {"inlineData": {"mimeType": media_type, "data": data}}
"""
_PARTS = """

def parts(protocol, message):
    made = []
    for item in message:
        if "text" in item:
            made.append(text_part(protocol, item["text"]))
            continue
        if item["alt"]:
            made.append(text_part(protocol, item["alt"]))
        made.append(picture_part(protocol, *ready(item["picture"])))
    return made
"""
_WHOLE = _FILES + _SHAPES + _PARTS


def _but(*changes: tuple[str, str]) -> str:
    text = _WHOLE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


_TABLE = '''\
import base64
import io
import mimetypes

from PIL import Image, ImageOps

TEXT = {
    "chat": lambda t: {"type": "text", "text": t},
    "responses": lambda t: {"type": "input_text", "text": t},
    "messages": lambda t: {"type": "text", "text": t},
    "gemini": lambda t: {"text": t},
}
PICTURE = {
    "chat": lambda k, d: {
        "type": "image_url",
        "image_url": {"url": f"data:{k};base64,{d}", "detail": "high"},
    },
    "responses": lambda k, d: {
        "type": "input_image", "detail": "auto", "image_url": f"data:{k};base64,{d}"
    },
    "messages": lambda k, d: {
        "type": "image", "source": {"type": "base64", "media_type": k, "data": d}
    },
    "gemini": lambda k, d: {"inlineData": {"mimeType": k, "data": d}},
}


def parts(protocol, message):
    """Every picture is written anew, upright, as a JPEG of high quality."""
    for item in message:
        if "text" not in item:
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(item["picture"])))
            scale = min(1, 1568 / max(image.size))
            if scale < 1:
                image = image.resize([round(side * scale) for side in image.size])
            file = io.BytesIO()
            image.convert("RGB").save(file, "jpeg", quality=95)
            item["data"] = base64.b64encode(file.getvalue()).decode()
    made = []
    for item in message:
        if item.get("text") or item.get("alt"):
            made += [TEXT[protocol](item.get("text") or item["alt"])]
        if "data" in item:
            made += [PICTURE[protocol]("image/jpeg", item["data"])]
    return made
'''.replace("import mimetypes\n", "")

_BY_HEAD = """\
import base64
import io

from PIL import Image, ImageOps

HEADS = [(b"\\x89PNG", "png"), (b"\\xff\\xd8\\xff", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp")]


class Wire:
    def __init__(self, protocol):
        self.protocol, self.out = protocol, []

    def say(self, text):
        match self.protocol:
            case "gemini":
                self.out.append({"text": text})
            case "responses":
                self.out.append({"type": "input_text", "text": text})
            case _:
                self.out.append({"type": "text", "text": text})

    def show(self, raw):
        kind = next((kind for head, kind in HEADS if raw.startswith(head)), None)
        image = Image.open(io.BytesIO(raw))
        if kind is None or image.width > 1568 or image.height > 1568:
            image = ImageOps.exif_transpose(image)
            if max(image.size) > 1568:
                image = ImageOps.contain(image, (1568, 1568))
            kind, file = "webp", io.BytesIO()
            image.convert("RGB").save(file, "WEBP", quality=92)
            raw = file.getvalue()
        kind, data = f"image/{kind}", base64.b64encode(raw).decode("ascii")
        link = "data:" + kind + ";base64," + data
        match self.protocol:
            case "chat":
                self.out.append({"type": "image_url", "image_url": {"url": link}})
            case "responses":
                self.out.append({"type": "input_image", "image_url": link})
            case "messages":
                self.out.append({"type": "image", "source": {
                    "type": "base64", "media_type": kind, "data": data}})
            case "gemini":
                self.out.append({"inlineData": {"mimeType": kind, "data": data}})


def parts(protocol, message):
    wire = Wire(protocol)
    for item in message:
        for text in (item.get("text"), item.get("alt")):
            if text:
                wire.say(text)
        if "picture" in item:
            wire.show(item["picture"])
    return wire.out
"""

_STARTER = '''\
import base64


def parts(protocol, message):
    """A message's parts, for "chat", "responses", "messages" or "gemini".

    message is a list: {"text": …} or {"picture": bytes, "name": of the file, "alt": …}
    """
    made = []
    for item in message:
        if "text" in item:
            made.append({"type": "text", "text": item["text"]})
        else:
            kind = item["name"].rpartition(".")[2]
            data = base64.b64encode(item["picture"]).decode()
            link = f"data:image/{kind};base64,{data}"
            made.append({"type": "image_url", "image_url": {"url": link}})
    return made
'''

WIRE = programs(
    starter=_STARTER,
    solution=_WHOLE,
    also={
        "all-anew": _TABLE,
        "by-the-first-bytes": _BY_HEAD,
        "small-as-jpeg": _but(
            ('picture.save(out, "PNG")', 'picture.convert("RGB").save(out, "JPEG", quality=90)'),
            ('return "image/png", out', 'return "image/jpeg", out'),
        ),
    },
    wrong={
        "by-the-name": _but(
            ("import io\n", "import io\nimport mimetypes\n"),
            ("def ready(data):", "def ready(data, name=''):"),
            (
                "return KINDS[picture.format], data",
                "return mimetypes.guess_type(name)[0] or 'image/png', data",
            ),
            ('ready(item["picture"])', 'ready(item["picture"], item["name"])'),
        ),
        "as-large-as-it-comes": _but(
            (" and max(picture.size) <= LONGEST", ""),
        ),
        "on-its-side": _but(("    picture = ImageOps.exif_transpose(picture)\n", "")),
        "squeezed": _but(
            (
                "picture.thumbnail((LONGEST, LONGEST))",
                "picture = picture.resize([min(side, LONGEST) for side in picture.size])",
            ),
        ),
        "words-first": _but(
            ("    return made\n", "    return sorted(made, key=lambda one: 'text' not in one)\n")
        ),
        "nothing-in-words": _but(('        if item["alt"]:\n', "        if False:\n")),
        "responses-as-chat": _but(
            ('"input_text" if protocol == "responses" else "text"', '"text"'),
            ('if protocol == "chat":', 'if protocol in ("chat", "responses"):'),
        ),
        "a-bare-link-for-claude": _but(
            (
                'source = {"type": "base64", "media_type": media_type, "data": data}',
                'source = {"type": "base64", "media_type": media_type, "data": link}',
            ),
        ),
    },
    mistakes={
        "by-the-name": "accepted",
        "as-large-as-it-comes": "no side may have over",
        "on-its-side": "on its side",
        "squeezed": "seen",
        "words-first": "order",
        "nothing-in-words": "order",
        "responses-as-chat": "accepted",
        "a-bare-link-for-claude": "not base64",
    },
)
