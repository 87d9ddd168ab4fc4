"""The records that flow through the pipeline: immutable, slotted, built by keyword.

Offsets are half-open Unicode code points. In a `Document` they count from the start of `text`; in a `Claim` they count
from the start of the passage the extractor was given. A score lies in [0, 1].
"""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Chunk",
    "Document",
    "Extraction",
    "ExtractionState",
    "Failure",
    "Grounded",
    "Mention",
    "MentionClaim",
    "PageSpan",
    "Passage",
    "Quarantined",
    "Reply",
    "Triple",
    "TripleClaim",
]

Language = str
"""A two-letter language code: "zh", "en", or "und" where a passage has no letters."""

ExtractionState = Literal["done", "failed", "quarantined"]
"""done: usable claims (perhaps none); failed: no reply could be had; quarantined: a reply that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSpan:
    """Where document characters `start` to `end` stand in the source: page (from 1) and box in points.

    The box is (left, bottom, right, top) with the origin at the lower left of the page, as PDF has it; None where the
    reader knows the page (a sheet, a CSV row) but not the place on it.
    """

    start: int
    end: int
    page: int
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text as read from one source; `id` is a content hash, so the same text twice is one document."""

    id: str
    source: str
    name: str
    text: str
    media_type: str
    language: Language
    pages: tuple[PageSpan, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Characters `start` to `end` of a document, made of whole sentences where sentences fit the budget.

    `passage_id` is the hash of the chunk's text and language: what an extractor is asked, and asked once.
    """

    id: str
    document_id: str
    seq: int
    start: int
    end: int
    language: Language
    passage_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What an extractor sees: a text of its own, with no memory of the document."""

    id: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionClaim:
    """An entity as an extractor states it; `start` is None when it names a string without saying where it stands."""

    text: str
    label: str
    start: int | None = None
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TripleClaim:
    """A triple as an extractor states it. Labels and starts are None where the extractor gave none."""

    head: str
    relation: str
    tail: str
    head_label: str | None = None
    tail_label: str | None = None
    head_start: int | None = None
    tail_start: int | None = None
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One raw answer of a model, kept whatever became of it.

    `prompt_id` is the sha256 of the prompt as sent, `decode` how the server was asked ("free", "json_schema"),
    `logprob` the mean log-probability per token when the server gives it.
    """

    task: str
    text: str
    prompt_id: str
    model: str
    decode: str = "free"
    logprob: float | None = None
    n_prompt_tokens: int = 0
    n_reply_tokens: int = 0
    finish: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a passage has no usable extraction, and what to do; `retryable` when asking again may help."""

    kind: str
    what: str
    remedy: str = ""
    retryable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """Something an extractor said that may not enter the graph, with the reason; `claim` is its JSON form."""

    reason: str
    claim: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What an extractor made of one passage. `extractor` is its fingerprint (see `Extractor`)."""

    passage_id: str
    extractor: str
    state: ExtractionState
    mentions: tuple[MentionClaim, ...] = ()
    triples: tuple[TripleClaim, ...] = ()
    replies: tuple[Reply, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A span that names an entity: `document.text[start:end] == text`."""

    id: str
    document_id: str
    start: int
    end: int
    text: str
    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Triple:
    """A relation between two mentions of one document; `evidence` is the half-open span that states it."""

    id: str
    document_id: str
    head: str
    relation: str
    tail: str
    score: float
    evidence_start: int
    evidence_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """What of an extraction was found in the text, and what was not."""

    mentions: tuple[Mention, ...]
    triples: tuple[Triple, ...]
    quarantined: tuple[Quarantined, ...]
