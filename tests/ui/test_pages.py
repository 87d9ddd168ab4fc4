"""Each page in both languages, empty, filled, and when something is wrong."""

import re
import time

import pytest

from kgbuilder.errors import IngestError
from kgbuilder.ids import content_id
from kgbuilder.ledger import Ledger, jobs
from kgbuilder.records import Failure, Quarantined
from tests.ui.filled import ALSO_HOLT, FAILED, HOLT, WUYUAN, Text, entity_id, fact_id, html_of, make
from ui import state
from ui.app import PAGES
from ui.i18n import MESSAGES

pytestmark = pytest.mark.slow

GU = entity_id("顾清砚", "PER")
HOLT_ID = entity_id("Maren Holt", "PER")
NORTHLIGHT = entity_id("Northlight Labs", "ORG")
HOSTILE = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">\u202e**x**'


def document_id(text: Text) -> str:
    return content_id("document", text.text)


def tables(app) -> list[dict[str, list[object]]]:
    return [table.value.to_dict("list") for table in app.dataframe]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", [name for name in PAGES if name != "document"])
def test_every_page_draws_on_an_empty_workspace(draw, blank, page, language):
    app = draw(blank, page, language)
    assert not app.exception
    assert "kg-head" in html_of(app)
    assert "kg-empty" in html_of(app) or "kg-start" in html_of(app)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", [name for name in PAGES if name != "document"])
def test_every_page_draws_on_a_filled_workspace(draw, sample, page, language):
    app = draw(sample, page, language)
    assert not app.exception
    title = MESSAGES[f"{page}.title"][language == "en"]
    assert f"<h1>{title}" in html_of(app)


def test_home_counts_what_is_there(draw, sample):
    markup = html_of(draw(sample, "home"))
    numbers = dict(zip(*[re.findall(rf'<div class="kg-tile-{c}">([^<]*)<', markup) for c in "ln"], strict=True))
    assert numbers == {
        "Documents": "4",
        "Entities": "11",
        "Facts": "8",
        "Pieces of evidence": "9",
        "Need attention": "1",
    }
    assert "Person" in markup
    assert "founded by" in markup


def test_home_names_files_that_could_not_be_read_with_their_remedy(draw, sample):
    with Ledger.open(sample.ledger_url, lock_path=sample.lock_path) as ledger, ledger.writing() as connection:
        error = IngestError("the file is encrypted", where="secret.pdf", remedy="save it without a password")
        ledger.put_failure(connection, "secret.pdf", error)
    for page in ("home", "documents"):
        markup = html_of(draw(sample, page))
        for part in ("the file is encrypted", "secret.pdf", "save it without a password"):
            assert part in markup


def test_home_draws_the_graph_without_dates(draw, sample):
    app = draw(sample, "home")
    spec = app.get("echarts_chart")[0].proto.spec
    assert "Northlight Labs" in spec
    assert "1962" not in spec


def test_facts_are_listed_with_names_in_the_language_of_the_page(draw, sample):
    (table,) = tables(draw(sample, "facts", "zh"))
    assert table["头实体"][0] == "Northlight Labs"
    assert table["关系"][0] == "创始人"
    assert table["证据"][0] == 2


def test_the_first_fact_is_shown_with_all_its_evidence(draw, sample):
    markup = html_of(draw(sample, "facts"))
    assert markup.count('class="kg-evidence"') == 2
    assert 'data-role="Tail">Maren Holt</mark>' in markup
    assert 'data-role="Head">Northlight Labs</mark>' in markup
    assert "page 2 · characters 51–94" in markup
    assert "founders.html" in markup


def test_the_address_chooses_a_fact(draw, sample):
    wanted = fact_id(GU, "place_of_birth", entity_id("江西婺源", "LOC"))
    markup = html_of(draw(sample, "facts", fact=wanted))
    assert '<span class="kg-quote"><mark' in markup
    assert "江西婺源</mark>" in markup


def test_a_fact_that_is_gone_is_told_and_the_page_stays(draw, sample):
    app = draw(sample, "facts", fact="0" * 32)
    assert "no such fact" in html_of(app)
    assert tables(app)


def test_selecting_a_row_shows_that_fact(draw, sample):
    app = draw(sample, "facts")
    app.session_state["facts-table"] = {"selection": {"rows": [], "columns": [], "cells": [(4, "Head")]}}
    app.run()
    row = {name: values[4] for name, values in tables(app)[0].items()}
    chips = re.findall(r"<bdi>([^<]*)</bdi>", html_of(app).split('class="kg-fact"')[1])[:2]
    assert chips == [row["Head"], row["Tail"]]


def test_facts_are_found_by_name_relation_and_type(draw, sample):
    app = draw(sample, "facts")
    app.text_input(key="facts-search").set_value("OSLO").run()
    assert tables(app)[0]["Tail"] == ["Oslo"]
    app.text_input(key="facts-search").set_value("").run()
    app.selectbox(key="facts-relation").set_value("place_of_birth").run()
    assert set(tables(app)[0]["Relation"]) == {"place of birth"}
    app.selectbox(key="facts-label").set_value("ORG").run()
    assert "Nothing matches" in html_of(app)


def test_an_entity_shows_facts_by_relation_neighbours_and_places(draw, sample):
    app = draw(sample, "entities", id=HOLT_ID)
    markup = html_of(app)
    assert "<h1>Maren Holt" in markup
    groups = re.findall(r"<h5><span>(.)</span>([^<]*)</h5>", markup)
    assert groups == [("→", "place of birth"), ("←", "founded by")]
    assert f"./entities?id={NORTHLIGHT}&amp;lang=en" in markup
    assert "In 2009 " in markup
    assert app.get("echarts_chart")


def test_an_entity_that_is_gone_is_told(draw, sample):
    app = draw(sample, "entities", id="0" * 32)
    assert not app.exception
    assert "no such entity" in html_of(app)
    assert app.button(key="again")


def test_entities_are_found_by_type(draw, sample):
    app = draw(sample, "entities")
    app.selectbox(key="entities-label").set_value("PRODUCT").run()
    assert tables(app)[0]["Name"] == ["Lumen probe"]


def test_documents_show_state_and_failures(draw, sample):
    (table,) = tables(draw(sample, "documents"))
    states = dict(zip(table["Name"], table["State"], strict=True))
    assert states == {"founders.html": "done", "maren-holt.pdf": "done", "slow.md": "failed", "顾清砚.txt": "done"}
    assert table["Facts"] == [1, 3, 0, 5]


def test_a_document_shows_its_text_with_its_mentions(draw, sample):
    markup = html_of(draw(sample, "document", id=document_id(WUYUAN)))
    assert re.search(
        r'<a class="kg-m kg-m-s kg-m-e"[^>]*title="顾清砚 · Person · 0.90" href="[^"]*">顾清砚</a>', markup
    )
    assert "的一个茶农家庭。" in markup


def test_a_document_shows_what_was_set_aside_and_the_raw_reply(draw, sample):
    app = draw(sample, "document", id=document_id(ALSO_HOLT))
    app.session_state["document-part"] = "chunks"
    app.session_state["chunks-table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    markup = html_of(app)
    assert "not in the text" in markup
    assert "Jonas Lind" in markup
    assert "[&quot;Maren Holt&quot;, &quot;spouse&quot;, &quot;Jonas Lind&quot;]" in markup


def test_a_failed_chunk_shows_reason_and_remedy(draw, sample):
    app = draw(sample, "document", id=document_id(FAILED))
    app.session_state["document-part"] = "chunks"
    app.session_state["chunks-table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    markup = html_of(app)
    assert "the model gave no answer within 60 s" in markup
    assert "retry the failed chunks" in markup


def test_a_document_that_is_gone_is_told(draw, sample):
    assert "no such document" in html_of(draw(sample, "document", id="nothing"))


def test_uploads_are_kept_and_queued_as_one_job(draw, blank):
    app = draw(blank, "documents")
    app.file_uploader[0].set_value(
        [("新闻.txt", "华为由任正非创立。".encode(), "text/plain"), ("../b.md", b"# hi", "text/markdown")]
    )
    app.run()
    assert not app.exception
    with Ledger.open(blank.ledger_url, lock_path=blank.lock_path) as ledger, ledger.reading() as connection:
        (job,) = jobs.jobs(connection)
    files = job.payload["files"]
    assert job.kind == "build"
    assert sorted(source.rpartition("/")[2] for source in files.values()) == ["b.md", "新闻.txt"]
    assert all((blank.folder / path).is_file() for path in files)
    assert not app.file_uploader[0].value  # the bytes are on disk and nowhere else


def enqueue(workspace, kind: str, payload: dict[str, object]) -> str:
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger, ledger.writing() as connection:
        return jobs.enqueue(connection, kind, payload, author="test")


def change(workspace, job_id: str, state_: str, progress: dict[str, object], error: str | None = None) -> None:
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger, ledger.writing() as connection:
        jobs.set_progress(connection, job_id, progress)
        jobs.finish_job(connection, job_id, state_, error=error)


def job_of(workspace, place: int = 0) -> jobs.Job:
    with Ledger.open(workspace.ledger_url, lock_path=workspace.lock_path) as ledger, ledger.reading() as connection:
        return jobs.jobs(connection)[place]


def test_a_running_job_shows_progress_rate_and_time_left(draw, blank):
    job_id = enqueue(blank, "build", {"files": {"uploads/x/a.pdf": "upload:x/a.pdf"}})
    values = {"chunks": 12, "chunks_total": 48, "rate_per_s": 8.25, "left_s": 90.0, "failed": 1, "current": "a.pdf"}
    change(blank, job_id, "running", values)
    markup = html_of(draw(blank, "documents"))
    assert 'style="width:25.0%"' in markup
    assert "12 of 48 chunks · 8.2 a second · about 1 min left · 1 failed" in markup
    assert "No worker is running" in markup


def test_a_queued_job_can_be_cancelled_and_then_retried(draw, blank):
    enqueue(blank, "build", {"files": {"uploads/x/a.pdf": "upload:x/a.pdf"}, "retry_failed": False})
    app = draw(blank, "documents")
    app.button(key=f"cancel-{job_of(blank).id}").click().run()
    assert job_of(blank).state == "cancelled"
    app.button(key=f"retry-{job_of(blank).id}").click().run()
    again = job_of(blank)
    assert again.state == "queued"
    assert again.payload == {"files": {"uploads/x/a.pdf": "upload:x/a.pdf"}, "retry_failed": True}


def test_a_failed_job_says_why_where_and_what_to_do(draw, blank):
    job_id = enqueue(blank, "build", {"files": {}})
    change(blank, job_id, "failed", {}, '{"what":"disk full","where":"/data","remedy":"free some space"}')
    markup = html_of(draw(blank, "documents"))
    for part in ("disk full", "/data", "free some space", "Retry failed chunks"):
        assert part in markup


def test_a_job_done_lists_the_files_it_could_not_read(draw, blank):
    job_id = enqueue(blank, "build", {"files": {"uploads/x/a.pdf": "upload:x/a.pdf"}})
    report = {
        "documents": 3,
        "facts": 9,
        "seconds": 1.5,
        "n_unreadable": 1,
        "unreadable": [["needs OCR", "a.pdf", "scan it"]],
    }
    change(blank, job_id, "done", {"report": report})
    app = draw(blank, "documents")
    markup = html_of(app)
    assert "3 documents in 1.5 s · 1 file could not be read" in markup
    assert "needs OCR" in markup
    assert app.button(key=f"retry-{job_id}")


def test_failed_chunks_are_retried_by_a_job(draw, sample):
    draw(sample, "documents").button(key="retry-failed").click().run()
    assert job_of(sample).payload == {"files": {}, "retry_failed": True, "extractor": ""}


def test_a_deletion_says_what_leaves_and_is_a_job(draw, sample):
    app = draw(sample, "documents")
    app.session_state["documents-table"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    app.button(key="delete-document").click().run()
    markup = html_of(app)
    assert "3 pieces of evidence" in markup
    assert "2 facts that no other document states" in markup
    assert "1 fact stays" in markup
    app.button(key="delete-yes").click().run()
    job = job_of(sample)
    assert job.kind == "delete"
    assert job.payload == {"document": document_id(HOLT), "name": "maren-holt.pdf"}


def test_the_language_can_be_switched(draw, sample):
    app = draw(sample, "facts", "zh")
    assert "<h1>事实" in html_of(app)
    app.session_state[state.LANGUAGE_KEY] = "en"
    app.run()
    assert "<h1>Facts" in html_of(app)
    assert "en" in app.query_params["lang"]


def test_an_unknown_language_in_the_address_is_passed_over(draw, sample):
    assert "<h1>Facts" in html_of(draw(sample, "facts", "xx"))


def test_without_a_workspace_the_page_says_how_to_start(draw, blank, monkeypatch):
    app = draw(blank, "home")
    monkeypatch.delenv(state.WORKSPACE_VARIABLE)
    app.run()
    assert "kgbuilder app" in html_of(app)


def test_a_ledger_that_cannot_be_opened_is_told_with_a_remedy(draw, tmp_path, monkeypatch):
    workspace = make(tmp_path / "broken")
    (workspace.folder / "ledger.db").write_bytes(b"this is no database at all, but long enough to be read" * 99)
    monkeypatch.setenv(state.WORKSPACE_VARIABLE, str(workspace.folder))
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_string("from ui.app import main\nmain()", default_timeout=30).run()
    assert not app.exception
    assert "move it away or set ledger.url" in html_of(app)


NASTY = Text(
    name=f"{HOSTILE}.txt",
    text=f"{HOSTILE} founded {'x' * 10_000}.",
    names=((HOSTILE, "ORG"), ("x" * 10_000, "PER")),
    facts=((HOSTILE, "founded_by", "x" * 10_000),),
    reply=f"{HOSTILE} \ud800 half",
    failure=Failure(kind="x", what=HOSTILE, remedy=HOSTILE),
    state="quarantined",
    quarantined=(Quarantined(reason=HOSTILE, claim=HOSTILE + "\ud800", detail=HOSTILE),),
    warnings=(HOSTILE,),
)


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("home", {}),
        ("documents", {}),
        ("facts", {}),
        ("entities", {}),
        ("entities", {"id": entity_id(HOSTILE, "ORG")}),
        ("document", {"id": document_id(NASTY)}),
        ("facts", {"fact": HOSTILE}),
        ("entities", {"id": HOSTILE}),
        ("document", {"id": HOSTILE, "at": HOSTILE}),
    ],
)
def test_hostile_text_ends_as_data(draw, tmp_path, page, parameters):
    workspace = make(tmp_path / "nasty", [NASTY])
    app = draw(workspace, page, **parameters)
    assert not app.exception
    if page == "document" and parameters["id"] == document_id(NASTY):
        app.session_state["document-part"] = "chunks"
        app.session_state["chunks-table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
        app.run()
        assert not app.exception
        assert "half" in html_of(app)
    markup = html_of(app)
    assert "<script" not in markup
    assert "<img" not in markup
    assert "\u202e" not in markup
    assert not app.markdown  # nothing of a document passes through Markdown
    for table in tables(app):
        assert all("\u202e" not in str(cell) for column in table.values() for cell in column)


@pytest.mark.slow
def test_pages_of_a_thousand_documents_are_drawn_in_half_a_second(draw, tmp_path):
    workspace = make(tmp_path / "many", [_numbered(n) for n in range(1000)])
    for page in ("home", "documents", "facts", "entities"):
        app = draw(workspace, page)
        begin = time.perf_counter()
        app.run()
        assert time.perf_counter() - begin < 0.5, page
        assert not app.exception


def _numbered(n: int) -> Text:
    person, town = f"Person {n % 300:03}", f"Town {n % 41:02}"
    return Text(
        name=f"{n:04}.txt",
        text=f"Note {n}: {person} was born in {town}.\n" + "More words follow here. " * 60,
        names=((person, "PER"), (town, "LOC")),
        facts=((person, "place_of_birth", town),),
    )


def test_pages_are_split_where_there_are_many(draw, tmp_path):
    workspace = make(tmp_path / "many", [_numbered(n) for n in range(150)])
    app = draw(workspace, "documents")
    assert len(tables(app)[0]["Name"]) == 100
    app.session_state["documents-page"] = 2
    app.run()
    assert tables(app)[0]["Name"][0] == "0100.txt"


def test_only_the_state_module_touches_the_session_state():
    from pathlib import Path

    ui = Path(state.__file__).parent
    found = [p.name for p in ui.rglob("*.py") if "session_state" in p.read_text() and p.name != "state.py"]
    assert found == []


def test_no_page_renders_markdown_with_text_from_outside():
    from pathlib import Path

    ui = Path(state.__file__).parent
    text = "".join(p.read_text() for p in ui.rglob("*.py"))
    assert not re.search(r"st\.(markdown|write|caption|title|header|subheader|info|warning|error|success)\(", text)
    assert "unsafe_allow" not in text
    assert ":material/" not in text
