"""Is a query that a person typed read-only? Answered from its tokens, before any server sees it.

This is the guard in front. Behind it stand READ mode and EXPLAIN (Neo4j), a user without write rights (ArcadeDB), and a
transaction that is always rolled back (both). Where this tokenizer and a server's could disagree, it errs towards
seeing more words: a query that is refused by mistake can be written another way.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from kgbuilder.errors import QueryRefused

__all__ = ["check_read_only", "explains"]

_MAX_CHARS = 20_000

_TOKEN = re.compile(
    r"""
    (?P<gap>\s+ | //[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]* | /\*.*?\*/)
  | (?P<text>'(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*")
  | (?P<quoted>`(?:``|[^`])*`)
  | (?P<parameter>\$(?:[^\W\d]\w*|\d+|`(?:``|[^`])*`))
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\d+)
  | (?P<sign>::|\.\.|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_BEGINNINGS = {"MATCH", "OPTIONAL", "RETURN", "WITH", "UNWIND", "CALL", "SHOW", "EXPLAIN"}
_WRITES = {
    *("CREATE", "INSERT", "MERGE", "SET", "DELETE", "DETACH", "NODETACH", "REMOVE", "FOREACH", "DROP", "LOAD"),
    *("TRANSACTION", "TRANSACTIONS", "USE", "PROFILE", "CYPHER"),
    *("ALTER", "GRANT", "DENY", "REVOKE", "RENAME", "TERMINATE", "ENABLE", "DRYRUN", "DEALLOCATE", "REALLOCATE"),
}
_ADMIN_BEFORE_DATABASE = {"START", "STOP"}
_HINTS = {"INDEX", "TEXT", "RANGE", "POINT", "SCAN", "JOIN"}
_SHOWN = {"INDEX", "INDEXES", "CONSTRAINT", "CONSTRAINTS"}
_PROCEDURES = {
    "db.labels",
    "db.relationshiptypes",
    "db.propertykeys",
    "db.schema.visualization",
    "db.schema.nodetypeproperties",
    "db.schema.reltypeproperties",
    "db.index.fulltext.querynodes",
    "db.index.fulltext.queryrelationships",
    "db.index.vector.querynodes",
    "db.index.vector.queryrelationships",
}
_NAMESPACES = {"date", "datetime", "duration", "localdatetime", "localtime", "time", "point", "vector.similarity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str
    word: str  # folded to capitals; "" for everything but a bare word
    line: int


def check_read_only(cypher: str) -> None:
    """Refuse a query that could write, change the schema, read files, or reach beyond the graph.

    Raises QueryRefused that names the word, its line, and what to do.
    """
    if len(cypher) > _MAX_CHARS:
        _refuse(
            f"the query has {len(cypher)} characters; {_MAX_CHARS} are allowed", 1, "pass long values as parameters"
        )
    if found := re.search(r"\\[uU]", cypher):
        line = cypher.count("\n", 0, found.start()) + 1
        _refuse("escapes like \\u0041 are not allowed", line, "write the character itself, or pass it as a parameter")
    if found := re.search(r"[\x00-\x08\x0e-\x1b\x7f]", cypher):
        _refuse("control characters are not allowed", cypher.count("\n", 0, found.start()) + 1, "remove them")
    tokens = list(_tokens(cypher))
    if not tokens:
        _refuse("there is no query", 1, "write one, such as MATCH (n) RETURN n LIMIT 10")
    for n, token in enumerate(tokens):
        _check_token(tokens, n, token)
    if tokens[0].word not in _BEGINNINGS:
        _refuse(f"a query cannot begin with {tokens[0].text}", 1, f"begin with {', '.join(sorted(_BEGINNINGS))}")


def explains(cypher: str) -> bool:
    """Return whether a query only asks for its plan."""
    first = next(_tokens(cypher), None)
    return first is not None and first.word == "EXPLAIN"


def _tokens(cypher: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(cypher):
        kind, text = match.lastgroup or "", match.group()
        if kind != "gap":
            word = text.casefold().upper() if kind == "word" else ""
            yield _Token(kind=kind, text=text, word=word, line=line)
        line += text.count("\n")


def _check_token(tokens: Sequence[_Token], n: int, token: _Token) -> None:
    if token.kind == "sign":
        _check_sign(tokens, n, token)
    elif token.kind == "word" and not _is_name(tokens, n):
        _check_word(tokens, n, token)
    elif token.kind == "number" and _text(tokens, n + 1) == "." and _kind(tokens, n + 2) == "word":
        _refuse(f"a number with a loose point: {token.text}.", token.line, f"write {token.text}.0")


def _check_sign(tokens: Sequence[_Token], n: int, token: _Token) -> None:
    if token.text in "'\"`":
        _refuse("a quotation mark without its end", token.line, "close it")
    if token.text == "/" and _text(tokens, n + 1) == "*":
        _refuse("a comment without its end", token.line, "close it with */")
    if token.text == ";" and n + 1 < len(tokens):
        _refuse("more than one statement", token.line, "run one at a time")
    if token.text == "(" and n:
        _check_function(tokens, n, token)


def _check_function(tokens: Sequence[_Token], n: int, token: _Token) -> None:
    """Allow functions of the language, and of its own namespaces; extensions can run Cypher or open connections."""
    *namespace, name = _dotted_before(tokens, n)
    if namespace and ".".join(namespace).lower() not in _NAMESPACES and not _follows_call(tokens, n, len(namespace)):
        full = ".".join([*namespace, name])
        _refuse(f"the function {full} is not allowed", token.line, "use the functions of Cypher itself")


def _dotted_before(tokens: Sequence[_Token], n: int) -> list[str]:
    """Return the parts of the name that ends right before token `n`, [""] without one."""
    parts = [tokens[n - 1].text] if tokens[n - 1].kind in ("word", "quoted") else [""]
    n -= 2
    while parts[0] and n > 0 and tokens[n].text == "." and tokens[n - 1].kind in ("word", "quoted"):
        parts.insert(0, tokens[n - 1].text)
        n -= 2
    return parts


def _follows_call(tokens: Sequence[_Token], n: int, n_namespaces: int) -> bool:
    before = n - 2 * n_namespaces - 2
    return before >= 0 and tokens[before].word == "CALL"


def _check_word(tokens: Sequence[_Token], n: int, token: _Token) -> None:
    following = tokens[n + 1].word if n + 1 < len(tokens) else ""
    if token.word in _WRITES or (token.word in _ADMIN_BEFORE_DATABASE and following == "DATABASE"):
        remedy = "only reading is possible here; a name spelled like this goes in `backticks`"
        _refuse(f"{token.word} is not allowed", token.line, remedy)
    if token.word == "USING" and following not in _HINTS:
        _refuse("USING is allowed for hints only", token.line, "use USING INDEX, SCAN or JOIN")
    if token.word == "SHOW" and following not in _SHOWN:
        _refuse("SHOW is allowed for INDEXES and CONSTRAINTS only", token.line, "use SHOW INDEXES")
    if token.word == "CALL" and _text(tokens, n + 1) not in ("{", "("):
        name = _procedure(tokens, n + 1)
        if name.lower() not in _PROCEDURES:
            allowed = ", ".join(sorted(p for p in _PROCEDURES if p.count(".") == 1))
            _refuse(
                f"the procedure {name or '?'} is not allowed", token.line, f"allowed are {allowed} and index search"
            )


def _procedure(tokens: Sequence[_Token], n: int) -> str:
    parts = []
    while _kind(tokens, n) in ("word", "quoted"):
        parts.append(tokens[n].text)
        if _text(tokens, n + 1) != ".":
            break
        n += 2
    return ".".join(parts)


def _is_name(tokens: Sequence[_Token], n: int) -> bool:
    """Return whether a word is a label, relationship type or property, whatever it is spelled like."""
    before = tokens[n - 1].text if n else ""
    if before == ":":
        return tokens[n].word != "CALL"
    # After a number, a point may belong to the number and the word begins a clause.
    return (
        before == "."
        and n > 1
        and (tokens[n - 2].kind in ("word", "quoted", "parameter") or tokens[n - 2].text in ")]}")
    )


def _text(tokens: Sequence[_Token], n: int) -> str:
    return tokens[n].text if 0 <= n < len(tokens) else ""


def _kind(tokens: Sequence[_Token], n: int) -> str:
    return tokens[n].kind if 0 <= n < len(tokens) else ""


def _refuse(what: str, line: int, remedy: str) -> NoReturn:
    raise QueryRefused(what, where=f"line {line} of the query", remedy=remedy)
