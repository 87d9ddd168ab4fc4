"""Web pages: the main text, what is never read, encodings."""

from pathlib import Path

import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ingest import read
from kgbuilder.records import Document

ARTICLE = (
    "<article><h1>沈砚秋</h1><p>沈砚秋，1931年出生于棠州，是一位地质学家、作家，远棹科技股份有限公司的主要创办人。</p>"
    "<p>她的第一部小说写的是\n一支勘察队在雪线以上度过的冬天，先后被译成<b>英文</b>、法文和俄文。</p>"
    "<ul><li>第一部：山在那里</li><li>第二部：河流</li></ul>"
    "<table><tr><th>奖项</th><th>年份</th></tr><tr><td>文学奖</td><td>1991</td></tr></table></article>"
)
PAGE = (
    '<!DOCTYPE html><html><head><meta charset="{charset}"><title>沈砚秋 - 百科</title>'
    "<style>p {{color: red}}</style><script>alert('script text')</script></head>"
    '<body><nav><a href="/">首页</a> <a href="/x">登录</a></nav>{body}<footer>版权所有</footer></body></html>'
)


def _page(tmp_path: Path, html: str | bytes, name: str = "a.html") -> Document:
    (tmp_path / name).write_bytes(html.encode() if isinstance(html, str) else html)
    (document,) = read(tmp_path / name)
    assert isinstance(document, Document), str(document)
    return document


def test_the_main_text_is_read_block_by_block(tmp_path: Path) -> None:
    blocks = _page(tmp_path, PAGE.format(charset="utf-8", body=ARTICLE)).text.split("\n\n")
    assert blocks[:3] == [
        "沈砚秋",
        "沈砚秋，1931年出生于棠州，是一位地质学家、作家，远棹科技股份有限公司的主要创办人。",
        "她的第一部小说写的是一支勘察队在雪线以上度过的冬天，先后被译成英文、法文和俄文。",
    ]
    assert "- 第一部：山在那里" in blocks
    assert any("文学奖" in block and "1991" in block for block in blocks)
    assert not any("---" in block for block in blocks)


def test_navigation_scripts_and_styles_are_left_out(tmp_path: Path) -> None:
    text = _page(tmp_path, PAGE.format(charset="utf-8", body=ARTICLE)).text
    for unseen in ("登录", "script text", "color"):
        assert unseen not in text


def test_a_title_that_says_more_than_the_text_comes_first(tmp_path: Path) -> None:
    html = "<html><head><title>Grace Hill</title></head><body><p>She was born in Pellworth.</p></body></html>"
    assert _page(tmp_path, html).text == "Grace Hill\n\nShe was born in Pellworth."


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("gb2312", "gb18030"), ("big5", "big5"), ("utf-8", "utf-8"), ("utf-16", "utf-8"), ("utf-16", "gb18030")],
)
def test_the_encoding_the_page_declares_is_used(tmp_path: Path, charset: str, codec: str) -> None:
    html = PAGE.format(charset=charset, body="<p>研究所位於棠州的郊區，由沈硯秋創辦，她在那裡工作了三十年。</p>")
    html = html.replace("沈砚秋 - 百科", "百科").replace("权", "權")
    assert "研究所位於棠州的郊區" in _page(tmp_path, html.replace("页", "頁").replace("录", "錄").encode(codec)).text


@pytest.mark.parametrize("padding", ["", " "])
def test_a_declaration_that_cannot_be_true_does_not_garble_the_page(tmp_path: Path, padding: str) -> None:
    html = f'<html><meta charset="utf-16"><body><p>caf\xe9</p></body></html>{padding}'
    (tmp_path / "a.html").write_bytes(html.encode("latin-1"))
    (error,) = read(tmp_path / "a.html")
    assert isinstance(error, IngestError)
    assert "UTF-8" in error.remedy


def test_a_page_without_a_declaration_is_read_as_gb18030(tmp_path: Path) -> None:
    assert "远棹科技" in _page(tmp_path, f"<html><body>{ARTICLE}</body></html>".encode("gb18030")).text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>fragment</p><script>alert(1)</script><p>two</p>", "fragment\n\ntwo"),
        ("<html><body><div>one<br>two</div><span>three</span></body></html>", "one"),
        ("<html><body>" + "<div>" * 1000 + "deep" + "</div>" * 1000 + "</body></html>", "deep"),
        ("<html><body><p>5 &lt; 6 &amp; &#x4e2d;&#0;</p></body></html>", "5 < 6 & 中"),
        ("<html><body><p>unclosed <b>bold<p>next", "unclosed bold"),
    ],
)
def test_odd_markup_gives_its_visible_text(tmp_path: Path, html: str, text: str) -> None:
    document = _page(tmp_path, html)
    assert text in document.text
    assert "alert" not in document.text


@pytest.mark.parametrize(
    "html",
    [
        "<html><body></body></html>",
        "<html><head><script>document.write('x')</script></head><body><script>y</script></body></html>",
        "<!-- nothing --><html></html>",
    ],
)
def test_a_page_without_text_says_so(tmp_path: Path, html: str) -> None:
    (tmp_path / "a.html").write_text(html, "utf-8")
    (error,) = read(tmp_path / "a.html")
    assert isinstance(error, IngestError)
    assert "no text on the page" in error.what


@pytest.mark.slow
def test_a_page_nested_too_deep_says_that_text_is_missing(tmp_path: Path) -> None:
    document = _page(tmp_path, "<html><body><p>first</p>\n" + "<div>" * 9000 + "last" + "</div>" * 9000)
    assert document.text == "first"
    assert "text is missing" in document.warnings[0]
    assert "line 2" in document.warnings[0]


def test_an_xml_declaration_is_no_obstacle(tmp_path: Path) -> None:
    html = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>one</p></body></html>'
    assert _page(tmp_path, html).text == "one"
