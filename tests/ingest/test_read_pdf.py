"""PDF files made by reportlab: rejoined lines, places on the page, and what cannot be read."""

from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from kgbuilder.errors import IngestError
from kgbuilder.ingest import Limits, locate, read
from kgbuilder.ingest.glyphs import fold_glyphs
from kgbuilder.records import Document

ZH = (
    "沈砚秋，1931年10月25日出生于江南小镇棠州，是一位地质学家、作家。1953年毕业于澜江大学地质系，"
    "毕业后进入Brightmere研究所工作，先后主持过三条河流的勘察。1987年，沈砚秋与陆汀舟一起创办了远棹科技股份有限公司。",
    "她的第一部小说《山在那里》写的是一支勘察队在雪线以上度过的冬天。小说出版以后，先后被译成英文、法文和俄文，"
    "并在1991年获得文学奖。",
)
EN = (
    "Grace Hill was born in 1931 in the small harbour town of Pellworth and trained as a geologist. She worked for "
    "Brightmere Systems Inc. in Boston, mapped three rivers, and wrote novels in the evening.",
    "Her first novel tells of a party of surveyors who spend a winter above the snow line. It was translated into "
    "Chinese, French and Russian, and won a prize in 1991.",
)


def _styles() -> dict[str, ParagraphStyle]:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    return {
        "zh": ParagraphStyle(
            "zh", fontName="STSong-Light", fontSize=11, leading=16, wordWrap="CJK", firstLineIndent=22
        ),
        "en": ParagraphStyle("en", fontName="Helvetica", fontSize=11, leading=14, spaceAfter=8),
        "title": ParagraphStyle("title", fontName="STSong-Light", fontSize=18, leading=26),
    }


def _write(path: Path, paragraphs: list[tuple[str, str]], *, n_columns: int = 1, **keywords: object) -> None:
    width = 500 / n_columns
    frames = [Frame(45 + column * width, 40, width - 15, 760) for column in range(n_columns)]
    template = BaseDocTemplate(str(path), pagesize=A4, **keywords)
    template.addPageTemplates([PageTemplate(frames=frames)])
    styles = _styles()
    template.build([Paragraph(text, styles[style]) for style, text in paragraphs])


def _draw(path: Path, *lines: str, size: float = 12, leading: float = 14, **keywords: object) -> None:
    canvas = Canvas(str(path), pagesize=A4, **keywords)
    canvas.setFont("Helvetica", size)
    for number, line in enumerate(lines):
        canvas.drawString(72, 700 - leading * number, line)
    canvas.save()


def _read(path: Path, **keywords: Limits) -> Document:
    (document,) = read(path, **keywords)
    assert isinstance(document, Document), str(document)
    return document


def _failure(path: Path, **keywords: Limits) -> IngestError:
    (item,) = read(path, **keywords)
    assert isinstance(item, IngestError)
    assert item.remedy
    assert path.name in item.where
    return item


@pytest.mark.parametrize("n_columns", [1, 2])
@pytest.mark.parametrize(("style", "paragraphs"), [("zh", ZH), ("en", EN)], ids=["zh", "en"])
def test_paragraphs_come_back_whole(tmp_path: Path, n_columns: int, style: str, paragraphs: tuple[str, ...]) -> None:
    _write(tmp_path / "a.pdf", [("title", "沈砚秋传"), *((style, text) for text in paragraphs)], n_columns=n_columns)
    assert _read(tmp_path / "a.pdf").text == "\n\n".join(("沈砚秋传", *paragraphs))


def test_a_paragraph_goes_on_in_the_next_column_and_on_the_next_page(tmp_path: Path) -> None:
    sentence = "第{}条河发源于雪山，流经三个县，最后在棠州汇入澜江，沿岸住着许多以捕鱼为生的人家。"
    text = "".join(sentence.format(number) for number in range(120))
    _write(tmp_path / "a.pdf", [("zh", text)], n_columns=2)
    document = _read(tmp_path / "a.pdf")
    n_pages = max(span.page for span in document.pages)
    assert n_pages > 1
    assert document.text.replace("\n\n", "") == text
    # Where a column ends with a sentence, its paragraph is taken to end too.
    *ended, _ = document.text.split("\n\n")
    assert all(paragraph.endswith("。") for paragraph in ended)
    assert len(ended) < n_pages


def test_every_line_has_its_page_and_box(tmp_path: Path) -> None:
    _write(tmp_path / "a.pdf", [("zh", text) for text in ZH])
    document = _read(tmp_path / "a.pdf")
    start = document.text.index("陆汀舟")
    spans = locate(document, start, start + 3)
    assert "".join(document.text[span.start : span.end] for span in spans) == "陆汀舟"
    for span in spans:
        assert span.box is not None
        left, bottom, right, top = span.box
        assert 45 <= left < right <= 560
        assert 0 < bottom < top < 842
        assert top - bottom < 16
    tops = [span.box[3] for span in document.pages if span.box is not None]
    assert tops == sorted(tops, reverse=True)


def test_spans_hold_all_of_the_text_in_order(tmp_path: Path) -> None:
    _write(tmp_path / "a.pdf", [("zh", ZH[0]), ("en", EN[0]), ("zh", ZH[1])])
    document = _read(tmp_path / "a.pdf")
    end = 0
    for span in document.pages:
        assert document.text[end : span.start].strip() == ""
        assert end <= span.start < span.end
        end = span.end
    assert end == len(document.text)


def test_words_cut_by_a_hyphen_are_made_whole(tmp_path: Path) -> None:
    _draw(tmp_path / "a.pdf", "The company was incor-", "porated in 1998 by two", "friends.")
    assert _read(tmp_path / "a.pdf").text == "The company was incorporated in 1998 by two friends."


def test_a_word_written_with_a_hyphen_keeps_it(tmp_path: Path) -> None:
    lines = ("They sell state-of-the-", "art pumps and well-known ones. A well-", "known pump is old.")
    _draw(tmp_path / "a.pdf", *lines)
    text = _read(tmp_path / "a.pdf").text
    assert text == "They sell state-of-the-art pumps and well-known ones. A well-known pump is old."


def test_list_items_stay_apart(tmp_path: Path) -> None:
    _draw(
        tmp_path / "a.pdf", "- pumps of the first kind", "- pumps of another kind", "1. water, cold", "2. water, warm"
    )
    assert _read(tmp_path / "a.pdf").text.split("\n\n") == [
        "- pumps of the first kind",
        "- pumps of another kind",
        "1. water, cold",
        "2. water, warm",
    ]


def test_rows_of_a_table_stay_apart(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    for number, row in enumerate([("Name", "Born"), ("Grace Hill", "1931"), ("Carl Dunn", "1940")]):
        for column, cell in enumerate(row):
            canvas.drawString(72 + 200 * column, 700 - 14 * number, cell)
    canvas.save()
    assert _read(tmp_path / "a.pdf").text.split("\n\n") == ["Name Born", "Grace Hill 1931", "Carl Dunn 1940"]


def test_running_heads_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=A4)
    for number in range(1, 5):
        canvas.drawString(72, 800, f"Annual Report 2023, part {number}")
        canvas.drawString(72, 700, f"Page {number} tells of river {'abcd'[number - 1]}.")
        canvas.drawString(290, 30, str(number))
        canvas.showPage()
    canvas.save()
    text = _read(tmp_path / "a.pdf").text
    assert text.split("\n\n") == [f"Page {number} tells of river {'abcd'[number - 1]}." for number in range(1, 5)]


def test_an_encrypted_pdf_says_so(tmp_path: Path) -> None:
    _draw(tmp_path / "a.pdf", "secret", encrypt=StandardEncryption("user", "owner"))
    assert "encrypted" in _failure(tmp_path / "a.pdf").what


def test_a_pdf_without_a_password_to_open_it_is_read(tmp_path: Path) -> None:
    _draw(tmp_path / "a.pdf", "not so secret", encrypt=StandardEncryption("", "owner", canCopy=0))
    assert _read(tmp_path / "a.pdf").text == "not so secret"


def _scan(path: Path, *, texts: tuple[str, ...]) -> None:
    """Write a page per text, "" for a page that is only a picture, "-" for an empty one."""
    from PIL import Image

    picture = BytesIO()
    Image.new("L", (40, 40), 128).save(picture, "PNG")
    canvas = Canvas(str(path), pagesize=A4)
    for text in texts:
        if text == "":
            canvas.drawImage(ImageReader(BytesIO(picture.getvalue())), 50, 50, 400, 600)
        elif text != "-":
            canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()


def test_a_scanned_pdf_says_it_needs_ocr(tmp_path: Path) -> None:
    _scan(tmp_path / "a.pdf", texts=("", ""))
    error = _failure(tmp_path / "a.pdf")
    assert "needs OCR" in error.what
    assert "2 pages" in error.what


def test_scanned_pages_among_others_are_named_in_a_warning(tmp_path: Path) -> None:
    _scan(tmp_path / "a.pdf", texts=("one", "", "-", "four", ""))
    document = _read(tmp_path / "a.pdf")
    assert document.text == "one\n\nfour"
    assert document.warnings == ("pages without text, which may need OCR: 2, 5",)


def test_a_pdf_that_shows_nothing_says_so(tmp_path: Path) -> None:
    _scan(tmp_path / "a.pdf", texts=("-", "-"))
    assert "show nothing" in _failure(tmp_path / "a.pdf").what


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_pdf_cut_off_says_so(tmp_path: Path, share: float) -> None:
    _write(tmp_path / "a.pdf", [("en", text) for text in EN * 30])
    data = (tmp_path / "a.pdf").read_bytes()
    (tmp_path / "a.pdf").write_bytes(data[: int(len(data) * share)])
    assert "cut off" in _failure(tmp_path / "a.pdf").what


def test_a_pdf_filled_up_with_zeros_is_whole(tmp_path: Path) -> None:
    _draw(tmp_path / "a.pdf", "whole")
    (tmp_path / "a.pdf").write_bytes((tmp_path / "a.pdf").read_bytes() + bytes(30_000))
    assert _read(tmp_path / "a.pdf").text == "whole"


def test_a_damaged_pdf_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\nnothing of the kind\n%%EOF\n")
    assert "damaged" in _failure(tmp_path / "a.pdf").what


def test_a_pdf_named_txt_is_read_as_pdf_with_a_warning(tmp_path: Path) -> None:
    _draw(tmp_path / "a.txt", "Huawei was founded in Shenzhen.")
    document = _read(tmp_path / "a.txt")
    assert (document.text, document.media_type) == ("Huawei was founded in Shenzhen.", "application/pdf")
    assert document.warnings == ("named .txt, but its content is pdf: read as pdf",)


def test_the_limit_on_pages_holds(tmp_path: Path) -> None:
    _scan(tmp_path / "a.pdf", texts=("one", "two", "three"))
    assert "3 pages" in _failure(tmp_path / "a.pdf", limits=Limits(max_pages=2)).what


def _mapped_pdf(path: Path, characters: str) -> None:
    """Write a page whose font says that the letters A, B, C ... are these characters."""
    codes = "".join(
        f"<{code:02X}> <{char.encode('utf-16-be', 'surrogatepass').hex()}>\n"
        for code, char in enumerate(characters, 65)
    )
    cmap = f"/CMapName /X def 1 begincodespacerange <00> <FF> endcodespacerange {len(characters)} beginbfchar\n{codes}"
    show = "BT /F 12 Tf 72 700 Td (" + "".join(chr(65 + index) for index in range(len(characters))) + ") Tj ET"
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
        f"<< /Length {len(show)} >> stream\n{show}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        f"<< /Length {len(cmap) + 10} >> stream\n{cmap}endbfchar \nendstream",
    ]
    objects = "".join(f"{number} 0 obj {body} endobj\n" for number, body in enumerate(bodies, 1))
    path.write_text(f"%PDF-1.4\n{objects}trailer << /Root 1 0 R /Size 7 >>\n%%EOF\n", "ascii")


@pytest.mark.parametrize(
    ("characters", "text"),
    [("⽣于⻓江", "生于长江"), ("oﬃce", "office"), ("𠮷野家", "𠮷野家"), ("家\ue000\ue001", "家\ue000\ue001")],
)
def test_characters_are_what_the_font_says_but_for_radicals_and_ligatures(
    tmp_path: Path, characters: str, text: str
) -> None:
    _mapped_pdf(tmp_path / "a.pdf", characters)
    document = _read(tmp_path / "a.pdf")
    assert document.text == text
    assert bool(document.warnings) == ("\ue000" in text)


def test_radicals_become_the_characters_they_look_like() -> None:
    assert fold_glyphs("⽣于⻓江，⻢⻰⺠") == "生于长江，马龙民"
    assert fold_glyphs("ﬁrst eﬀect, co\u00adope\u00adrate") == "first effect, cooperate"
    assert fold_glyphs("（全角），。ＡＢ") == "（全角），。ＡＢ"


def test_no_character_but_radicals_and_ligatures_is_changed() -> None:
    kept = "".join(chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000)
    changed = {char for char in kept if fold_glyphs(char) != char}
    assert all(char == "\u00ad" or "\u2e80" <= char <= "\u2fd5" or "\ufb00" <= char <= "\ufb06" for char in changed)
    assert len(changed) > 300
