"""CPU milliseconds per document of 1,500 characters for each step of ingest: python -m bench.ingest."""

import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, cycle, islice
from pathlib import Path
from random import Random

from kgbuilder.errors import IngestError
from kgbuilder.ingest import chunk, count_tokens, detect_language, read, read_isolated, sentences
from kgbuilder.records import Document

_N_CHARS = 1_500
_N_DOCUMENTS = 300
_LONG_BYTES = 5 * 1024**2
_ZH = (
    "{0}，19{1:02d}年出生于江南的一个小镇，是一位工程师、作家。",
    "他早年就读于第{1}中学，后来考入省城的大学，主修机械；毕业后进入{0}研究所工作。",
    "“做一件事，就要做完。”他常对学生这样说。",
    "20{1:02d}年，{0}与两位同学一起创办了公司，注册资本为{1}.5万元，总部设在上海市浦东新区。\n",
    "公司的第一件产品是一台小型水泵（型号为P-{1}），卖得并不好……但是他没有放弃！\n\n",
    "此后十年，该公司先后在北京、深圳、成都设立了分公司，员工超过{1}00人。",
)
_EN = (
    "{0} was born in 19{1:02d} in a small town on the coast, and trained as an engineer under Dr. J. K. Hale. ",
    "After school no. {1} he went to the university of the county town, where he read mechanics and wrote a diary. ",
    '"Whatever you begin, finish it," he used to say to his students. ',
    "In 20{1:02d} {0} founded a company with two friends and {1}.5 million dollars, in the U.S. state of Ohio.\n",
    "Its first product was a small pump, which did not sell well, e.g. only {1} pieces in the first year!\n\n",
    "Ten years later Hale Pumps Inc. had branches in Boston, Denver and Seattle and more than {1}00 people. ",
)
_NAMES = {"zh": ("赵明", "钱江", "孙立", "周平"), "en": ("Arthur Bell", "Clara Dunn", "Edward Finch", "Grace Hill")}


def write_text(language: str, seed: int, n_chars: int = _N_CHARS) -> str:
    """Return a text of `n_chars` characters, another one for each seed."""
    draw = Random(seed)
    parts: list[str] = []
    length = 0
    for sentence in cycle(_ZH if language == "zh" else _EN):
        parts.append(sentence.format(draw.choice(_NAMES[language]), draw.randrange(10, 100)))
        length += len(parts[-1])
        if length >= n_chars:
            break
    return "".join(parts)[:n_chars]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        for language in ("zh", "en"):
            _measure_plain(Path(folder), language)
        _measure_formats(Path(folder))
        _measure_long()


def _measure_plain(folder: Path, language: str) -> None:
    paths = []
    for seed in range(_N_DOCUMENTS):
        paths.append(folder / f"{language}{seed}.txt")
        paths[-1].write_text(write_text(language, seed), "utf-8")
    documents = _read_all(paths)
    chunk(documents[0], max_tokens=50)  # loads spaCy
    print(f"{language}, {_N_CHARS} characters, {count_tokens(documents[0].text)} tokens, in CPU ms per document")
    _report("read txt", partial(_read_all, paths))
    _report("detect_language", lambda: [detect_language(document.text) for document in documents])
    _report("sentences", lambda: [sentences(document.text, document.language) for document in documents])
    for max_tokens in (1000, 500, 200):
        n_chunks = len(chunk(documents[0], max_tokens=max_tokens))
        work = partial(_chunk_all, documents, max_tokens)
        _report(f"chunk, {max_tokens} tokens ({n_chunks} chunks)", work)


def _measure_formats(folder: Path) -> None:
    import docx

    text = write_text("zh", 0)
    word = docx.Document()
    for paragraph in text.split("\n"):
        word.add_paragraph(paragraph)
    word.save(str(folder / "one.docx"))
    page = "".join(f"<p>{paragraph}</p>" for paragraph in text.split("\n"))
    (folder / "one.html").write_text(f"<html><title>T</title><body><article>{page}</article></body></html>", "utf-8")
    _write_pdf(folder / "one.pdf", text)
    print("one zh document of 1,500 characters, in CPU ms (in this process) and wall ms (isolated)")
    for name in ("one.docx", "one.html", "one.pdf"):
        path = folder / name
        list(read(path)), list(read_isolated(path))
        _report(f"read {name}", partial(_read_all, [path] * 20), n=20)
        start = time.perf_counter()
        for _ in range(20):
            list(read_isolated(path))
        print(f"  {'read_isolated ' + name + ', wall':34} {(time.perf_counter() - start) / 20 * 1e3:8.3f}")


def _write_pdf(path: Path, text: str) -> None:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle("zh", fontName="STSong-Light", fontSize=11, leading=16, wordWrap="CJK")
    SimpleDocTemplate(str(path)).build([Paragraph(paragraph, style) for paragraph in text.split("\n")])


def _measure_long() -> None:
    for language, n_chars in (("zh", _LONG_BYTES // 3), ("en", _LONG_BYTES)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "long.txt"
            path.write_text(write_text(language, 1, n_chars), "utf-8")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.process_time()
            n_chunks = sum(len(chunk(document)) for document in _read_all([path]))
            seconds = time.process_time() - start
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print(f"{language}, 5 MB: {seconds:.2f} CPU s, {n_chunks} chunks, peak memory +{more:.0f} MB")


def _read_all(paths: Sequence[Path]) -> list[Document]:
    documents = []
    for item in chain.from_iterable(map(read, paths)):
        if isinstance(item, IngestError):
            raise item
        documents.append(item)
    return documents


def _chunk_all(documents: Sequence[Document], max_tokens: int) -> None:
    for document in documents:
        chunk(document, max_tokens=max_tokens)


def _report(step: str, work: Callable[[], object], *, n: int = _N_DOCUMENTS) -> None:
    best = min(islice(_timings(work), 3))
    print(f"  {step:34} {best / n * 1e3:8.3f}")


def _timings(work: Callable[[], object]) -> Iterator[float]:
    while True:
        start = time.process_time()
        work()
        yield time.process_time() - start


if __name__ == "__main__":
    main()
