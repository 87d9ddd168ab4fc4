"""JSON in the ledger's text columns: what models say, lone surrogates (from `\\ud800` escapes) and all."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson

__all__ = ["dumps", "loads", "loads_readable"]


def dumps(value: object) -> str:
    """Write a JSON value or records; a lone surrogate is kept as its escape."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(value, default=_plain, ensure_ascii=True)


def loads(text: str) -> Any:
    """Read what `dumps` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def loads_readable(text: str) -> Any:
    """Read for people: lone surrogates, which no output can carry, become visible escapes."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _escaped(json.loads(text))


def _plain(item: object) -> object:
    return asdict(item) if is_dataclass(item) and not isinstance(item, type) else str(item)


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return {name: _escaped(item) for name, item in value.items()} if isinstance(value, dict) else value
