"""What a stranger does with the app, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from kgbuilder.ledger import jobs, views
from kgbuilder.pipeline import open_ledger
from tests.browser.driving import ODD_REPLY, TEXTS, App, Open, find_color, settle
from ui.i18n import MESSAGES
from ui.jobs import build_payload
from ui.theme import color_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

UPLOADER = '[data-testid="stFileUploaderDropzoneInput"]'


def upload(page: Page, **files: bytes) -> None:
    page.locator(UPLOADER).set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in files.items()]
    )


def job(page: Page, name: str):
    return page.locator(".kg-job", has_text=name).first


def click_row(page: Page, row: int) -> None:
    """Click on a cell of a row of the first table; it is drawn on a canvas."""
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 150, box["y"] + 33 * (row + 1.5))
    settle(page)


def first_document(app: App, text: str):
    with open_ledger(app.workspace) as ledger, ledger.reading() as connection:
        return views.document_views(connection, text=text)[0]


def test_uploaded_files_are_read_and_a_fact_leads_to_its_sentence(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    upload(
        page,
        **{
            "林晓峰.txt": "林晓峰1975年出生于成都市，毕业于东湖大学。".encode(),
            "rosa.md": b"# Rosa\n\nRosa Lindqvist was born in Malmo in 1960.",
        },
    )
    card = job(page, "林晓峰.txt")
    expect(card).to_be_visible()
    expect(card).to_have_attribute("data-state", "done", timeout=45_000)
    expect(card).to_contain_text("2 documents")
    expect(page.locator(".kg-job")).to_have_count(1)
    page.screenshot(path=pictures / "documents-after-upload.png")
    page.get_by_test_id("stSidebarNav").get_by_text("Facts").click()
    settle(page)
    page.get_by_placeholder("Search by the name of an entity").fill("rosa lind")
    page.keyboard.press("Enter")
    panel = page.locator(".kg-panel")
    expect(panel.locator(".kg-quote").first).to_contain_text("Rosa Lindqvist was born in Malmo in 1960.")
    marks = panel.locator(".kg-quote").first.locator("mark")
    expect(marks).to_have_count(2)
    assert {marks.nth(n).get_attribute("data-role") for n in range(2)} == {"Head", "Tail"}
    expect(panel).to_contain_text("rosa.md")
    page.screenshot(path=pictures / "fact-with-evidence.png")
    panel.locator("a.kg-chip", has_text="Rosa Lindqvist").click()
    expect(page.locator("h1", has_text="Rosa Lindqvist")).to_be_visible()
    expect(page.locator(".kg-group").first).to_be_visible()


def test_a_reply_that_cannot_be_read_is_shown_as_it_came(app: App, open_page: Open, pictures):
    path = app.workspace.uploads / "odd" / "odd.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("The committee met in Oslo and adjourned without a vote.")
    with open_ledger(app.workspace) as ledger, ledger.writing() as connection:
        payload = build_payload({"uploads/odd/odd.txt": "upload:odd/odd.txt"}, extractor="endpoint")
        jobs.enqueue(connection, "build", payload, author="test")
    page = open_page("/documents")
    expect(page.locator(".kg-job").first).to_have_attribute("data-state", "done", timeout=40_000)
    page.goto(f"{app.url}/document?id={first_document(app, 'odd.txt').id}")
    expect(page.locator("h1 .kg-badge")).to_have_text("unreadable reply")
    page.get_by_text("Chunks and replies").click()
    settle(page)
    click_row(page, 0)
    expect(page.locator(".kg-pre").get_by_text(ODD_REPLY, exact=True).first).to_be_visible()
    page.screenshot(path=pictures / "raw-reply.png")


def test_a_file_that_cannot_be_read_is_told_and_the_others_go_on(app: App, open_page: Open, pictures):
    page = open_page("/documents")
    upload(page, **{"broken.pdf": b"%PDF-1.7 nothing of the kind", "fine.txt": "周远1980年出生于南京市。".encode()})
    card = page.locator(".kg-job").first
    expect(card).to_have_attribute("data-state", "done", timeout=45_000)
    expect(card).to_contain_text("1 file could not be read")
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
    click_row(page, 0)
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
    for statement, word in (
        ("MATCH (n) DETACH DELETE n", "DETACH"),
        ("CREATE (n:Entity {id: 'x'}) RETURN n", "CREATE"),
    ):
        query.fill(statement)
        query.press("Control+Enter")
        refusal = page.locator(".kg-notice", has_text="This query was refused")
        expect(refusal).to_contain_text(f"{word} is not allowed")
    page.screenshot(path=pictures / "cypher-refused.png")
    query.fill("MATCH (e:Entity) WHERE e.name CONTAINS $text RETURN e.name AS name")
    page.get_by_role("textbox", name="Parameters (JSON)").fill("{not json")
    page.get_by_role("textbox", name="Parameters (JSON)").press("Control+Enter")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("The parameters are no JSON object")).to_be_visible()
    page.get_by_role("textbox", name="Parameters (JSON)").fill('{"text": "顾清砚"}')
    page.get_by_role("textbox", name="Parameters (JSON)").press("Control+Enter")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile(r"^1 row in"))).to_be_visible()


def test_the_language_follows_the_browser_and_can_be_switched(app: App, open_page: Open):
    page = open_page("/facts", locale="zh-CN")
    expect(page.locator("h1", has_text="事实")).to_be_visible()
    expect(page).to_have_url(re.compile("lang=zh"))
    page.get_by_role("radio", name="English").click()
    expect(page.locator("h1", has_text="Facts")).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))
    page.get_by_test_id("stSidebarNav").get_by_text("Entities").click()
    expect(page.locator("h1", has_text="Entities")).to_be_visible()
    page.reload()
    expect(page.locator("h1", has_text="Entities")).to_be_visible()


def test_a_filter_survives_the_switch_of_language(app: App, open_page: Open):
    page = open_page("/facts")
    found = page.get_by_text(re.compile(r"^\d+ (facts|条事实)$"))
    everything = found.inner_text()
    page.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="Organization").click()
    settle(page)
    expect(found).not_to_have_text(everything)
    number = found.inner_text().split()[0]
    page.get_by_role("radio", name="中文").click()
    expect(page.locator("h1", has_text="事实")).to_be_visible()
    expect(found).to_have_text(f"{number} 条事实")


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
    look = f"{locale}-{'dark' if dark else 'light'}"
    document = first_document(app, next(iter(TEXTS)))
    page = open_page(f"/document?id={document.id}", locale=locale, dark=dark)
    page.screenshot(path=pictures / f"document-{look}.png")
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    for place, name in enumerate(("home", "documents", "facts", "entities", "cypher")):
        links.nth(place).click()
        expect(page.locator("h1")).to_have_text(MESSAGES[f"{name}.title"][locale == "en-US"])
        settle(page)
        page.wait_for_timeout(600)
        page.screenshot(path=pictures / f"{name}-{look}.png")


def test_nothing_is_wider_than_a_phone(app: App, open_page: Open, pictures):
    page = open_page("/facts", size=(390, 844))
    expect(page.locator(".kg-panel")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=pictures / "facts-phone.png")


def test_a_job_shows_progress_can_be_cancelled_and_retried(app: App, open_page: Open, pictures):
    # The model of this job answers slowly, and nothing that can be read.
    path = app.workspace.uploads / "slow" / "slow.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "\n".join(f"第{n}次会议在杭州市举行，共有{n * 7}人参加，会议通过了第{n}号决议。" for n in range(4000))
    )
    with open_ledger(app.workspace) as ledger, ledger.writing() as connection:
        payload = build_payload({"uploads/slow/slow.txt": "upload:slow/slow.txt"}, extractor="endpoint")
        jobs.enqueue(connection, "build", payload, author="test")
    page = open_page("/documents")
    card = page.locator(".kg-job").first
    expect(card).to_have_attribute("data-state", "running", timeout=20_000)
    expect(card.get_by_text(re.compile(r"[1-9]\d* of \d+ chunks · .* a second"))).to_be_visible(timeout=30_000)
    page.screenshot(path=pictures / "job-running.png")
    page.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-state", "cancelled", timeout=20_000)
    page.get_by_role("button", name="Retry", exact=True).first.click()
    expect(card).to_have_attribute("data-state", "running", timeout=20_000)
    page.wait_for_timeout(700)  # Streamlit drops a click in a fragment while it draws the whole page
    page.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-state", "cancelled", timeout=20_000)
