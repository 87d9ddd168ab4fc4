"""Sentence boundaries, by blank spaCy pipelines for Chinese and English with rules of our own.

The usual tokenizers cost more than all other stages together, so a token here is what stands between two places where
a sentence could end; the component then decides which of these places are ends.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, cast

from kgbuilder.ingest.language import detect_language, is_cjk
from kgbuilder.records import Language

if TYPE_CHECKING:
    from spacy.language import Language as Pipeline
    from spacy.tokens import Doc
    from spacy.vocab import Vocab
    from thinc.types import Ints2d

__all__ = ["iter_sentences", "sentences"]

Span = tuple[int, int]

_TOKENIZER = "kgbuilder.candidates.v1"
_COMPONENT = "kgbuilder_sentences"

# A paragraph goes to spaCy in windows, so that memory does not grow with the text.
_WINDOW_CHARS = 65_536

_CLOSERS = "\"'”’」』）)】》〉]｣"
_CANDIDATE = re.compile(rf"(?:[。！？；｡….!?;]+[{re.escape(_CLOSERS)}]*\s*|\n\s*)")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*")
_LIST_MARK = re.compile(r"[-*+•·‣◦–—]\s|\(?\d{1,3}[.)、]\s|\(?[A-Za-z][.)]\s|[#>|]")
_WRAP_CHARS = range(40, 131)

_FULL_STOPS = frozenset("。！？；｡")
_ALWAYS_SHORT = re.compile(
    r"(?:mr|mrs|ms|dr|prof|st|gen|col|maj|capt|lt|sgt|adm|sen|rep|gov|rev|hon|pres|messrs|mt|ft"
    r"|e\.g|i\.e|vs|v|cf|ca|approx|viz)\."
)
_SHORT_BEFORE_NUMBER = re.compile(
    r"(?:no|nos|fig|figs|eq|eqs|vol|vols|p|pp|ch|sec|art|arts|para|tab|ref|op|est|b|d|c|r"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)\."
)
_SHORT_BEFORE_NAME = re.compile(
    r"(?:inc|ltd|co|corp|bros|plc|llc|jr|sr|al|etc|ph\.d|m\.d|dept|univ|assn|ave|blvd|rd|esq|(?:[a-z]\.)*[a-z])\."
)
_STARTER = re.compile(
    "(?:The|An?|He|She|It|They|We|I|You|This|That|These|Those|There|Here|In|On|At|By|For|From|To|With|As|After|Before"
    "|When|While|If|Since|Although|But|And|Or|However|Moreover|Then|Today|His|Her|Its|Their|Our|My)(?![\\w.])"
)


def sentences(text: str, language: Language) -> tuple[Span, ...]:
    """Return the spans of the sentences of `text`, in order; together they hold all that is not blank.

    The language of each paragraph is found by itself; `language` counts for those that have no letters. A title, a
    list item or a table row without a full stop ends with its line; a line end inside wrapped English text does not
    end a sentence, a paragraph's end always does.
    """
    return tuple(iter_sentences(text, language))


def iter_sentences(text: str, language: Language) -> Iterator[Span]:
    """Yield what `sentences` returns, holding a window of the text at a time."""
    for start, end, own in _blocks(text, language):
        yield from _block_sentences(text, start, end, own)


def _blocks(text: str, language: Language) -> Iterator[tuple[int, int, Language]]:
    """Yield neighbouring paragraphs of one language together: each call of a pipeline has a price of its own."""
    first, last, common = 0, 0, ""
    for start, end in _paragraphs(text):
        own = _pipeline_language(text[start : min(end, start + _WINDOW_CHARS)], language)
        if common and (own != common or end - first > _WINDOW_CHARS):
            yield first, last, common
            first = start
        elif not common:
            first = start
        last, common = end, own
    if common:
        yield first, last, common


def _paragraphs(text: str) -> Iterator[Span]:
    start = 0
    for match in _PARAGRAPH_END.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _pipeline_language(paragraph: str, language: Language) -> Language:
    own = detect_language(paragraph)
    own = language if own == "und" else own
    return own if own in ("zh", "en") else "zh"


def _block_sentences(text: str, start: int, end: int, language: Language) -> Iterator[Span]:
    while start < end:
        stop = min(end, start + _WINDOW_CHARS)
        found = _split(text[start:stop], language)
        # The window's last sentence may go on behind it; alone it is longer than any budget and may be cut.
        whole = found if stop == end or len(found) < 2 else found[:-1]
        for first, last in whole:
            yield start + first, start + last
        start = stop if whole is found else start + found[-1][0]


def _split(text: str, language: Language) -> list[Span]:
    pipeline, lock = _pipeline(language)
    # Every token is a new string; the zone gives them back. It is not for two threads at once.
    with lock, pipeline.memory_zone():
        try:
            doc = pipeline(text)
        except UnicodeEncodeError:
            # A lone surrogate, for which spaCy has no form; a question mark takes its place and moves nothing.
            doc = pipeline(text.encode("utf-8", "replace").decode("utf-8"))
        spans = [(sentence.start_char, sentence.end_char) for sentence in doc.sents]
    return [trimmed for start, end in spans if (trimmed := _trim(text, start, end))]


def _trim(text: str, start: int, end: int) -> Span | None:
    content = text[start:end]
    end = start + len(content.rstrip())
    return (end - len(content[: end - start].lstrip()), end) if end > start else None


@lru_cache(maxsize=2)
def _pipeline(language: Language) -> tuple["Pipeline", Lock]:
    """Build the pipeline for "zh" or "en": our tokenizer, our component, and a vocabulary without lexical features.

    The features of a blank pipeline's vocabulary cost ten times what all else here does.
    """
    import spacy
    from spacy.language import Language as Pipeline
    from spacy.util import registry
    from spacy.vocab import Vocab

    if _TOKENIZER not in registry.tokenizers:
        registry.tokenizers(_TOKENIZER, func=_create_tokenizer)
        Pipeline.factory(_COMPONENT, default_config={"lines_wrap": False}, func=_create_component)
    pipeline = spacy.blank(language, vocab=Vocab(), config={"nlp": {"tokenizer": {"@tokenizers": _TOKENIZER}}})
    pipeline.add_pipe(_COMPONENT, config={"lines_wrap": language == "en"})
    pipeline.max_length = _WINDOW_CHARS + 1
    return pipeline, Lock()


class _Tokenizer:
    """Cut a text into tokens, each up to a place where a sentence could end, the blanks behind it included."""

    def __init__(self, vocab: "Vocab") -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> "Doc":
        from spacy.tokens import Doc

        words: list[str] = []
        start = 0
        for match in _CANDIDATE.finditer(text):
            words.append(text[start : match.end()])
            start = match.end()
        if start < len(text):
            words.append(text[start:])
        return Doc(self.vocab, words=words, spaces=[False] * len(words))


class _Component:
    """Mark the tokens that begin a sentence."""

    def __init__(self, *, lines_wrap: bool) -> None:
        self.lines_wrap = lines_wrap

    def __call__(self, doc: "Doc") -> "Doc":
        import numpy as np
        from spacy.attrs import SENT_START

        starts = _sentence_starts([token.text for token in doc], self.lines_wrap)
        # All at once: setting one token's flag makes spaCy look at all the others.
        flags = np.where(starts, 1, -1).astype(np.int64).view(np.uint64)
        return doc.from_array([SENT_START], cast("Ints2d", flags.reshape(-1, 1)))


def _create_tokenizer() -> Callable[["Pipeline"], _Tokenizer]:
    return lambda pipeline: _Tokenizer(pipeline.vocab)


def _create_component(nlp: "Pipeline", name: str, lines_wrap: bool) -> _Component:
    return _Component(lines_wrap=lines_wrap)


def _sentence_starts(words: Sequence[str], lines_wrap: bool) -> list[bool]:
    """Return for each token whether a sentence begins with it."""
    wrapped = _wrapped_lines(words) if lines_wrap else frozenset()
    ends = (_ends(left, right, index in wrapped) for index, (left, right) in enumerate(pairwise(words)))
    return [True, *ends][: len(words)]


def _ends(left: str, right: str, wrapped: bool) -> bool:
    """Tell whether a sentence ends between two tokens; `wrapped` when the line end between them only wraps a text."""
    body = left.rstrip()
    gap = left[len(body) :]
    if "\n" in gap and _BLANK_LINE.search(gap):
        return True
    core = body.rstrip(_CLOSERS)
    if core and (core[-1] in _FULL_STOPS or _mark_ends(core, right, bool(gap), len(body) > len(core))):
        return True
    return "\n" in gap and not wrapped


def _mark_ends(core: str, right: str, spaced: bool, closed: bool) -> bool:
    mark, before, after = core[-1], core[-2:-1], right[0]
    if mark == "…":
        return core.endswith("……") or spaced or closed
    if mark in "!?":
        return (spaced and not after.islower()) or is_cjk(after)
    if mark == ";":
        return is_cjk(before)
    if mark == ".":
        return _period_ends(core, right, spaced)
    return False


def _period_ends(core: str, right: str, spaced: bool) -> bool:
    before = core[-2:-1]
    if before and is_cjk(before):
        return spaced or is_cjk(right[0])
    if not spaced or right[0].islower():
        return False
    word = core.rsplit(maxsplit=1)[-1].lstrip("([\"'“‘（《")
    if word[:-1].isdigit():
        # "1. Introduction": a number alone in its token stands at the head of a line.
        return word != core.lstrip("(")
    short = word.lower()
    if _ALWAYS_SHORT.fullmatch(short) or (right[0].isdigit() and _SHORT_BEFORE_NUMBER.fullmatch(short)):
        return False
    return not _SHORT_BEFORE_NAME.fullmatch(short) or _STARTER.match(right) is not None


def _wrapped_lines(words: Sequence[str]) -> frozenset[int]:
    """Return the tokens whose line end is a break in wrapped text, not the end of a title, list item or row."""
    found: set[int] = set()
    paragraph: list[tuple[int, str]] = []
    line = ""
    for index, (word, after) in enumerate(zip(words, [*words[1:], ""], strict=True)):
        line += word
        if "\n" not in word[len(word.rstrip()) :]:
            continue
        paragraph.append((index, line.strip()))
        if not after or _BLANK_LINE.search(word):
            found.update(_paragraph_wraps(paragraph, words))
            paragraph = []
        line = ""
    paragraph.append((len(words), line.strip()))
    found.update(_paragraph_wraps(paragraph, words))
    return frozenset(found)


def _paragraph_wraps(lines: Sequence[tuple[int, str]], words: Sequence[str]) -> Iterator[int]:
    """Yield the tokens at whose line end the next word had no room, in a paragraph where that is the rule.

    A line that goes on in small letters needs no such rule: the widest line of a list has no room either.
    """
    widest = max(len(line) for _, line in lines)
    if widest not in _WRAP_CHARS:
        return
    full = [index for index, line in lines[:-1] if _is_full(line, words[index + 1], widest)]
    is_rule = 2 * len(full) > len(lines) - 1
    yield from (index for index in full if is_rule or words[index + 1][0].islower())


def _is_full(line: str, after: str, widest: int) -> bool:
    if not line or is_cjk(line[-1]) or is_cjk(after[0]) or _LIST_MARK.match(after) or " | " in line:
        return False
    return len(line) + 1 + len(after.split(maxsplit=1)[0]) > widest
