"""Read what an OpenAI-compatible server sends back, whole or streamed; any byte of it may be wrong."""

import json
import math
from dataclasses import dataclass
from typing import Final, Literal

import orjson

__all__ = [
    "MAX_REPLY_BYTES",
    "Api",
    "Completion",
    "StreamedReply",
    "UnansweredError",
    "read_completion",
    "storable",
    "too_long",
]

Api = Literal["chat", "completions"]

MAX_REPLY_BYTES: Final = 8_000_000
_MAX_MODEL_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's answer to one prompt. `logprob` is the mean per token; `decode` says how it was asked."""

    text: str
    model: str = ""
    finish: str = ""
    decode: str = "free"
    logprob: float | None = None
    n_prompt_tokens: int = 0
    n_reply_tokens: int = 0


class UnansweredError(Exception):
    """A prompt that got no usable answer.

    `partial` is the text that came all the same, `status` the HTTP status or 0, `wait_s` what the server asked for.
    """

    def __init__(
        self,
        kind: str,
        what: str,
        *,
        remedy: str = "",
        is_retryable: bool = True,
        partial: str = "",
        status: int = 0,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(kind, what)
        self.kind = kind
        self.what = what
        self.remedy = remedy
        self.is_retryable = is_retryable
        self.partial = partial
        self.status = status
        self.wait_s = wait_s


def storable(text: str) -> str:
    """Return `text` with lone surrogates, which no database can hold, replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def read_completion(body: bytes, *, api: Api) -> Completion:
    """Read a whole reply.

    Raises:
        UnansweredError: the reply is no completion, or an empty one.
    """
    reply = _load(body)
    if not isinstance(reply, dict):
        raise UnansweredError("unreadable reply", "the server's reply is no JSON object", partial=_decoded(body))
    choice = _first_choice(reply)
    if choice is None:
        raise UnansweredError("unreadable reply", _error_of(reply) or "no `choices`", partial=_decoded(body))
    text = _text_of(choice, "message", api)
    if not text.strip():
        raise UnansweredError("empty reply", "the model said nothing", partial=_decoded(body))
    usage = _mapping(reply.get("usage"))
    return Completion(
        text=storable(text),
        model=_model_of(reply),
        finish=_finish_of(choice),
        logprob=_mean(_logprobs_of(choice)),
        n_prompt_tokens=_count(usage.get("prompt_tokens")),
        n_reply_tokens=_count(usage.get("completion_tokens")),
    )


class StreamedReply:
    """Server-sent events put together; `feed` takes bytes cut anywhere.

    Source: WHATWG HTML, section 9.2 (server-sent events); OpenAI-compatible servers end with `data: [DONE]`.
    """

    def __init__(self, api: Api) -> None:
        self.is_done = False
        self._api = api
        self._rest = b""
        self._n_bytes = 0
        self._parts: list[str] = []
        self._logprobs: list[float] = []
        self._model = ""
        self._finish = ""
        self._n_prompt_tokens = 0
        self._n_reply_tokens = 0

    @property
    def text(self) -> str:
        """What has come so far."""
        return storable("".join(self._parts))

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            UnansweredError: an event is an error or no JSON, or the reply is too long.
        """
        self._n_bytes += len(data)
        if self._n_bytes > MAX_REPLY_BYTES:
            raise too_long(self.text)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip())

    def completion(self) -> Completion:
        """Return the answer.

        Raises:
            UnansweredError: the stream was cut before its end, or is empty.
        """
        if not (self.is_done or self._finish):
            raise UnansweredError("cut reply", "the stream ended before the answer did", partial=self.text)
        if not self.text.strip():
            raise UnansweredError("empty reply", "the model said nothing")
        return Completion(
            text=self.text,
            model=self._model,
            finish=self._finish,
            logprob=_mean(self._logprobs),
            n_prompt_tokens=self._n_prompt_tokens,
            n_reply_tokens=self._n_reply_tokens,
        )

    def _take(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.is_done = True
            return
        event = _load(data)
        if not isinstance(event, dict):
            raise UnansweredError("unreadable reply", "an event of the stream is no JSON object", partial=self.text)
        if event.get("error"):
            raise UnansweredError("server error", _error_of(event), partial=self.text)
        self._model = self._model or _model_of(event)
        usage = _mapping(event.get("usage"))
        self._n_prompt_tokens = _count(usage.get("prompt_tokens")) or self._n_prompt_tokens
        self._n_reply_tokens = _count(usage.get("completion_tokens")) or self._n_reply_tokens
        choice = _first_choice(event)
        if choice is not None:
            self._parts.append(_text_of(choice, "delta", self._api))
            self._logprobs.extend(_logprobs_of(choice))
            self._finish = _finish_of(choice) or self._finish


def too_long(partial: str) -> UnansweredError:
    """Make the fault of a reply that does not end."""
    return UnansweredError(
        "too long",
        f"the reply is longer than {MAX_REPLY_BYTES:,} bytes",
        remedy="set a smaller `max_tokens`",
        is_retryable=False,
        partial=partial,
    )


def _load(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        # The standard parser takes lone surrogates, which models do write.
        loaded: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return loaded


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _mapping(value: object) -> dict[object, object]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _first_choice(reply: dict[object, object]) -> dict[object, object] | None:
    choices = _items(reply.get("choices"))
    return choices[0] if choices and isinstance(choices[0], dict) else None


def _text_of(choice: dict[object, object], key: str, api: Api) -> str:
    text = _mapping(choice.get(key)).get("content") if api == "chat" else choice.get("text")
    return text if isinstance(text, str) else ""


def _finish_of(choice: dict[object, object]) -> str:
    finish = choice.get("finish_reason")
    return storable(finish)[:_MAX_MODEL_CHARS] if isinstance(finish, str) else ""


def _model_of(reply: dict[object, object]) -> str:
    model = reply.get("model")
    return storable(model)[:_MAX_MODEL_CHARS] if isinstance(model, str) else ""


def _error_of(reply: dict[object, object]) -> str:
    error = reply.get("error")
    message = _mapping(error).get("message") or error or ""
    return storable(message) if isinstance(message, str) else storable(json.dumps(message, ensure_ascii=False))


def _logprobs_of(choice: dict[object, object]) -> list[float]:
    """Read the log-probability of each token: `content` in the chat API, `token_logprobs` in the completions API."""
    logprobs = _mapping(choice.get("logprobs"))
    values = [_mapping(token).get("logprob") for token in _items(logprobs.get("content"))]
    values += _items(logprobs.get("token_logprobs"))
    return [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]


def _mean(values: list[float]) -> float | None:
    # At most 0: a server that says more would make a score above 1.
    return min(0.0, math.fsum(values) / len(values)) if values else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
