"""Find names in Chinese text: what is known by heart, and what looks like a name from its ending and its neighbours."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from kgbuilder.extract.lexicon.forms import Forms
from kgbuilder.extract.lexicon.gazetteer import Gazetteer, Hit
from kgbuilder.extract.lexicon.segment import Segmenter, Word
from kgbuilder.extract.lexicon.span import Room, Span, span
from kgbuilder.extract.lexicon.values import find_numbers_zh, find_times_zh

__all__ = ["ChineseNames"]

_TITLE = re.compile(r"[《〈]([^《》〈〉\n]{1,40})[》〉]")
_PIECE = re.compile(r"[^，。；：、！？《》〈〉“”‘’（）()「」『』【】\[\]*#|_~<>\s,;:!?·]+")
_FOREIGN_DOT = re.compile(r"[·・•]")
_HAN_NAME = re.compile(r"[\u4e00-\u9fff]+")
_LATIN = re.compile(r"[A-Za-z0-9]")
_NAME_TAGS = frozenset({"ns", "nr", "nrt", "nrfg", "nz", "nt", "j"})
_STOP_TAGS = frozenset(
    {"v", "p", "c", "d", "r", "u", "uj", "ul", "uz", "ug", "y", "vi", "vd", "vg", "zg_stop", "ad", "o"}
)
_RARE = 40
_MAX_LEFT = 22
_MIN_POINTS = 4
_COMMON_WORD = 300
_RARE_CHAR = 1000
_SCHOLAR = re.compile("学家")
_WORD_SIGN = re.compile(r"[\w《]")
_YEAR = re.compile(r"\d{4}年")
_PLACE_ENDS = frozenset("人，。、；）")
_NO_FOREIGN_END = "于因和与在为至被"


class ChineseNames:
    """The recogniser of names in Chinese text."""

    def __init__(self, forms: Forms, gazetteer: Gazetteer, segmenter: Segmenter) -> None:
        self._gazetteer = gazetteer
        self._segmenter = segmenter
        lists = forms.lists
        self._boundaries = lists["boundaries"]
        self._inner = lists["inner"]
        self._leading = lists["leading"]
        self._general = lists["general"]
        self._after_names = lists["after_names"]
        self._labels = tuple(
            (kind, re.compile(f"(?:{'|'.join(sorted(lists[name]))})[：:为]\\s?([^\\s，。；：、（）()®™]{{2,12}})"))
            for kind, name in (("PRODUCT.drug", "labelled_drug"), ("PRODUCT", "labelled_product"))
        )
        self._office = re.compile(
            f"的?([^\\W\\d_a-zA-Z的]{{2,6}}?(?:{'|'.join(sorted(lists['offices'], key=len, reverse=True))}))"
        )
        self._newspapers = tuple(lists["newspapers"])
        self._surnames = frozenset("".join(lists["surnames"]))
        self._odd_surnames = frozenset("".join(lists["odd_surnames"]))
        self._compound_surnames = lists["compound_surnames"]
        self._given = frozenset("".join(lists["given"]))
        self._foreign = frozenset("".join(lists["foreign"]))
        self._foreign_run = re.compile(f"[{''.join(sorted(self._foreign))}]{{3,}}")
        self._foreign_rest = self._foreign - frozenset("".join(lists["next_words"])) - {""}
        self._before = _by_edge(forms.cues["before_person"], -1)
        self._behind = _by_edge(forms.cues["behind_person"], 0)
        self._before_pairs = frozenset(cue for cue in forms.cues["before_person"] if len(cue) == 2)
        self._next_words = frozenset("".join(lists["next_words"]))
        self._person_stops = frozenset("".join(lists["person_stops"]))
        unlikely = "".join(sorted(segmenter.common_characters(10 * _RARE_CHAR) - self._given))
        surnames = "|".join(sorted(self._compound_surnames)) + f"|[{''.join(sorted(self._surnames))}]"
        self._surname = re.compile(f"(?:{surnames})(?=[\\u4e00-\\u9fff])(?![{unlikely}])")

    def find(self, text: str) -> list[Span]:
        """Return the names, dates and quantities of `text` in order; none overlaps another."""
        work = _Work(text, self._gazetteer.find(text), self._segmenter)
        for found in self._titles(text):
            work.room.take(found)
        for found in work.own_names():
            work.room.take(found)
        for found in find_times_zh(text):
            work.room.take(found)
        self._take_ending_names(work, "EVENT", 0.8)
        self._take_ending_names(work, "ORG", 0.85)
        for found in self._labelled(work):
            work.room.take(found)
        self._take_known(work, ("ORG", "PRODUCT"))
        self._take_ending_names(work, "PRODUCT.drug", 0.75)
        self._take_ending_names(work, "ORG.weak", 0.7)
        for found in find_numbers_zh(text):
            work.room.take(found)
        self._take_places(work)
        for found in self._foreign_names(work):
            work.room.take(found)
        for found in self._listed_foreign_names(work):
            work.room.take(found)
        self._take_offices(work)
        self._take_known(work, ("TERM",))
        self._take_scholars(work)
        self._take_people(work)
        return work.room.sorted()

    def _titles(self, text: str) -> Iterator[Span]:
        for match in _TITLE.finditer(text):
            name = match[1].strip()
            if not name:
                continue
            start = match.start(1) + match[1].index(name)
            kind = "ORG.media" if name.endswith(self._newspapers) and len(name) > 2 else "WORK"
            yield Span(start=start, end=start + len(name), kind=kind, score=0.9, outer=match.span())

    def _labelled(self, work: "_Work") -> Iterator[Span]:
        """Yield what a label names, wherever it stands: 商品名称：澜宁."""
        for kind, expression in self._labels:
            for match in expression.finditer(work.text):
                for start in _places(work.text, match[1]):
                    yield span(start, start + len(match[1]), kind, 0.85)

    def _take_offices(self, work: "_Work") -> None:
        """Take an office with its department behind an organisation: 澜江大学|艺术系主任."""
        for found in work.room.sorted():
            match = self._office.match(work.text, found.end) if found.label == "ORG" else None
            if match is not None:
                work.room.take(span(*match.span(1), "TERM.office", 0.8))

    def _take_scholars(self, work: "_Work") -> None:
        """Take scholars by their science: 水文学家."""
        for match in _SCHOLAR.finditer(work.text):
            for size in (3, 2, 1):
                start = match.start() - size
                if start >= 0 and self._segmenter.frequency(work.text[start : match.start()] + "学"):
                    work.room.take(span(start, match.end(), "TERM.occupation", 0.8))
                    break

    def _take_known(self, work: "_Work", labels: tuple[str, ...]) -> None:
        for start, end, kind in work.hits:
            if kind.startswith(labels) and self._is_whole(work, start, end, kind):
                work.room.take(span(start, end, kind, 0.9))

    def _is_whole(self, work: "_Work", start: int, end: int, kind: str) -> bool:
        """Say whether a known name is not the middle of a longer dictionary word."""
        if self._goes_on(work.text, end):
            return False
        if end - start > 2 or kind.startswith("TERM"):
            return True
        text, frequency = work.text, self._segmenter.frequency
        own = frequency(text[start:end])
        around = (text[start - 1 : end] if start else "", text[start : end + 1], text[end - 1 : end + 1])
        return not any(len(word) > 1 and frequency(word) > max(own, _COMMON_WORD) for word in around[:2])

    def _goes_on(self, text: str, end: int) -> bool:
        """Say whether the last character begins a common word that reaches over `end`: 学校|长, 中海油|田."""
        return end < len(text) and self._segmenter.frequency(text[end - 1 : end + 1]) > _COMMON_WORD

    def _meets_noun(self, work: "_Work", end: int) -> bool:
        """Say whether a noun follows that makes what ends at `end` the beginning of a longer name: 渤海|轮渡."""
        word = work.text[end : end + 2]
        if len(word) < 2 or not _HAN_NAME.fullmatch(word) or word in self._after_names or word[0] in self._after_names:
            return False
        if end in work.hit_starts:
            return False
        tag = self._segmenter.tag(word)
        return (
            tag[:1] in ("n", "j", "b", "l")
            or tag == "vn"
            or (not tag and self._segmenter.tag(word[0])[:1] not in ("v", "p", "d", "c", "r", "u", "f", "m"))
        )

    def _take_ending_names(self, work: "_Work", kind: str, score: float) -> None:
        """Take what ends like a name of `kind`; of endings that overlap the longest name wins."""
        for start, end in self._ending_names(work, kind):
            work.room.take(span(start, end, kind, score))

    def _ending_names(self, work: "_Work", kind: str) -> list[tuple[int, int]]:
        """Return the names that end like `kind`, the longest first; the longest ending that makes a name decides."""
        found: dict[int, tuple[int, int]] = {}
        for ending, end in work.endings(kind):
            if end not in found and (name := self._name_ending(work, ending, end, kind)):
                found[end] = name
        return sorted(found.values(), key=lambda item: (item[0] - item[1], item[0]))

    def _name_ending(self, work: "_Work", ending: int, end: int, kind: str) -> tuple[int, int] | None:
        """Extend the ending at `ending` to the left over what may belong to a name, or return None."""
        weak = kind.endswith(("weak", "one", "drug"))
        if weak and (self._goes_on(work.text, end) or self._meets_noun(work, end)):
            return None
        left = work.left_limit(ending, _MAX_LEFT)
        words = work.words_between(left, ending, end)
        if words is None:
            return None
        kept: list[Word] = []
        for word in reversed(words):
            if not self._may_be_inside(work.text, word, weak):
                break
            kept.insert(0, word)
        while kept and self._is_leading(work.text, kept[0]):
            kept.pop(0)
        if kept and kind.endswith("drug") and work.text[kept[0][0]].isdigit():
            return None
        if not kept or not self._is_name_like(work.text, kept, weak):
            return None
        start = self._with_year(work, kept[0][0]) if kind == "EVENT" else kept[0][0]
        if (
            self._segmenter.frequency(work.text[start:end])
            and self._segmenter.tag(work.text[start:end]) not in _NAME_TAGS
        ):
            return None
        too_long = 10 if weak else 30
        return (start, end) if 2 <= ending - start <= too_long and work.room.is_free(start, end) else None

    def _with_year(self, work: "_Work", start: int) -> int:
        """Take the year before an event into its name: 2008年北京奥运会."""
        year = work.ending_at(start)
        if year is None or year.kind != "TIME" or not _YEAR.fullmatch(work.text, year.start, year.end):
            return start
        work.room.release(year)
        return year.start

    def _may_be_inside(self, text: str, word: Word, weak: bool) -> bool:
        start, end, tag = word
        surface = text[start:end]
        if surface in self._boundaries:
            return False
        if surface in self._inner or tag in _NAME_TAGS:
            return True
        if tag in _STOP_TAGS and not (end - start == 1 and tag in ("v", "vg", "d", "zg")):
            return False
        return not (weak and end - start > 2 and tag in ("n", "l", "i"))

    def _is_leading(self, text: str, word: Word) -> bool:
        surface = text[word[0] : word[1]]
        return (
            surface in self._leading
            or surface in self._boundaries
            or (word[2] in ("m", "q", "f", "mq") and surface[0] != "第" and not surface[0].isdigit())
        )

    def _is_name_like(self, text: str, words: Sequence[Word], weak: bool) -> bool:
        """Say whether some word is no everyday word: a place, a brand of single characters, a rare word."""
        singles = 0
        for start, end, tag in words:
            surface = text[start:end]
            if surface in self._general:
                continue
            if tag in ("ns", "nt", "nrt", "nrfg") or _LATIN.search(surface) or surface[0] == "第":
                return True
            if end - start == 1:
                singles += 1
            elif (
                tag in _NAME_TAGS
                or self._segmenter.frequency(surface) < _RARE
                or (not weak and self._segmenter.frequency(surface) < 10 * _RARE)
            ):
                return True
        return singles >= 2

    def _take_places(self, work: "_Work") -> None:
        places = [
            hit
            for hit in work.hits
            if hit[2].startswith("LOC") and self._is_whole(work, *hit) and not self._meets_noun(work, hit[1])
        ]
        spans = [
            item
            for ending in ("LOC", "LOC.one")
            for item in self._ending_names(work, ending)
            if not self._is_person_place(work, item[1])
        ]
        found = [(s, e, "LOC.place") for s, e in spans if e - s <= 14] + places
        for start, end, kind in sorted(found, key=lambda item: (item[0] - item[1], item[0])):
            work.room.take(span(start, end, kind, 0.85))
        self._join_places(work)

    def _is_person_place(self, work: "_Work", end: int) -> bool:
        """Say whether what ends like a place is the name of a person behind a cue: 创办人陆观海."""
        for start in (end - 3, end - 2):
            if start > 0 and work.text[start] in self._surnames and self._points_before(work, start) == 3:
                return self._person_points(work, start, start + 1, end) >= _MIN_POINTS
        return False

    def _person_points(self, work: "_Work", start: int, given: int, end: int) -> int:
        points = self._points_before(work, start) + self._points_behind(work, end)
        return points + self._points_inside(work.text, start, given, end)

    def _join_places(self, work: "_Work") -> None:
        """Join province and city, and read a dictionary place behind a province as part of it: 浙江绍兴, 安徽歙县."""
        for item in [found for found in work.room.sorted() if found.label == "LOC"]:
            if work.room.by_start.get(item.start) is not item:
                continue
            end = self._place_chain(work, item)
            if end > item.end:
                for inner in [found for found in work.room.spans if item.start <= found.start < end]:
                    work.room.release(inner)
                work.room.take(span(item.start, end, "LOC.place", item.score))

    def _place_chain(self, work: "_Work", item: Span) -> int:
        end = item.end
        if item.kind == "LOC.country":
            return self._place_behind(work, end)
        is_inland = item.kind == "LOC.province" or work.text[item.end - 1] in "省市州县区"
        while True:
            following = work.starting_at(end)
            if (
                following is not None
                and following.label == "LOC"
                and (is_inland or following.kind == "LOC.place")
                and following.kind != "LOC.country"
            ):
                end = following.end
                continue
            if not is_inland or (further := self._place_behind(work, end)) == end:
                return end
            end = further

    def _place_behind(self, work: "_Work", end: int) -> int:
        """Return the end of the place that follows at `end` without being known by heart: 安徽|怀宁人, 瑞典|哥德堡。"""
        known = work.starting_at(end)
        if known is not None and known.kind == "LOC.place":
            return known.end
        for size in (4, 3, 2):
            word, behind = work.text[end : end + size], work.text[end + size : end + size + 1]
            if len(word) < size or not work.room.is_free(end, end + size) or not _HAN_NAME.fullmatch(word):
                continue
            if self._segmenter.tag(word) == "ns" and self._segmenter.frequency(word) < _COMMON_WORD:
                return end + size
            if behind in _PLACE_ENDS and self._is_unknown_name(word):
                return end + size
        return end

    def _is_unknown_name(self, word: str) -> bool:
        """Say whether no part of two characters of `word` is an everyday word."""
        parts = (word[at : at + 2] for at in range(len(word) - 1))
        return all(self._segmenter.frequency(part) < _RARE for part in parts) and word[0] not in self._next_words

    def _foreign_names(self, work: "_Work") -> Iterator[Span]:
        """Yield names with a middle dot: 亚历山大·弗莱明."""
        text, last = work.text, 0
        for dot in _FOREIGN_DOT.finditer(text):
            if dot.start() < last:
                continue
            start = self._foreign_start(work, dot.start())
            end = self._foreign_end(text, dot.end())
            if start < dot.start() and end > dot.end():
                last = end
                yield span(start, end, "PER", 0.85)

    def _listed_foreign_names(self, work: "_Work") -> Iterator[Span]:
        """Yield foreign names of the dictionary where a person may stand: 拿破仑."""
        for run in self._foreign_run.finditer(work.text):
            at = run.start()
            while at <= run.end() - 3:
                sizes = (
                    size for size in (5, 4, 3) if self._segmenter.tag(run.string[at : at + size]) in ("nrt", "nrfg")
                )
                size = next(sizes, 0)
                if size and self._may_be_person(work, at, at + size):
                    yield span(at, at + size, "PER", 0.75)
                at += max(size, 1)

    def _may_be_person(self, work: "_Work", start: int, end: int) -> bool:
        if not work.room.is_free(start, end) or self._goes_on(work.text, end) or self._meets_noun(work, end):
            return False
        return self._points_before(work, start) + self._points_behind(work, end) >= _MIN_POINTS - 1

    def _foreign_start(self, work: "_Work", at: int) -> int:
        start = at
        ends = {e for _, e, kind in work.hits if kind.startswith(("TERM", "LOC"))}
        while (
            start > 0
            and at - start < 8
            and work.text[start - 1] in self._foreign
            and work.room.is_free(start - 1, start)
        ):
            if start < at and (start in ends or work.text[max(0, start - 2) : start] in self._before_pairs):
                break
            start -= 1
        return start

    def _foreign_end(self, text: str, at: int) -> int:
        end = at
        while end < len(text):
            if text[end] in self._foreign and text[end] not in "和与" and end - at < 8:
                if end > at + 1 and text.startswith(("博士", "教授", "夫妇", "合著", "公司", "基金", "等人"), end):
                    break
                end += 1
            elif text[end] in "·・•-" and end + 1 < len(text) and text[end + 1] in self._foreign:
                at, end = end + 1, end + 1
            else:
                break
        last = text[end - 1 : end + 1]
        if (
            end - at > 1
            and _WORD_SIGN.match(text, end)
            and (last[0] in _NO_FOREIGN_END or self._segmenter.tag(last)[:1] == "v")
        ):
            end -= 1
        return end

    def _take_people(self, work: "_Work") -> None:
        candidates = [item for match in self._surname.finditer(work.text) if (item := self._person_at(work, match))]
        names: dict[str, float] = {}
        for points, start, end in sorted(candidates, key=lambda item: (-item[0], item[1])):
            if work.room.take(span(start, end, "PER", 0.9 if points > _MIN_POINTS else 0.75)):
                names[work.text[start:end]] = 0.85
        for name in sorted(names, key=len, reverse=True):
            for start in _places(work.text, name):
                work.room.take(span(start, start + len(name), "PER", names[name]))

    def _person_at(self, work: "_Work", surname: re.Match[str]) -> tuple[int, int, int] | None:
        """Weigh the names that begin with the surname found; return the points, start and end of the best one."""
        start, given = surname.span()
        if not work.room.is_free(start, given):
            return None
        before = self._points_before(work, start)
        if before < 1:
            return None
        wanted = _MIN_POINTS + 2 if surname[0] in self._odd_surnames else _MIN_POINTS
        best: tuple[int, int, int] | None = None
        for size in (2, 1):
            end = given + size
            name = work.text[start:end]
            if len(name) != end - start or not _HAN_NAME.fullmatch(name) or not work.room.is_free(start, end):
                continue
            points = before + self._points_behind(work, end) + self._points_inside(work.text, start, given, end)
            if points >= wanted and (best is None or points > best[0]):
                best = (points, start, end)
        return best

    def _points_before(self, work: "_Work", start: int) -> int:
        if start == 0 or work.text[start - 1] in "\n\u3000 \t":
            return 2
        previous = work.ending_at(start)
        if previous is not None:
            role = previous.kind.startswith(("TERM.leader", "TERM.office", "TERM.occupation"))
            return 3 if role else 1
        for cue, points in self._before.get(work.text[start - 1], ()):
            if work.text.endswith(cue, 0, start):
                return points
        return int(start > 1 and self._segmenter.tag(work.text[start - 2 : start])[:1] in ("n", "v"))

    def _points_behind(self, work: "_Work", end: int) -> int:
        if end >= len(work.text) or work.text[end] in "\n\u3000 \t":
            return 2
        following = work.starting_at(end)
        if following is not None:
            return 2 if following.kind.startswith(("TIME", "TERM.leader", "TERM.office", "WORK")) else 1
        cue = next((n for cue, n in self._behind.get(work.text[end], ()) if work.text.startswith(cue, end)), 0)
        return max(
            cue, 2 if self._segmenter.tag(work.text[end : end + 2])[:1] in ("v", "d", "p", "c", "t", "r", "m") else 0
        )

    def _points_inside(self, text: str, start: int, given: int, end: int) -> int:
        """Weigh how much the characters look like a name and not like an everyday word."""
        name, frequency = text[start:end], self._segmenter.frequency
        if name[-1] in self._person_stops and len(name) < 3:
            return -9
        is_person = self._segmenter.tag(name) in ("nr", "nrfg") and len(name) == 3
        if frequency(name) and not is_person:
            return -9 if frequency(name) > 60 or self._segmenter.tag(name) not in ("nr", "nrfg") else -1
        points = 1 if is_person else 0
        likely = [char in self._given or frequency(char) < _RARE_CHAR for char in text[given:end]]
        points += sum(1 if good else -1 for good in likely) - len(likely) + 1
        if start > 1 and frequency(text[start - 2 : start + 1]) > _COMMON_WORD:
            points -= 3
        if (
            len(name) == 3
            and frequency(name[:2]) > _COMMON_WORD
            and self._segmenter.tag(name[:2]) not in ("nr", "nrfg")
        ):
            points -= 3
        if len(name) == 3 and frequency(name[1:]) > _COMMON_WORD:
            points -= 1
        if start and frequency(text[start - 1 : start + 1]) > _COMMON_WORD and text[start - 1] not in "由与和是":
            points -= 2
        if text[end : end + 1] in self._foreign_rest and sum(char in self._foreign for char in name) >= len(name) - 1:
            points -= 3
        if name[-1] in self._next_words and end - given > 1:
            points -= 2
        if end < len(text) and frequency(text[end - 1 : end + 1]) > _COMMON_WORD and end - given > 1:
            points -= 2
        return points


class _Work:
    """What is known of one text while its names are being found."""

    def __init__(self, text: str, hits: list[Hit], segmenter: Segmenter) -> None:
        self.text = text
        self.room = Room(len(text))
        self.hits = [hit for hit in hits if hit[2][0] not in "+!"]
        self.hit_starts = {hit[0] for hit in self.hits}
        self._own = [hit for hit in hits if hit[2][0] == "!"]
        self._endings = [hit for hit in hits if hit[2][0] == "+"]
        self._segmenter = segmenter
        self._words: dict[int, list[Word]] = {}
        self._pieces = [match.span() for match in _PIECE.finditer(text)]
        self._starts = [start for start, _ in self._pieces]

    def own_names(self) -> Iterator[Span]:
        """Yield the names of the user's own lists and patterns, longest first."""
        for start, end, kind in sorted(self._own, key=lambda hit: (hit[0] - hit[1], hit[0])):
            yield span(start, end, kind.lstrip("!"), 0.95)

    def endings(self, kind: str) -> list[tuple[int, int]]:
        """Return the places where an ending of `kind` stands, of those with one end the longest first."""
        return [(start, end) for start, end, found in self._endings if found == f"+{kind}"]

    def left_limit(self, at: int, n_chars: int) -> int:
        """Return how far left of `at` a name may reach: punctuation, or a span that is taken."""
        index = bisect_right(self._starts, at - 1) - 1
        if index < 0 or self._pieces[index][1] < at:
            return at
        start, limit = at, max(self._pieces[index][0], at - n_chars)
        while start > limit and self.room.is_free(start - 1, start):
            start -= 1
        return start

    def words_between(self, start: int, end: int, limit: int) -> list[Word] | None:
        """Return the dictionary words of the piece around, from `start` to `end`.

        None when a word reaches over `end` without reaching `limit` (大学|校), or over `limit` (地震|局).
        """
        index = bisect_right(self._starts, start) - 1
        if index < 0 or start >= end:
            return None
        words = self._words.get(index)
        if words is None:
            words = self._words[index] = self._segmenter.cut(self.text, *self._pieces[index])
        first = bisect_left(words, (start, 0, ""))
        chosen: list[Word] = []
        for word in words[first:]:
            if word[0] < limit < word[1] or word[0] < end < word[1] < limit:
                return None
            if word[0] < end:
                chosen.append((word[0], min(word[1], end), word[2]))
            elif word[0] >= limit:
                break
        return chosen

    def ending_at(self, at: int) -> Span | None:
        return self.room.by_end.get(at)

    def starting_at(self, at: int) -> Span | None:
        return self.room.by_start.get(at)


def _by_edge(cues: Mapping[str, int], edge: int) -> dict[str, list[tuple[str, int]]]:
    """Return the cues by their first (0) or last (-1) character, the one that says most first."""
    table: dict[str, list[tuple[str, int]]] = {}
    for cue, points in sorted(cues.items(), key=lambda item: (-item[1], item[0])):
        table.setdefault(cue[edge], []).append((cue, points))
    return table


def _places(text: str, name: str) -> Iterator[int]:
    at = text.find(name)
    while at >= 0:
        yield at
        at = text.find(name, at + len(name))
