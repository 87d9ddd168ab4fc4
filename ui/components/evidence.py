"""The sentences that state a fact, with its head and tail marked in them."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from kgbuilder.ledger.browse import MentionQuote, page_at
from kgbuilder.ledger.views import Evidence, FactView
from kgbuilder.records import PageSpan
from ui.highlight import Span, marked
from ui.i18n import t
from ui.markup import badge, chip, clipped, entity_link, escaped, page_link
from ui.names import Language, Names
from ui.theme import color_of

__all__ = ["STATUS_TONES", "evidence_html", "fact_html", "quote_html", "show_fact"]

STATUS_TONES = {"extracted": "quiet", "accepted": "good", "added": "busy", "rejected": "bad"}
_MAX_QUOTE_CHARS = 2_000


def fact_html(fact: FactView, names: Names) -> str:
    """Return a fact as head, arrow and tail."""
    head = chip(
        fact.head_name,
        fact.head_label,
        type_name=names.entity_type(fact.head_label),
        href=entity_link(fact.head, names.language),
    )
    tail = chip(
        fact.tail_name,
        fact.tail_label,
        type_name=names.entity_type(fact.tail_label),
        href=entity_link(fact.tail, names.language),
    )
    arrow = f'<span class="kg-arrow">{escaped(names.relation(fact.relation))}</span>'
    score = f'<span class="kg-quiet">{escaped(t("fact.score"))} {fact.score:.2f}</span>'
    state = badge(t(f"status.{fact.status}"), STATUS_TONES.get(fact.status, "quiet"))
    return f'<div class="kg-fact">{head}{arrow}{tail}</div><div class="kg-fact-meta">{state}{score}</div>'


def evidence_html(item: Evidence, fact: FactView, names: Names, *, page: int | None) -> str:
    """Return one piece of evidence: the quote in its passage, and where it stands."""
    quote = item.quote[:_MAX_QUOTE_CHARS]
    spans = [
        Span(
            start=start - item.start,
            end=end - item.start,
            color=color_of(label),
            title=f"{role}: {clipped(name, 200)} ({names.entity_type(label)})",
            role=role,
        )
        for (start, end), label, name, role in (
            (item.head, fact.head_label, fact.head_name, t("fact.head")),
            (item.tail, fact.tail_label, fact.tail_name, t("fact.tail")),
        )
    ]
    cut = "…" if len(quote) < len(item.quote) else ""
    words = f'<span class="kg-quote">{marked(quote, spans)}{cut}</span>'
    passage = f"{_before(item.before, item.start)}{words}{_after(item.after)}"
    place = _place(item.document_id, item.document_name, item.start, item.end, page, names.language)
    extractor = f'<span class="kg-quiet">{escaped(item.extractor)} · {item.score:.2f}</span>' if item.extractor else ""
    return _article(passage, place + extractor)


def quote_html(item: MentionQuote, language: Language, *, page: int | None) -> str:
    """Return one mention of an entity in its passage, and where it stands."""
    word = marked(item.text, [Span(start=0, end=len(item.text), color=color_of(item.label))])
    place = _place(item.document_id, item.document_name, item.start, item.end, page, language)
    passage = f"{_before(item.before, item.start)}{word}{_after(item.after)}"
    return _article(passage, place)


def _before(text: str, start: int) -> str:
    cut = "… " if text and start > len(text) else ""
    return escaped(cut + _closed_up(text))


def _after(text: str) -> str:
    return escaped(_closed_up(text) + (" …" if text else ""))


def _closed_up(text: str) -> str:
    # Around the quote, empty lines only take room; the quote itself stands as it is in the document.
    return re.sub(r"\s*\n\s*", "\n", text)


def _article(passage: str, footer: str) -> str:
    text = f'<p class="kg-text" dir="auto">{passage}</p>'
    return f'<article class="kg-evidence">{text}<footer>{footer}</footer></article>'


def _place(document_id: str, name: str, start: int, end: int, page: int | None, language: Language) -> str:
    link = page_link("document", id=document_id, at=str(start), lang=language)
    at = [t("evidence.span", start=f"{start:,}", end=f"{end:,}")]
    if page is not None:
        at.insert(0, t("evidence.page", page=page))
    return f'<a href="{link}"><bdi>{escaped(clipped(name, 80))}</bdi></a><span class="kg-quiet">{" · ".join(at)}</span>'


def show_fact(fact: FactView, found: Sequence[Evidence], pages: Mapping[str, Sequence[PageSpan]], names: Names) -> None:
    """Draw a fact and all its evidence."""
    articles = "".join(
        evidence_html(item, fact, names, page=page_at(pages.get(item.document_id, ()), item.start)) for item in found
    )
    more = ""
    if len(found) < fact.n_evidence:
        more = f'<div class="kg-more">{escaped(t("evidence.more", n=fact.n_evidence - len(found)))}</div>'
    title = f'<h4 class="kg-h4">{escaped(t("evidence.title", n=fact.n_evidence))}</h4>'
    st.html(f'<div class="kg-panel">{fact_html(fact, names)}{title}{articles}{more}</div>')
