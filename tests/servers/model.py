"""An OpenAI-compatible server that knows the answers and makes faults on purpose: for tests and benchmarks.

Which fault a prompt meets is drawn from a hash of the prompt and of how often it was asked, so a run can be repeated.

    python -m tests.servers.model --port 0 --faults 0.05 --latency 0.2 --answers answers.jsonl

It prints its URL once it listens. A line of the answers file is a sentence or a passage with what is stated in it:

    {"text": "…", "entities": [{"text": "…", "label": "PER"}], "triples": [{"head": "…", "relation": "…", "tail": "…"}]}

The answer to a passage is the sum of what the known texts inside it state, restricted to what the prompt asks for.
"""

import argparse
import asyncio
import hashlib
import re
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import cast

import orjson

from graph_schema import Ontology, load_ontology
from kgbuilder.instructions import Example, Schema, Task, answer
from kgbuilder.records import MentionClaim, TripleClaim

FAULT_KINDS = (
    "http_500",
    "http_429",
    "hang",
    "reset",
    "empty_body",
    "cut",
    "prose",
    "truncated",
    "wrong_keys",
    "repeats",
    "hallucination",
    "empty",
    "garbage",
)
HALLUCINATED = "Nobody Imaginary"

_KEY_CHARS = 12
_STREAM_PART_CHARS = 40
_SENTENCE_START = re.compile(r"(?<=[\s。！？；”」.!?])\S")


class Answers:
    """Gold answers, found by the known texts that a passage contains."""

    def __init__(self, examples: Iterable[Example], ontology: Ontology) -> None:
        self._ontology = ontology
        self._by_start: dict[str, list[Example]] = {}
        for example in sorted(examples, key=lambda example: -len(example.text)):
            self._by_start.setdefault(example.text[:_KEY_CHARS], []).append(example)
        self._asked: dict[tuple[str, str], _Asked] = {}

    @classmethod
    def read(cls, path: Path, ontology: Ontology) -> "Answers":
        """Read an answers file."""
        return cls((_example(orjson.loads(line)) for line in path.read_bytes().splitlines() if line), ontology)

    def find(self, text: str) -> Example:
        """Return what is stated in `text`."""
        mentions: dict[MentionClaim, None] = {}
        triples: dict[TripleClaim, None] = {}
        at = 0
        while at < len(text):
            known = self._by_start.get(text[at : at + _KEY_CHARS], ())
            found = next((example for example in known if text.startswith(example.text, at)), None)
            if found is not None:
                mentions.update(dict.fromkeys(found.mentions))
                triples.update(dict.fromkeys(found.triples))
                at += len(found.text)
                at += len(text) - at - len(text[at:].lstrip())
            else:
                following = _SENTENCE_START.search(text, at + 1)
                at = following.start() if following else len(text)
        return Example(text=text, mentions=tuple(mentions), triples=tuple(triples))

    def answer(self, prompt: str) -> str:
        """Return the answer to a prompt of `kgbuilder.instructions`."""
        try:
            fields = orjson.loads(prompt[prompt.index("{") : prompt.rindex("}") + 1])
            text = fields["input"]
        except (ValueError, KeyError, TypeError):
            return "I can only answer extraction prompts."
        asked = self._read(fields)
        return answer(asked.task, asked.schema, asked.named(self.find(text)))

    def _read(self, fields: Mapping[str, object]) -> "_Asked":
        names = fields.get("schema", (fields.get("entities", ""), fields.get("relations", "")))
        key = (str(fields["instruction"])[:20], str(names))
        if key not in self._asked:
            self._asked[key] = _Asked.of(self._ontology, fields)
        return self._asked[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a prompt asks for, and under which names."""

    task: Task
    schema: Schema
    types: Mapping[str, str]
    relations: Mapping[str, str]

    @classmethod
    def of(cls, ontology: Ontology, fields: Mapping[str, object]) -> "_Asked":
        zh = "抽取" in str(fields["instruction"])
        if "schema" in fields:
            names = tuple(cast(Sequence[str], fields["schema"]))
            is_ner = any(word in str(fields["instruction"]) for word in ("实体抽取", "entity recognition"))
            schema = Schema(entities=names) if is_ner else Schema(relations=names)
            task: Task = "NER" if is_ner else "RE"
        elif "entities" in fields:
            schema = Schema(
                entities=tuple(str(fields["entities"]).split(",")), relations=_listed(str(fields["relations"]))
            )
            task = "JOINT"
        else:
            types = {known.id: known.zh if zh else known.en for known in ontology.entity_types.values()}
            relations = {known.id: known.zh if zh else known.en for known in ontology.relation_types.values()}
            return cls(task="JOINT", schema=Schema(), types=types, relations=relations)
        return cls(
            task=task,
            schema=schema,
            types={known.id: name for name in schema.entities if (known := ontology.entity_type(name))},
            relations={relation.id: name for name in schema.relations if (relation := ontology.relation_type(name))},
        )

    def named(self, gold: Example) -> Example:
        """Return what `gold` has of the asked types, under the names of the prompt."""
        mentions = tuple(
            replace(claim, label=self.types[claim.label]) for claim in gold.mentions if claim.label in self.types
        )
        triples = tuple(
            replace(claim, relation=self.relations[claim.relation])
            for claim in gold.triples
            if claim.relation in self.relations
        )
        return Example(text=gold.text, mentions=mentions, triples=triples)


def _listed(relations: str) -> tuple[str, ...]:
    """Read "person>location:place of birth,residence;…" and "出生地,成员*,…"."""
    groups = (group.rpartition(":")[2] for group in relations.split(";"))
    return tuple(name.rstrip("*") for group in groups for name in group.split(",") if name)


def _example(row: Mapping[str, object]) -> Example:
    entities = cast(Sequence[Mapping[str, str]], row.get("entities", ()))
    triples = cast(Sequence[Mapping[str, str]], row.get("triples", ()))
    return Example(
        text=str(row["text"]),
        mentions=tuple(MentionClaim(text=entity["text"], label=entity["label"]) for entity in entities),
        triples=tuple(
            TripleClaim(head=triple["head"], relation=triple["relation"], tail=triple["tail"]) for triple in triples
        ),
    )


@dataclass(slots=True, kw_only=True)
class Script:
    """How the server behaves. `rate` is the share of requests that meet one of `kinds`.

    A transient fault depends on how often the prompt was asked, a persistent one comes every time. Beyond `capacity`
    requests at once the server answers 429. `retry_after` is the value of that header, or "date" for a date.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = FAULT_KINDS
    is_persistent: bool = False
    seed: int = 0
    latency_s: float = 0.0
    capacity: int = 1_000_000
    retry_after: str = "0"
    has_json_schema: bool = True
    key: str | None = None
    model: str = "test-model"
    status: int = 200
    refusal: str = "refused by the script"
    requests: list[dict[str, object]] = field(default_factory=list)
    keeps_requests: bool = False


class ModelServer:
    """The answers, the script, and what was counted. `url` ends in /v1."""

    def __init__(self, answers: Answers, script: Script) -> None:
        self.answers = answers
        self.script = script
        self.counts: Counter[str] = Counter()
        self.n_at_once = 0
        self.port = 0
        self._n_asked: Counter[bytes] = Counter()
        self.connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, int]:
        """Return the counts: requests, each kind of fault, characters and estimated tokens of prompts, most at once."""
        return dict(self.counts)

    def fault_for(self, prompt: str) -> str | None:
        """Draw the fault that `prompt` meets this time."""
        digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
        n_before = self._n_asked[digest]
        self._n_asked[digest] += 1
        if not self.script.rate:
            return None
        attempt = 0 if self.script.is_persistent else n_before
        drawn = hashlib.sha256(b"%b %d %d" % (digest, attempt, self.script.seed)).digest()
        if int.from_bytes(drawn[:8], "big") / 2**64 >= self.script.rate:
            return None
        return self.script.kinds[int.from_bytes(drawn[8:16], "big") % len(self.script.kinds)]


class _Connection(asyncio.Protocol):
    """One client connection with keep-alive; HTTP/1.1 with Content-Length bodies is all that is asked of it."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._buffer = b""
        self._is_busy = False
        self._timers: list[asyncio.TimerHandle] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._is_busy:
            self._server.n_at_once -= 1
            self._server.counts["abandoned"] += 1
        for timer in self._timers:
            timer.cancel()
        self._transport = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self._is_busy:
            return
        request_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) >= length:
            self._buffer = rest[length:]
            method, path, _ = request_line.split(" ", 2)
            self._handle(method, path, headers, rest[:length])

    def _handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        server = self._server
        if path == "/stats":
            self._send(server.stats())
        elif path == "/v1/models":
            self._send({"object": "list", "data": [{"id": server.script.model, "object": "model"}]})
        elif method == "POST" and path in ("/v1/chat/completions", "/v1/completions"):
            self._complete(headers, body, is_chat=path.endswith("chat/completions"))
        else:
            self._refuse(404, f"no such path: {path}")

    def _complete(self, headers: Mapping[str, str], body: bytes, *, is_chat: bool) -> None:
        server, script = self._server, self._server.script
        server.counts["requests"] += 1
        fields = orjson.loads(body)
        if script.keeps_requests:
            script.requests.append({**fields, "headers": dict(headers)})
        if script.key is not None and headers.get("authorization") != f"Bearer {script.key}":
            self._refuse(401, f"Incorrect API key provided: {headers.get('authorization', '')}")
        elif fields["model"] != script.model:
            self._refuse(404, f"The model `{fields['model']}` does not exist.")
        elif script.status != 200:
            self._refuse(script.status, script.refusal, retry_after=script.retry_after)
        elif "response_format" in fields and not script.has_json_schema:
            server.counts["json_schema refused"] += 1
            self._refuse(400, "response_format of type json_schema is not supported")
        elif server.n_at_once >= script.capacity:
            server.counts["over capacity"] += 1
            self._refuse(429, "too many requests", retry_after=script.retry_after)
        else:
            self._answer(fields, is_chat=is_chat)

    def _answer(self, fields: Mapping[str, object], *, is_chat: bool) -> None:
        server = self._server
        prompt = (
            cast(Sequence[Mapping[str, str]], fields["messages"])[-1]["content"] if is_chat else str(fields["prompt"])
        )
        fault = server.fault_for(prompt)
        server.counts["prompt_chars"] += len(prompt)
        server.counts[fault or "without fault"] += 1
        server.n_at_once += 1
        server.counts["most at once"] = max(server.counts["most at once"], server.n_at_once)
        self._is_busy = True
        text, finish = _spoil(server.answers.answer(prompt), fault)
        n_tokens = len(prompt) // 4, len(text) // 4
        reply = _Reply(text, finish, server.script.model, n_tokens, is_chat, bool(fields.get("logprobs")))
        if server.script.latency_s:
            later = asyncio.get_running_loop().call_later
            self._timers = [later(server.script.latency_s, self._reply, reply, fault, bool(fields.get("stream")))]
        else:
            self._reply(reply, fault, bool(fields.get("stream")))

    def _reply(self, reply: "_Reply", fault: str | None, is_stream: bool) -> None:
        if fault == "hang" and not is_stream:
            return
        if fault == "hang":
            self._write(_head(200, "text/event-stream", None) + reply.events(share=0.5))
            return
        self._is_busy = False
        self._server.n_at_once -= 1
        if fault == "reset":
            self._reset()
        elif fault == "http_500":
            self._refuse(500, "something broke")
        elif fault == "http_429":
            self._refuse(429, "slow down", retry_after=self._server.script.retry_after)
        elif fault == "empty_body":
            self._write(_head(200, "application/json", 0))
        elif is_stream:
            self._write(_head(200, "text/event-stream", None) + reply.events(share=0.5 if fault == "cut" else 1.0))
            if fault == "cut":
                self.close()
        else:
            body = reply.body()
            self._write(
                _head(200, "application/json", len(body)) + (body[: len(body) // 2] if fault == "cut" else body)
            )
            if fault == "cut":
                self.close()

    def _refuse(self, status: int, message: str, *, retry_after: str | None = None) -> None:
        body = orjson.dumps({"error": {"message": message, "code": status}})
        after = formatdate(usegmt=True) if retry_after == "date" else retry_after
        self._write(_head(status, "application/json", len(body), retry_after=after) + body)

    def _send(self, value: object) -> None:
        body = orjson.dumps(value)
        self._write(_head(200, "application/json", len(body)) + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _reset(self) -> None:
        if self._transport is not None:
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()


@dataclass(frozen=True, slots=True)
class _Reply:
    """One completion, to be sent whole or in events."""

    text: str
    finish: str
    model: str
    n_tokens: tuple[int, int]
    is_chat: bool
    has_logprobs: bool

    def body(self) -> bytes:
        choice: dict[str, object] = {"index": 0, "finish_reason": self.finish}
        if self.is_chat:
            choice["message"] = {"role": "assistant", "content": self.text}
        else:
            choice["text"] = self.text
        if self.has_logprobs:
            choice["logprobs"] = self._logprobs()
        return orjson.dumps({"id": "x", "model": self.model, "choices": [choice], "usage": self._usage()})

    def events(self, *, share: float) -> bytes:
        """Return `share` of the events as chunks; all of them end with [DONE]."""
        parts = [self.text[at : at + _STREAM_PART_CHARS] for at in range(0, len(self.text), _STREAM_PART_CHARS)]
        events: list[bytes] = []
        for part in parts[: max(1, int(len(parts) * share))]:
            shown: dict[str, object] = {"delta": {"content": part}} if self.is_chat else {"text": part}
            if self.has_logprobs:
                shown["logprobs"] = self._logprobs()
            events.append(orjson.dumps({"model": self.model, "choices": [{"index": 0, **shown}]}))
        if share == 1.0:
            last: dict[str, object] = {"delta": {}} if self.is_chat else {"text": ""}
            events.append(orjson.dumps({"choices": [{**last, "finish_reason": self.finish}], "usage": self._usage()}))
            events.append(b"[DONE]")
        chunks = (b"data: " + event + b"\n\n" for event in events)
        ending = b"0\r\n\r\n" if share == 1.0 else b""
        return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + ending

    def _usage(self) -> dict[str, int]:
        return {"prompt_tokens": self.n_tokens[0], "completion_tokens": self.n_tokens[1]}

    def _logprobs(self) -> dict[str, object]:
        if self.is_chat:
            return {"content": [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.3}]}
        return {"token_logprobs": [None, -0.1, -0.3]}


def _head(status: int, media_type: str, length: int | None, *, retry_after: str | None = None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    after = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    return f"HTTP/1.1 {status} Status\r\nContent-Type: {media_type}\r\n{size}\r\n{after}\r\n".encode("latin-1")


def _spoil(text: str, fault: str | None) -> tuple[str, str]:
    """Return what a model with `fault` says in place of `text`, and why it stopped."""
    match fault:
        case "prose":
            return f"Sure! Here is what I found:\n```json\n{text}\n```\nLet me know if you need more.", "stop"
        case "truncated":
            return text[: len(text) * 3 // 5], "length"
        case "wrong_keys":
            return re.sub(r'"(entities|relations|head|tail)"', r'"their_\1"', text), "stop"
        case "repeats" | "hallucination":
            return orjson.dumps(_grown(orjson.loads(text), fault)).decode(), "stop"
        case "empty":
            return "", "stop"
        case "garbage":
            return "]]}\x00 \ufffd {{ lorem \u202e ipsum", "stop"
    return text, "stop"


def _grown(value: object, fault: str) -> object:
    """Repeat the items of every list fifty times, or add to each an entity that is not in the text."""
    if isinstance(value, dict):
        return {key: _grown(item, fault) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    if fault == "repeats":
        return value * 50
    if value and isinstance(value[0], dict):
        return [*value, {**value[0], next(iter(value[0])): HALLUCINATED}]
    if value and isinstance(value[0], list):
        return [*value, [HALLUCINATED, *value[0][1:]]]
    return [*value, HALLUCINATED]


async def _listen(server: ModelServer, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(server), "127.0.0.1", port, backlog=1024)
    server.port = listening.sockets[0].getsockname()[1]
    return listening


@contextmanager
def running(answers: Answers, script: Script | None = None, *, port: int = 0) -> Iterator[ModelServer]:
    """Run a server in a thread of this process."""
    server = ModelServer(answers, script or Script())
    is_ready, is_over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        listening = await _listen(server, port)
        is_ready.set()
        await is_over.wait()
        listening.close()
        for connection in tuple(server.connections):
            connection.close()
        await asyncio.sleep(0)

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="model server", daemon=True)
    thread.start()
    if not is_ready.wait(10):
        raise RuntimeError("the model server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(10)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.model", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--answers", type=Path, required=True, help="JSONL of known texts")
    parser.add_argument("--ontology", default="general", help="the ontology whose ids the answers have")
    parser.add_argument("--faults", type=float, default=0.0, metavar="RATE", help="share of requests that meet a fault")
    parser.add_argument("--kinds", default=",".join(FAULT_KINDS), help="which faults, separated by commas")
    parser.add_argument("--persistent", action="store_true", help="a prompt meets the same fault every time")
    parser.add_argument("--latency", type=float, default=0.0, metavar="S", help="seconds before each answer")
    parser.add_argument("--capacity", type=int, default=1_000_000, help="more requests at once are answered 429")
    parser.add_argument("--retry-after", default="0", help="seconds, or `date`")
    parser.add_argument("--no-json-schema", action="store_true", help="refuse response_format")
    parser.add_argument("--key", help="the key that requests must carry")
    parser.add_argument("--model", default="test-model")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


async def _serve_forever(server: ModelServer, port: int) -> None:
    async with await _listen(server, port) as listening:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        await listening.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    given = _arguments(argv)
    script = Script(
        rate=given.faults,
        kinds=tuple(given.kinds.split(",")),
        is_persistent=given.persistent,
        seed=given.seed,
        latency_s=given.latency,
        capacity=given.capacity,
        retry_after=given.retry_after,
        has_json_schema=not given.no_json_schema,
        key=given.key,
        model=given.model,
    )
    answers = Answers.read(given.answers, load_ontology(given.ontology))
    try:
        asyncio.run(_serve_forever(ModelServer(answers, script), given.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
