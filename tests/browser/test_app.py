"""What a stranger does with the app, in a real browser."""

import re
import time

import pytest
from conftest import TEXTS, App, Open, find_color, settle
from playwright.sync_api import Page, expect

from kgbuilder.ledger import views
from kgbuilder.pipeline import open_ledger
from ui.theme import color_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UPLOADER = '[data-testid="stFileUploaderDropzoneInput"]'


def upload(page: Page, **files: bytes) -> None:
    page.locator(UPLOADER).set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in files.items()]
    )


def job(page: Page, name: str):
    return page.locator(".kg-job", has_text=name).first


def long_text(n: int) -> bytes:
    """A text that takes a while: no passage of it was ever read before."""
    stamp = time.time_ns()
    lines = (f"赵{stamp}{i}年，沈鹤年在第{i}届会议上向杭州市报告了第{i}号测量结果，共{i * 7}米。" for i in range(n))
    return "\n".join(lines).encode()


def first_document(app: App, text: str):
    with open_ledger(app.workspace) as ledger, ledger.reading() as connection:
        return views.document_views(connection, text=text)[0]


def test_uploaded_files_are_read_and_a_fact_leads_to_its_sentence(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    upload(
        page,
        **{
            "林晓峰.txt": "林晓峰1975年出生于成都市。林晓峰创立了启明科技有限公司。".encode(),
            "rosa.md": b"Rosa Lindqvist was born in Malmo. Rosa Lindqvist founded Harbor Foods in 1999.",
        },
    )
    card = job(page, "林晓峰.txt")
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-state", "done", timeout=45_000)
    expect(card).to_contain_text("2 documents")
    page.screenshot(path=pictures / "documents-after-upload.png")
    page.get_by_test_id("stSidebarNav").get_by_text("Facts").click()
    settle(page)
    page.get_by_placeholder("Search by the name of an entity").fill("启明科技")
    page.keyboard.press("Enter")
    panel = page.locator(".kg-panel")
    expect(panel.locator(".kg-quote").first).to_contain_text("林晓峰创立了启明科技有限公司")
    marks = panel.locator(".kg-quote").first.locator("mark")
    expect(marks).to_have_count(2)
    assert {marks.nth(n).get_attribute("data-role") for n in range(2)} == {"Head", "Tail"}
    expect(panel).to_contain_text("林晓峰.txt")
    page.screenshot(path=pictures / "fact-with-evidence.png")
    panel.locator("a.kg-chip", has_text="林晓峰").click()
    expect(page.locator("h1", has_text="林晓峰")).to_be_visible()
    expect(page.locator(".kg-group").first).to_be_visible()


def test_a_job_shows_progress_can_be_cancelled_and_retried(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    upload(page, **{"long.txt": long_text(6000)})
    card = job(page, "long.txt")
    expect(card).to_have_attribute("data-state", "running", timeout=20_000)
    expect(card.get_by_text(re.compile(r"[1-9]\d* of \d+ chunks"))).to_be_visible(timeout=30_000)
    page.screenshot(path=pictures / "job-running.png")
    page.get_by_role("button", name="Cancel").first.click()
    expect(card).to_have_attribute("data-state", "cancelled", timeout=30_000)
    page.get_by_role("button", name="Retry").first.click()
    again = page.locator(".kg-job").first
    expect(again).to_have_attribute("data-state", re.compile("queued|running"))
    page.get_by_role("button", name="Cancel").first.click()
    expect(again).to_have_attribute("data-state", "cancelled", timeout=30_000)


def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    upload(page, **{"broken.pdf": b"%PDF-1.7 nothing of the kind", "fine.txt": "周远1980年出生于南京市。".encode()})
    card = page.locator(".kg-job").first
    expect(card).to_have_attribute("data-state", "done", timeout=45_000)
    expect(card).to_contain_text("1 files could not be read")
    expect(card.locator(".kg-notice")).to_contain_text("broken.pdf")
    expect(page.get_by_role("button", name="Dismiss").first).to_be_visible()
    page.screenshot(path=pictures / "unreadable.png", full_page=True)
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.get_by_role("button", name="Dismiss")).to_have_count(0)


def test_a_document_is_deleted_after_saying_what_leaves(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    page.get_by_placeholder("Search by name or source").fill("shen.txt")
    page.keyboard.press("Enter")
    settle(page)
    table = page.get_by_test_id("stDataFrame").first
    table.locator("canvas").first.click(position={"x": 120, "y": 50})
    settle(page)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("facts that no other document states")
    page.screenshot(path=pictures / "delete.png")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    card = job(page, "Delete shen.txt")
    expect(card).to_have_attribute("data-state", "done", timeout=30_000)
    with open_ledger(app.workspace) as ledger, ledger.reading() as connection:
        assert views.document_views(connection, text="shen.txt") == []


def test_the_graph_is_asked_and_nothing_can_be_changed(app: App, open_page: Open, pictures):
    page = open_page("/cypher")
    query = page.get_by_label("Query", exact=True)
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile(r"\d+ rows in"))).to_be_visible(timeout=40_000)
    expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
    page.screenshot(path=pictures / "cypher.png")
    for statement in ("MATCH (n) DETACH DELETE n", "CREATE (n:Entity {id: 'x'}) RETURN n"):
        query.fill(statement)
        query.press("Control+Enter")
        expect(page.locator(".kg-notice", has_text="This query was refused")).to_be_visible()
    page.screenshot(path=pictures / "cypher-refused.png")
    query.fill("MATCH (e:Entity) WHERE e.name CONTAINS $text RETURN e.name AS name")
    page.get_by_label("Parameters (JSON)").fill("{not json")
    page.get_by_label("Parameters (JSON)").press("Control+Enter")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("The parameters are no JSON object")).to_be_visible()
    page.get_by_label("Parameters (JSON)").fill('{"text": "顾清砚"}')
    page.get_by_label("Parameters (JSON)").press("Control+Enter")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile(r"1 rows in"))).to_be_visible()


def test_the_language_follows_the_browser_and_can_be_switched(app: App, open_page: Open):
    page = open_page("/facts", locale="zh-CN")
    expect(page.locator("h1", has_text="事实")).to_be_visible()
    expect(page).to_have_url(re.compile("lang=zh"))
    page.get_by_role("button", name="English").or_(page.get_by_role("radio", name="English")).first.click()
    expect(page.locator("h1", has_text="Facts")).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))
    page.get_by_test_id("stSidebarNav").get_by_text("Entities").click()
    expect(page.locator("h1", has_text="Entities")).to_be_visible()
    page.reload()
    expect(page.locator("h1", has_text="Entities")).to_be_visible()


def test_a_filter_survives_the_switch_of_language(app: App, open_page: Open):
    page = open_page("/facts")
    page.get_by_text("Any type").click()
    page.get_by_role("option", name="Work").click()
    settle(page)
    page.get_by_role("button", name="中文").or_(page.get_by_role("radio", name="中文")).first.click()
    expect(page.locator("h1", has_text="事实")).to_be_visible()
    settle(page)
    assert page.locator('[data-testid="stException"]').count() == 0


def test_a_click_on_a_node_opens_its_entity(app: App, open_page: Open):
    page = open_page("/")
    canvas = page.locator('[data-testid="stEChartsChart"] canvas, .stEChartsChart canvas').first
    expect(canvas).to_be_visible()
    page.wait_for_timeout(1200)
    color = color_of("PER").lstrip("#")
    rgb = (int(color[:2], 16), int(color[2:4], 16), int(color[4:], 16))
    spot = find_color(canvas.screenshot(), rgb)
    assert spot, "no person is drawn"
    canvas.click(position={"x": spot[0], "y": spot[1]})
    expect(page.locator("h1 .kg-badge", has_text="Person")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/entities\?.*id="))


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_hostile_text_is_shown_and_does_nothing(app: App, open_page: Open, pictures, locale):
    document = first_document(app, "hostile.txt")
    page = open_page(f"/document?id={document.id}", locale=locale)
    shown = page.locator(".kg-page")
    expect(shown).to_contain_text("<script>window.pwned=1</script>")
    expect(shown).to_contain_text(
        "[link](javascript:window.pwned=3) ‹202E›gnp.exe‹202C› **bold** $x^2$ :material/home:"
    )
    page.screenshot(path=pictures / f"hostile-{locale}.png")
    for path in ("/", "/facts", "/entities", f"/document?id={document.id}"):
        page.goto(app.url + path)
        settle(page)
        assert page.locator(".stHtml script, .stHtml img, .stHtml iframe, .stHtml [onerror]").count() == 0
        assert page.evaluate("window.pwned") is None


def test_what_is_gone_is_told_and_the_page_stays_usable(app: App, open_page: Open):
    page = open_page("/entities?id=0123456789abcdef")
    expect(page.locator(".kg-notice")).to_contain_text("no such entity")
    page.get_by_test_id("stSidebarNav").get_by_text("Overview").click()
    expect(page.locator(".kg-tile-n").first).to_be_visible()


@pytest.mark.parametrize(("locale", "dark"), [("en-US", False), ("zh-CN", True)])
def test_every_page_has_its_picture_taken(app: App, open_page: Open, pictures, locale, dark):
    document = first_document(app, next(iter(TEXTS)))
    paths = {"home": "/", "documents": "/documents", "facts": "/facts", "entities": "/entities", "cypher": "/cypher"}
    paths["document"] = f"/document?id={document.id}"
    page = open_page("/", locale=locale, dark=dark)
    for name, path in paths.items():
        page.goto(app.url + path)
        settle(page)
        expect(page.locator(".kg-head h1")).to_be_visible()
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / f"{name}-{locale}-{'dark' if dark else 'light'}.png")


def test_nothing_is_wider_than_a_phone(app: App, open_page: Open, pictures):
    page = open_page("/facts", size=(390, 844))
    expect(page.locator(".kg-panel")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=pictures / "facts-phone.png")
