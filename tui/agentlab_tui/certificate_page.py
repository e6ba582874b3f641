"""A certificate of work as one page to read: opens from disk, and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from itertools import groupby

from agentlab.export.html_tags import Html, joined, tag
from agentlab.labs.course import course
from agentlab_tui.certificate import Certificate, CertifiedLab, CertifiedStep

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6a7c; --line: #d9dee6;
  --good: #1f7a4d; --page: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ef; --soft: #93a0b4; --line: #2c3542;
  --good: #5fc48f; --page: #10151c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 3rem 1.5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2.6rem 0 .6rem; color: var(--soft); font-weight: 600; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; display: flex; gap: .6rem; align-items: baseline; }
h3 span { color: var(--soft); font-weight: 400; font-size: .85rem; }
.lead, .foot { color: var(--soft); } .foot { font-size: .85rem; margin-top: 3rem;
  border-top: 1px solid var(--line); padding-top: 1rem; }
ol { list-style: none; margin: 0; padding: 0; border-left: 2px solid var(--line); }
li { padding: .35rem 0 .35rem 1rem; break-inside: avoid; }
li b::before { content: "\\2714\\00a0"; color: var(--good); }
dl { margin: .1rem 0 0; display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr);
  gap: .1rem 1rem; font-size: .88rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
li .lead { font-size: .85rem; margin-left: .3rem; }
code { font: .7rem ui-monospace, monospace; color: var(--soft); overflow-wrap: anywhere; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def page(certificate: Certificate) -> str:
    """The whole document."""
    title = f"Certificate of work{f': {certificate.name}' if certificate.name else ''}"
    steps = sum(len(lab.steps) for lab in certificate.labs)
    whole = sum(lab.whole for lab in certificate.labs)
    lead = (
        f"{steps} steps of {len(certificate.labs)} labs passed, {whole} of them whole. "
        f"Made on {_day(certificate.made)} by AgentLab {certificate.version}."
    )
    labs = groupby(certificate.labs, key=lambda lab: course().module_of(lab.lab).title)
    body = [tag("h1", title), tag("p", lead, class_="lead")]
    for module, of_module in labs:
        body += [tag("h2", module), *(_lab(lab) for lab in of_module)]
    body.append(
        tag(
            "p",
            [
                "Every answer was graded by the lab's own checks, on cases it had not seen. The "
                "certificate's file holds the answers, and ",
                tag("code", "agentlab progress verify FILE.json"),
                " has them graded again. This one is ",
                tag("code", certificate.digest),
                ".",
            ],
            class_="foot",
        )
    )
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(_STYLE)),
    ]
    return f"<!doctype html>{tag('html', [tag('head', head), tag('body', tag('main', body))]).html}"


def _lab(lab: CertifiedLab) -> Html:
    far = "whole" if lab.whole else f"{len(lab.steps)} of {lab.of} steps"
    head = tag("h3", [lab.title, tag("span", f"{lab.lab}, {far}")])
    return joined([head, tag("ol", [_step(step) for step in lab.steps])])


def _step(step: CertifiedStep) -> Html:
    on = f", on {step.model}" if step.model else ""
    rows = [joined([tag("dt", asks), tag("dd", found)]) for asks, found in step.checks]
    return tag(
        "li",
        [
            tag("b", step.title),
            tag("span", f" {_day(step.at)}{on}", class_="lead"),
            tag("dl", [*rows, tag("dt", "answer"), tag("dd", tag("code", step.sha256))]),
        ],
    )


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
