"""Ask an OpenAI-compatible server: retries, back-off, and a bound on how many requests run at once."""

import asyncio
import logging
import random
import time
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import aiohttp
import orjson

from kgbuilder.errors import ModelError
from kgbuilder.extract.reply import (
    MAX_REPLY_BYTES,
    Api,
    Completion,
    StreamedReply,
    UnansweredError,
    read_completion,
    storable,
    too_long,
)
from kgbuilder.extract.slots import Slots, backoff_s, retry_after_s

__all__ = ["Endpoint", "ModelClient", "Structured", "Timeouts"]

Structured = Literal["auto", "json_schema", "off"]

_START_S: Final = 9.0
"""How long to try for a first connection: a server that is not there is reported within ten seconds."""
_FIRST_CONNECT_S: Final = 4.0
_MAX_FIRST_WAIT_S: Final = 1.0
_MANY: Final = 8
"""Prompts in a row that are lost in the same way before the server is given up."""
_MAX_SHOWN_CHARS: Final = 300
_MAX_ERROR_BYTES: Final = 64_000
_OVERLOADED: Final = frozenset({429, 503})
_RETRYABLE: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524, 529})
_REFUSED: Final = frozenset({400, 422, 501})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to connect, for a whole answer, and between two parts of a streamed answer."""

    connect: float = 5.0
    total: float = 300.0
    stall: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how to ask. `url` is the full address of the API; `key` is sent, and shown nowhere."""

    url: str
    model: str
    api: Api = "chat"
    key: str | None = field(default=None, repr=False)
    key_env: str | None = None
    stream: bool = False
    structured: Structured = "auto"
    temperature: float = 0.0
    max_tokens: int = 4096
    seed: int | None = None
    logprobs: bool = False
    stop: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    max_retries: int = 5
    backoff_s: float = 0.5
    concurrency: int = 64


class ModelClient:
    """A client for one event loop. Its session opens with the first prompt."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.slots = Slots(endpoint.concurrency)
        self._endpoint = endpoint
        # Nothing but the waits between tries depends on it.
        self._dice = random.Random(0)
        self._session: aiohttp.ClientSession | None = None
        self._fields = _fixed_fields(endpoint)
        self._timeout = _timeout(endpoint, endpoint.timeouts.connect)
        self._first_timeout = _timeout(endpoint, min(endpoint.timeouts.connect, _FIRST_CONNECT_S))
        self._first_try_at: float | None = None
        self._is_connected = False
        self._has_answered = False
        self._n_lost_in_a_row = 0
        self._schema_works: bool | None = {"auto": None, "json_schema": True, "off": False}[endpoint.structured]

    async def complete(self, prompt: str, *, schema: bytes | None = None) -> Completion:
        """Ask until there is an answer or the retries are used up; `schema` is JSON that the answer should follow.

        Raises:
            UnansweredError: no answer to this prompt.
            ModelError: no answer to any prompt can be had: no server, wrong key, unknown model.
        """
        prompt = storable(prompt)
        is_free = schema is None or self._schema_works is False
        n_faults = n_overloads = 0
        while True:
            try:
                completion = await self._ask_in_slot(prompt, None if is_free else schema)
            except UnansweredError as fault:
                if fault.status in _REFUSED and not is_free and self._schema_works is None:
                    # Perhaps the server cannot follow a schema; if that is not it, the same fault comes again.
                    is_free = True
                    continue
                self._raise_if_hopeless(fault)
                n_overloads += fault.status in _OVERLOADED
                n_faults += fault.status not in _OVERLOADED
                if not fault.is_retryable or (max(n_faults, n_overloads) > self._endpoint.max_retries):
                    self._count_lost(fault)
                    raise
                wait_s = self._wait_s(fault, n_faults + n_overloads)
            else:
                self._note_answer(is_free=is_free, has_schema=schema is not None)
                return completion if is_free else replace(completion, decode="json_schema")
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Close the session; the next prompt opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask_in_slot(self, prompt: str, schema: bytes | None) -> Completion:
        round_ = await self.slots.take()
        try:
            completion = await self._ask(prompt, schema)
        except UnansweredError as fault:
            if fault.status in _OVERLOADED:
                self.slots.note_overload(round_)
            raise
        else:
            self.slots.note_answer()
            return completion
        finally:
            self.slots.give_back()

    async def _ask(self, prompt: str, schema: bytes | None) -> Completion:
        if self._first_try_at is None:
            self._first_try_at = time.monotonic()
        timeout = self._timeout if self._is_connected else self._first_timeout
        body = self._body(prompt, schema)
        try:
            async with self._open().post(
                self._endpoint.url, data=body, timeout=timeout, allow_redirects=False
            ) as response:
                self._is_connected = True
                if response.status != 200:
                    raise await self._refusal(response)
                if response.content_type == "text/event-stream":
                    return await self._read_stream(response)
                return read_completion(await self._read_body(response), api=self._endpoint.api)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._loss(error) from error

    async def _read_body(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        n_bytes = 0
        try:
            while part := await response.content.readany():
                parts.append(part)
                n_bytes += len(part)
                if n_bytes > MAX_REPLY_BYTES:
                    raise too_long(b"".join(parts).decode("utf-8", "replace"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._loss(error, partial=b"".join(parts).decode("utf-8", "replace")) from error
        return b"".join(parts)

    async def _read_stream(self, response: aiohttp.ClientResponse) -> Completion:
        reply = StreamedReply(self._endpoint.api)
        try:
            while not reply.is_done and (part := await response.content.readany()):
                reply.feed(part)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._loss(error, partial=reply.text) from error
        return reply.completion()

    async def _refusal(self, response: aiohttp.ClientResponse) -> UnansweredError:
        status = response.status
        said = self._shown((await response.content.read(_MAX_ERROR_BYTES)).decode("utf-8", "replace"))
        kind = "overloaded" if status in _OVERLOADED else "server error" if status >= 500 else "refused"
        return UnansweredError(
            kind,
            f"HTTP {status} {storable(response.reason or '')}: {said}",
            remedy=_remedy(status, self._endpoint.key_env),
            is_retryable=status in _RETRYABLE,
            status=status,
            wait_s=retry_after_s(response.headers.get("Retry-After")),
        )

    def _loss(self, error: Exception, *, partial: str = "") -> UnansweredError:
        """Say what a fault of the network means for the prompt."""
        timeouts = self._endpoint.timeouts
        what = self._shown(str(error)) or type(error).__name__
        if isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL):
            return UnansweredError("no connection", what, is_retryable=False, remedy="check `url`")
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return UnansweredError("no connection", what, remedy="check `url`, and that the model server is up")
        if isinstance(error, TimeoutError):
            limit = f"nothing for {timeouts.stall:g} s" if isinstance(error, aiohttp.SocketTimeoutError) else ""
            what = limit or f"no answer within {timeouts.total:g} s"
            return UnansweredError("timeout", what, remedy="raise `timeout_s` or lower `concurrency`", partial=partial)
        if partial or isinstance(error, aiohttp.ClientPayloadError):
            return UnansweredError("cut reply", what, partial=partial)
        return UnansweredError("lost connection", what, remedy="look into the model server's log")

    def _raise_if_hopeless(self, fault: UnansweredError) -> None:
        """Raise the faults that no other prompt would escape, so that a wrong key does not fail 10,000 passages."""
        if fault.kind == "no connection" and not self._is_connected:
            elapsed_s = time.monotonic() - (self._first_try_at or 0.0)
            if not fault.is_retryable or elapsed_s + _FIRST_CONNECT_S + _MAX_FIRST_WAIT_S > _START_S:
                raise self._hopeless(fault, fault.remedy) from fault
        elif (
            fault.status in (401, 404) or 300 <= fault.status < 400 or (fault.status == 403 and not self._has_answered)
        ):
            raise self._hopeless(fault, fault.remedy) from fault
        elif "insufficient_quota" in fault.what:
            raise self._hopeless(fault, "the account of this key has no quota left") from fault

    def _count_lost(self, fault: UnansweredError) -> None:
        is_refused = fault.kind == "refused" and not self._has_answered
        if is_refused or fault.kind in ("no connection", "lost connection"):
            self._n_lost_in_a_row += 1
            if self._n_lost_in_a_row >= _MANY:
                raise self._hopeless(fault, fault.remedy or "look into the model server's log") from fault

    def _hopeless(self, fault: UnansweredError, remedy: str) -> ModelError:
        return ModelError(fault.what, where=f"model server {self._endpoint.url}", remedy=remedy)

    def _note_answer(self, *, is_free: bool, has_schema: bool) -> None:
        self._has_answered = True
        self._n_lost_in_a_row = 0
        if has_schema and self._schema_works is None:
            self._schema_works = not is_free
            _log.info("json_schema: %s", "refused, asking freely" if is_free else "followed")

    def _wait_s(self, fault: UnansweredError, n_faults: int) -> float:
        if fault.wait_s is not None:
            # Spread out, or everyone who was told to wait comes back at once.
            return fault.wait_s + self._dice.uniform(0.0, min(1.0, fault.wait_s))
        wait_s = backoff_s(n_faults, self._endpoint.backoff_s, self._dice)
        return wait_s if self._is_connected else min(_MAX_FIRST_WAIT_S, wait_s)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json"}
            if self._endpoint.key:
                headers["Authorization"] = f"Bearer {self._endpoint.key}"
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
            )
        return self._session

    def _body(self, prompt: str, schema: bytes | None) -> bytes:
        fields = dict(self._fields)
        if self._endpoint.api == "chat":
            fields["messages"] = ({"role": "user", "content": prompt},)
        else:
            fields["prompt"] = prompt
        if schema is not None:
            named = {"name": "extraction", "schema": orjson.Fragment(schema)}
            fields["response_format"] = {"type": "json_schema", "json_schema": named}
        return orjson.dumps(fields)

    def _shown(self, text: str) -> str:
        """Return `text` fit for a message: without the key, which some servers repeat, short, and in one line."""
        if self._endpoint.key:
            text = text.replace(self._endpoint.key, "***")
        text = " ".join(storable(text).split())
        return text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…"


def _fixed_fields(endpoint: Endpoint) -> dict[str, object]:
    fields: dict[str, object] = {
        "model": endpoint.model,
        "temperature": endpoint.temperature,
        "max_tokens": endpoint.max_tokens,
    }
    if endpoint.seed is not None:
        fields["seed"] = endpoint.seed
    if endpoint.logprobs:
        fields["logprobs"] = True if endpoint.api == "chat" else 1
    if endpoint.stop:
        fields["stop"] = endpoint.stop
    if endpoint.stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    return fields


def _timeout(endpoint: Endpoint, connect_s: float) -> aiohttp.ClientTimeout:
    stall_s = endpoint.timeouts.stall if endpoint.stream else None
    return aiohttp.ClientTimeout(total=endpoint.timeouts.total, sock_connect=connect_s, sock_read=stall_s)


def _remedy(status: int, key_env: str | None) -> str:
    if status in (401, 403):
        return f"check the key in {key_env}" if key_env else "set `api_key_env` to the variable that holds the key"
    if status == 404:
        return "check `url`, which ends in /v1 as a rule, and `model`"
    if 300 <= status < 400:
        return "the server is elsewhere: set `url` to the address it names"
    if status == 413:
        return "the passage is too long for the server: smaller chunks or fewer examples"
    if status in _REFUSED:
        return "see what the server says; perhaps the prompt is longer than the model's context"
    return "look into the model server's log" if status >= 500 else ""
