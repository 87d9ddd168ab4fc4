"""Write the page: tables of all that was measured, and what people judged. Nothing in it but the numbers changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kgbuilder.extract.compact.decode import Calibration
from kgbuilder.extract.compact.model import ModelCard
from kgbuilder.score import AnnotatedEntity, AnnotatedTriple, Score, Scores
from kgbuilder.score.bootstrap import Interval, Intervals
from kgbuilder.score.compare import ENTITY_ERRORS, TRIPLE_ERRORS
from kgbuilder.score.listing import item_text, visible
from training.compact.corpus import hash_examples
from training.data import Example
from training.quality.curves import calibration_error, reliability
from training.quality.judged import JudgedFacts
from training.quality.measure import EXAMPLES_FROM, ClassExample, Measured, Quality

__all__ = ["render_page"]

COMMAND = "python -m training quality --data DIR --real DIR"
_LANGUAGES = {"zh": "Chinese", "en": "English"}
_REAL = {"zh": "real_zh", "en": "real_en"}
_NOTHING = "–"
_SHORT_CHARS, _MARGIN_CHARS = 200, 40


def render_page(
    quality: Quality,
    tests: Mapping[str, Sequence[Example]],
    *,
    picture: str,
    judged: JudgedFacts | None = None,
    limit: int = 0,
) -> str:
    """Return the page as Markdown. `picture` is its path from the page; `limit`: only so many texts were measured."""
    sections = (
        _head(quality, picture, limit),
        _by_set(quality),
        _by_kind(quality, "entities", "type"),
        _by_kind(quality, "triples", "relation"),
        _thresholds(quality),
        _errors(quality),
        _judged(judged) if judged else (),
        _sets(tests, quality),
    )
    return "\n".join(line for section in sections for line in section).rstrip() + "\n"


def _head(quality: Quality, picture: str, limit: int) -> Iterator[str]:
    yield "# Quality"
    yield ""
    yield f"Written by `{COMMAND}`; do not edit. What is right, how intervals are made and"
    yield "what the classes of errors mean: [measuring an extractor](evaluation.md)."
    if limit:
        yield ""
        yield f"**A trial: only the first {limit} texts of each set were measured.**"
    yield ""
    yield f"![F1 by relation, precision over recall, calibration]({picture})"
    yield ""
    for language in sorted({one.language for one in quality.measured}, reverse=True):
        card = quality.cards.get(language)
        what = f"the model `{card.name}`" if card else "the lexicon: the compact extractor has no model for it"
        yield f"- {_LANGUAGES.get(language, language)} is read by {what}."
    for name, fingerprint in quality.fingerprints.items():
        yield f"- `{name}`, fingerprint `{fingerprint[:12]}`"
    yield ""


# --- tables -----------------------------------------------------------------------------------------------------------


def _by_set(quality: Quality) -> Iterator[str]:
    for part, columns in (("entities", ()), ("triples", ("texts without a triple that get one",))):
        yield f"## {part.capitalize()} by set"
        yield ""
        yield "In percent, with 95 % intervals over resampled texts. Where little is annotated they are too narrow."
        yield ""
        rows = []
        for one in quality.measured:
            score = _scores(one, part).overall
            if score.n or score.n_predicted:
                bare = f"{one.n_bare_wrong} of {one.n_bare}" if one.n_bare else _NOTHING
                figures = [*_figures(score), f"{score.n:,}", *([bare] if columns else [])]
                rows.append([f"`{one.name}`", one.language, one.reader, f"{one.report.n_records:,}", *figures])
        yield from _table(("set", "", "read by", "texts", "precision", "recall", "F1", "annotated", *columns), rows)


def _figures(score: Score) -> tuple[str, str, str]:
    bootstrap = score.bootstrap or Intervals(precision=(0, 1), recall=(0, 1), f1=(0, 1))
    precision = _figure(score.precision, bootstrap.precision) if score.n_predicted else _NOTHING
    recall = _figure(score.recall, bootstrap.recall) if score.n else _NOTHING
    return precision, recall, _figure(score.f1, bootstrap.f1)


def _figure(value: float, interval: Interval) -> str:
    low, high = interval
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _by_kind(quality: Quality, part: str, kind: str) -> Iterator[str]:
    yield f"## {part.capitalize()} by {kind}"
    yield ""
    columns = ("precision", "recall", "F1", "annotated")
    for language, written, real in _pairs(quality):
        scores = [_scores(one, part).by_type if one else {} for one in (written, real)]
        names = sorted({name for part_ in scores for name in part_})
        rows = [[f"`{name}`", *_short(scores[0].get(name)), *_short(scores[1].get(name))] for name in names]
        yield f"{_LANGUAGES[language]}, read by {quality.main_reader(language)}; written test, then real sentences:"
        yield ""
        yield from _table((kind, *columns, *(f"real: {column}" for column in columns)), rows)


def _scores(one: Measured, part: str) -> Scores:
    return one.report.entities if part == "entities" else one.report.triples


def _pairs(quality: Quality) -> Iterator[tuple[str, Measured | None, Measured | None]]:
    for language in _LANGUAGES:
        written, real = quality.find(EXAMPLES_FROM, language), quality.find(_REAL[language], language)
        if written or real:
            yield language, written, real


def _short(score: Score | None) -> tuple[str, str, str, str]:
    """Return precision, recall, F1 with its interval, and the number of annotated items."""
    if score is None:
        return (_NOTHING,) * 4
    precision, recall, f1 = _figures(score)
    return precision.partition(" ")[0], recall.partition(" ")[0], f1 if score.n else _NOTHING, str(score.n)


def _thresholds(quality: Quality) -> Iterator[str]:
    if not quality.cards:
        return
    yield "## Thresholds and calibration"
    yield ""
    yield "An entity or triple is stated when its probability is over the threshold of its type or relation. The error"
    yield "of calibration is the mean distance between the probability that is stated and the share that is right."
    yield ""
    for language, card in sorted(quality.cards.items(), reverse=True):
        yield f"{_LANGUAGES.get(language, language)} (`{card.name}`):"
        yield ""
        yield f"- types: {_type_thresholds(card)}"
        yield f"- relations: {_relation_thresholds(card)}"
        for one in quality.probabilities:
            if one.language == language:
                errors = [calibration_error(reliability(items)) for items in (one.entities, one.triples)]
                numbers = (len(one.entities.scores), len(one.triples.scores))
                yield (
                    f"- error of calibration on `{one.name}`: entities {errors[0]:.3f} ({numbers[0]:,} stated), "
                    f"triples {errors[1]:.3f} ({numbers[1]:,} with any score)"
                )
        yield ""


def _type_thresholds(card: ModelCard) -> str:
    curve = Calibration(slope=card.type_calibration[0], offset=card.type_calibration[1])
    pairs = zip(card.types, card.type_thresholds, strict=True)
    return ", ".join(f"{name} {curve.probability(threshold):.2f}" for name, threshold in pairs)


def _relation_thresholds(card: ModelCard) -> str:
    stated = sorted({round(Calibration().probability(relation.threshold), 2) for relation in card.relations})
    slope, certain, gap, rivals = card.relation_calibration
    added = ", ".join(
        f"{relation.id} {relation.offset:+.1f}" for relation in sorted(card.relations, key=lambda relation: relation.id)
    )
    return (
        f"stated from a probability of {' or '.join(f'{p:.2f}' for p in stated)} on; its logit is {slope:.2f} times "
        f"the score, {certain:+.2f} times the lower score of both arguments, {gap:+.2f} times the logarithm of the "
        f"tokens between them, {rivals:+.2f} times that of the names of their types between them, and {added}"
    )


# --- errors -----------------------------------------------------------------------------------------------------------


def _errors(quality: Quality) -> Iterator[str]:
    found = [one for pair in _pairs(quality) for one in pair[1:] if one]
    if not found:
        return
    for part, kinds in (("entities", ENTITY_ERRORS), ("triples", TRIPLE_ERRORS)):
        yield f"## Errors over {part} by class"
        yield ""
        rows = []
        for kind in kinds:
            counts = [_scores(one, part).errors for one in found]
            rows.append([kind.replace("_", " "), *(_share(errors[kind], sum(errors.values())) for errors in counts)])
        yield from _table(("", *(f"`{one.name}` {one.language}, {one.reader}" for one in found)), rows)
        examples = [example for example in quality.examples if example.part == part]
        if examples:
            yield "One of each, from the shortest text of the written test that has it:"
            yield ""
            yield "```text"
            for example in sorted(examples, key=lambda one: (one.language != "zh", [*kinds].index(one.mistake.kind))):
                yield from _example(example)
            yield "```"
            yield ""


def _share(n: int, total: int) -> str:
    return f"{n:,} ({100 * n / total:.0f} %)" if total else "0"


def _example(example: ClassExample) -> Iterator[str]:
    mistake = example.mistake
    items = [item for item in (mistake.gold, mistake.predicted) if item]
    yield f"{mistake.kind.replace('_', ' '):<19}{' predicted as '.join(map(item_text, items))}"
    yield f"{'':<19}{visible(_excerpt(example.text, items))}".replace("```", "'''")


def _excerpt(text: str, items: Sequence[AnnotatedEntity | AnnotatedTriple]) -> str:
    """Return the part of a text that its items stand in, all of a short text."""
    if len(text) <= _SHORT_CHARS:
        return text
    places: list[tuple[int, int]] = []
    for item in items:
        if isinstance(item, AnnotatedEntity):
            places.append((item.start or 0, item.end or 0))
        else:
            places += [(text.find(name), text.find(name) + len(name)) for name in (item.head, item.tail)]
    low = max(0, min(start for start, _ in places) - _MARGIN_CHARS)
    high = max(end for _, end in places) + _MARGIN_CHARS
    return f"{'…' if low else ''}{text[low:high]}{'…' if high < len(text) else ''}"


# --- the rest ---------------------------------------------------------------------------------------------------------


def _judged(judged: JudgedFacts) -> Iterator[str]:
    n_right = judged.judged - len(judged.wrong)
    score = Score(n=judged.judged, n_predicted=judged.judged, n_correct=n_right)
    precision = _figure(score.precision, score.precision_interval)
    yield "## The graph of the examples, judged by hand"
    yield ""
    yield f"Every fact that `{_cell(judged.by)}` drew from `examples/` was read beside its document"
    yield f"({_cell(judged.date)}): {n_right:,} of {judged.judged:,} are what a careful reader would draw, a precision"
    yield f"of {precision} percent, with the Wilson interval."
    yield ""
    if judged.wrong:
        yield from _table(("document", "wrong", "why"), [[one.document, one.fact, one.reason] for one in judged.wrong])


def _sets(tests: Mapping[str, Sequence[Example]], quality: Quality) -> Iterator[str]:
    yield "## The sets"
    yield ""
    yield "Nothing was trained on them, nor on a near copy; on `written_unseen` not on a name in it either. Sentences"
    yield f"of sets other than `{EXAMPLES_FROM}` belong to somebody else and are not shown."
    if quality.left_out:
        yield f"Without anything that is annotated completely, and so not measured: {', '.join(quality.left_out)}."
    yield ""
    rows = []
    for name, examples in tests.items():
        hashes = hash_examples(examples)
        n_texts = f"{len(examples):,}"
        rows.append([f"`{name}`", n_texts, ", ".join(f"`{str(one['sha256'])[:12]}`" for one in hashes.values())])
    yield from _table(("set", "texts", "sha256 of texts and annotations"), rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _cell(text: str) -> str:
    """Return a text that stays in its cell."""
    return visible(text).replace("|", "\\|").replace("<", "&lt;")
