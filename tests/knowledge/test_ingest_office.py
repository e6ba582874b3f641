"""Documents of office programs, books and mails, made by others (see office/NOTICE)."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from agentlab_tools.knowledge.ingest import Document, Unreadable, parse
from agentlab_tools.knowledge.ingest.package import MOST_BYTES

OFFICE = Path(__file__).parent / "office"


def read(name: str) -> Document:
    return parse((OFFICE / name).read_bytes(), name)


def parts(document: Document) -> list[tuple[int | None, str, str]]:
    """Page, heading and text of each part."""
    return [(b.page, b.heading, document.text[b.start : b.end]) for b in document.blocks]


def said(name: str) -> str:
    return "\n".join(text for _, _, text in parts(read(name)))


def test_a_list_of_word_is_one_part_with_its_depths() -> None:
    found = parts(read("ComplexNumberedLists.docx"))
    assert found[0] == (None, "", "This is a document with numbered lists")
    assert found[1][2].startswith("- Entry #1\n- Entry #2, with children\n  - 2-a\n  - 2-b")
    assert found[-1][2] == "All done!"


def test_notes_headers_footers_and_comments_of_word_are_read() -> None:
    assert "snoska" in said("table_footnotes.docx")
    assert "Pole 1 | Pole 2" in said("table_footnotes.docx")
    assert "Footer Left" in said("ThreeColHeadFoot.docx")
    assert said("ThreeColHeadFoot.docx").count("First header column!") == 1
    assert parts(read("comment.docx"))[0] == (
        None,
        "Comment by Unbekannter Autor",
        "This is the first line",
    )


def test_what_was_struck_out_is_not_read_and_what_was_put_in_is() -> None:
    text = said("delins.docx")
    assert "pad, cake" not in text
    assert "A Nepalese name for Tilaka" in text


def test_slides_have_numbers_titles_and_the_words_of_the_speaker() -> None:
    assert parts(read("SampleShow.pptx")) == [
        (
            1,
            "Title of the first slide",
            "Subtitle of the first slide\nThis bit is in italic green",
        ),
        (1, "Title of the first slide", "I am the notes of the first slide"),
        (
            2,
            "This is the second slide",
            "It has bullet points on it\nThey’re fun, aren’t they?\n"
            "Especially in a different font like Arial Black at 16 point!",
        ),
        (2, "This is the second slide", "These are the notes of the 2nd slide\nTHIS LINE IS BOLD"),
    ]
    assert said("smartart-rotated-text.pptx") == "abc def ghi jkl"


def test_rows_of_a_spreadsheet_bear_the_names_of_their_columns() -> None:
    assert parts(read("simple-table-named-range.xlsx"))[0] == (
        None,
        "Sheet1",
        "a | b | c\na: 1; b: 2; c: 3\na: 2; b: 4; c: 6\na: 9",
    )
    assert "example: 3" in said("LibreOfficeCalc_ods_1.3.ods")


def test_comments_and_text_boxes_of_a_spreadsheet_are_read() -> None:
    assert said("SimpleWithComments.xlsx").startswith("1 | one\n2 | two\n3 | three")
    assert "second cell" in said("SimpleWithComments.xlsx")
    assert said("WithTextBox.xlsx") == "Line 1\nLine 2\nLine 3"


def test_documents_of_libreoffice_have_headings_notes_and_footers() -> None:
    document = read("testODFwithOOo3.odt")
    assert document.title == "Apache Tika"
    found = {(heading, text) for _, heading, text in parts(document)}
    assert ("Apache Tika Test Document", "This is of course a simple footnote") in found
    assert ("Apache Tika Test Document", "- First item\n- Second item\n- Third item") in found
    assert "Here is footer text" in said("testFooter.odt")


def test_a_book_has_its_chapters() -> None:
    document = read("testEPUB.epub")
    assert document.title == "An ePub for Tika"
    assert (None, "Chapter 1", "This is the text for chapter One") in parts(document)
    assert (None, "Chapter 1", "- First item\n- Second item") in parts(document)


def test_a_mail_says_who_wrote_what_and_names_what_is_attached() -> None:
    document = read("testRFC822_multipart_attachments.eml")
    assert document.title == "EML 1"
    assert document.notes == ("attached, and not read: Test TxtA.txt, Test TxtB.txt",)
    assert "From: Bugs Bunny <Bugs.Bunny@acme.com>" in document.text
    assert "This is test email for EML1" in document.text
    assert "Using inline content" in said("testEML_embedded_xhtml_and_img.eml")


def test_what_is_filled_into_a_form_and_noted_on_a_page_is_read() -> None:
    assert "aTextField: TIKA-1226\naCheckBox: Yes" in said("testPDF_acroform3.pdf")
    assert "Here is a comment" in said("testAnnotations.pdf")


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="needs the program tesseract")
def test_a_scanned_page_is_read_where_the_recogniser_is_installed() -> None:
    document = read("testOCR.pdf")
    assert "Happy New Year 2003!" in document.text
    assert "tesseract" in document.notes[0]


def test_a_scanned_page_without_a_recogniser_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unreadable, match="scanned are read where tesseract is installed"):
        read("testOCR.pdf")


@pytest.mark.parametrize(
    "name", ["protected_agile.docx", "protected_passtika.xlsx", "testODTEncrypted.odt"]
)
def test_a_locked_file_says_so(name: str) -> None:
    with pytest.raises(Unreadable, match="locked with a password"):
        read(name)


@pytest.mark.parametrize(
    "name",
    ["SampleShow.pptx", "delins.docx", "testEPUB.epub", "testFooter.odt", "WithTextBox.xlsx"],
)
def test_a_damaged_file_is_refused_wherever_it_is_cut(name: str) -> None:
    whole = (OFFICE / name).read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        with pytest.raises(Unreadable):
            parse(whole[: int(len(whole) * share)], name)


def test_a_part_that_unpacks_to_more_than_the_bound_is_refused() -> None:
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("word/document.xml", "w") as part,
    ):
        for _ in range(MOST_BYTES // 10_000_000 + 1):
            part.write(b" " * 10_000_000)
    assert len(data.getvalue()) < 1_000_000
    with pytest.raises(Unreadable, match="unpacks to more than 300 MB"):
        parse(data.getvalue(), "bomb.docx")


def test_an_entity_of_a_stranger_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr(
            "word/document.xml",
            f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><document><body><p><r><t>Hello '
            "&e;</t></r></p></body></document>",
        )
    assert "do not tell" not in parse(data.getvalue(), "a.docx").text


def test_words_divided_at_the_end_of_a_line_are_whole() -> None:
    from test_ingest_parsers import pdf

    text = "A lamp) Tj 0 -14 Td (is exten-) Tj 0 -14 Td (ded by Karl-) Tj 0 -14 Td (Heinz today."
    assert parts(parse(pdf(text), "a.pdf")) == [
        (1, "", "A lamp\nis extended\nby Karl-\nHeinz today.")
    ]
