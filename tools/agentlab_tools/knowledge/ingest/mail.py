"""Mails (.eml): who wrote to whom, when and what; and the names of what is attached."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from importlib import import_module
from typing import Any

from agentlab_tools.knowledge.ingest.document import Document, Unreadable
from agentlab_tools.knowledge.ingest.flow import Flow, one_line
from agentlab_tools.knowledge.ingest.load import text_of
from agentlab_tools.knowledge.ingest.markup import read

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_DEEPEST = 8


def parse(data: bytes) -> Document:
    """A mail, with those that are forwarded in it.

    Raises:
        Unreadable: it is none.
    """
    message = BytesParser(policy=policy.default).parsebytes(data)
    if not any(message.get(name) for name in _SHOWN):
        raise Unreadable("not a mail: it says neither who wrote it nor about what")
    flow = Flow()
    attached: list[str] = []
    _read(flow, message, attached, 0)
    notes = (f"attached, and not read: {', '.join(attached[:10])}",) if attached else ()
    return flow.document("mail", _header(message, "Subject"), notes)


def _read(flow: Flow, message: EmailMessage, attached: list[str], depth: int) -> None:
    heads = [f"{name}: {said}" for name in _SHOWN if (said := _header(message, name))]
    subject = _header(message, "Subject")
    if subject:
        flow.heading(depth + 1, subject)
    flow.paragraph("\n".join(heads))
    body = message.get_body(("plain", "html"))
    if body is not None:
        _body(flow, body)
    for part in message.walk():
        if part is message or part is body or part.is_multipart():
            continue
        name = part.get_filename()
        if name:
            attached.append(one_line(name))
    for part in _forwarded(message):
        if depth < _DEEPEST:
            _read(flow, part, attached, depth + 1)


def _body(flow: Flow, body: MIMEPart) -> None:
    payload = body.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    if not data.strip():
        return
    text, _ = text_of(data, body.get_content_charset() or "", longest_line=None)
    if body.get_content_subtype() == "html":
        html: Any = import_module("lxml.html")
        read(flow, html.document_fromstring(text))
        return
    for paragraph in text.split("\n\n"):
        flow.paragraph(paragraph)


def _forwarded(message: EmailMessage) -> list[EmailMessage]:
    if not message.is_multipart():
        return []
    forwarded: list[EmailMessage] = []
    for part in message.iter_parts():
        if not isinstance(part, EmailMessage):
            continue
        if part.get_content_type() == "message/rfc822":
            forwarded += [m for m in part.get_payload() if isinstance(m, EmailMessage)]
        elif part.is_multipart():
            forwarded += _forwarded(part)
    return forwarded


def _header(message: EmailMessage, name: str) -> str:
    try:
        return one_line(str(message.get(name, "")))
    except Exception:  # noqa: BLE001 - the library fails at some broken headers
        return ""
