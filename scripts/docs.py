"""The documentation as a site: the pages of `docs/`, and a reference made from the docstrings.

    python scripts/docs.py [FOLDER]        # build/docs where not given

Needs no network, neither to be made nor to be read: styles stand in the pages.
"""

from __future__ import annotations

import re
import shutil
import sys
import warnings
from pathlib import Path

import pdoc
import pdoc.render
from markdown_it import MarkdownIt

import agentlab

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
REFERENCE = (
    "agentlab",
    *(
        f"agentlab.{name}"
        for name in (
            "agent", "approval", "backend", "backends", "backends.fallback", "backends.presets",
            "backends.scripted", "errors", "evaluate", "events", "limits", "messages", "replay",
            "tooling", "trace",
        )
    ),
)  # fmt: skip
"""What a program imports; the commands and the labs have pages of their own."""

FRONT = ("guide", "architecture", "tui", "labs", "backends", "replay", "evaluation")
"""The pages that come first in the list of all, in this order."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ display: grid; grid-template-columns: 13rem minmax(0, 46rem); gap: 3rem; margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; font: 16px/1.55 system-ui, sans-serif; }}
nav a {{ display: block; padding: .1rem 0; text-decoration: none; }}
nav a[aria-current] {{ font-weight: 700; }}
pre {{ overflow-x: auto; padding: .8rem 1rem; border-radius: .4rem; background: #8882; }}
code {{ font: .9em ui-monospace, monospace; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ padding: .25rem .7rem; border-bottom: 1px solid #8884; text-align: left; }}
img {{ max-width: 100%; }}
@media (max-width: 48rem) {{ body {{ display: block; }} }}
</style></head>
<body><nav>{nav}</nav><main>
{body}</main></body></html>
"""
_LINK = re.compile(r'(href|src)="(?![a-z]+:|#)([^"#]*)(#[^"]*)?"')


def build(out: Path) -> None:
    """Make the whole site in a folder, which is emptied first."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sources = [*PAGES, *sorted((ROOT / "docs").glob("*.md"), key=_place)]
    names = {source: _name(source) for source in sources}
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    for source, name in names.items():
        text = source.read_text(encoding="utf-8")
        body = _LINK.sub(
            lambda link, here=source: _linked(link, here, names, out), markdown.render(text)
        )
        page = _PAGE.format(title=_title(text, source), nav=_nav(names, name), body=_anchored(body))
        (out / name).write_text(page, encoding="utf-8")
    for name in agentlab.__all__:  # loaded when they are first asked for
        setattr(agentlab, name, getattr(agentlab, name))
    pdoc.render.configure(docformat="google", show_source=False, search=False)
    with warnings.catch_warnings():  # of annotations that only type checkers resolve
        warnings.simplefilter("ignore", UserWarning)
        pdoc.pdoc(*REFERENCE, output_directory=out / "reference")


def _place(page: Path) -> tuple[int, str]:
    return (FRONT.index(page.stem) if page.stem in FRONT else len(FRONT), page.stem)


def _name(source: Path) -> str:
    return "index.html" if source.name == "README.md" else f"{source.stem.lower()}.html"


def _title(text: str, source: Path) -> str:
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    return heading[1] if heading else source.stem


def _nav(names: dict[Path, str], here: str) -> str:
    links = [
        (name, _title(source.read_text(encoding="utf-8"), source)) for source, name in names.items()
    ]
    links.append(("reference/agentlab.html", "Reference"))
    return "".join(
        f'<a href="{name}"{" aria-current=page" if name == here else ""}>{title}</a>'
        for name, title in links
    )


def _linked(link: re.Match[str], here: Path, names: dict[Path, str], out: Path) -> str:
    """A link to a page leads to it; a picture comes along; a file of the code becomes its name."""
    kind, target, anchor = link[1], (here.parent / link[2]).resolve(), link[3] or ""
    if target in names:
        return f'{kind}="{names[target]}{anchor}"'
    if target.is_file():
        files = out / "files" / target.relative_to(ROOT)
        files.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, files)
        return f'{kind}="{files.relative_to(out).as_posix()}{anchor}"'
    raise SystemExit(f"{here.relative_to(ROOT)}: {link[2]} leads nowhere")


def _anchored(body: str) -> str:
    """Headings that can be linked to, named as the code's host names them."""

    def name(found: re.Match[str]) -> str:
        words = re.sub(r"<[^>]+>", "", found[2]).lower()
        anchor = re.sub(r"[^\w -]", "", words).strip().replace(" ", "-")
        return f'<h{found[1]} id="{anchor}">{found[2]}</h{found[1]}>'

    return re.sub(r"<h([1-6])>(.*?)</h\1>", name, body)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"
    build(folder)
    print(f"the documentation is in {folder / 'index.html'}")
