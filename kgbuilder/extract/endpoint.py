"""The endpoint extractor: a hosted model behind any server that speaks the OpenAI API."""

import asyncio
import math
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from graph_schema import Ontology
from kgbuilder.errors import ConfigError, ModelError, ParseError
from kgbuilder.extract.background import BackgroundLoop
from kgbuilder.extract.http import Endpoint, ModelClient, Structured, Timeouts
from kgbuilder.extract.prompts import TEMPLATES, Mode, Question, Questions, Template
from kgbuilder.extract.reply import Api, Completion, UnansweredError, storable
from kgbuilder.ids import content_id
from kgbuilder.instructions import Example, ParsedReply, parse
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, Quarantined, Reply, TripleClaim

__all__ = ["EndpointExtractor", "EndpointSettings", "create"]

KEY_VARIABLE: Final = "KGBUILDER_ENDPOINT_API_KEY"

_WHERE: Final = "extractors.endpoint"
_TRUNCATED: Final = "truncated reply"
_UNREADABLE: Final = "unreadable reply"
_REMEDIES: Final = {
    _TRUNCATED: "raise `max_tokens` or take smaller chunks, then ask again",
    _UNREADABLE: "ask again, or take a model that keeps to JSON",
}
_MAX_SHOWN_CHARS: Final = 500


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EntitySettings(_Settings):
    """An entity of an example."""

    text: str
    label: str


class TripleSettings(_Settings):
    """A triple of an example."""

    head: str
    relation: str
    tail: str


class ExampleSettings(_Settings):
    """A text with all that is stated in it; labels and relations are names or ids of the ontology."""

    text: str
    entities: tuple[EntitySettings, ...] = ()
    triples: tuple[TripleSettings, ...] = ()


class TimeoutSettings(_Settings):
    """Seconds to connect, for a whole answer, and between two parts of a streamed answer."""

    connect: float = Field(default=5.0, gt=0, le=60)
    total: float = Field(default=300.0, gt=0)
    stall: float = Field(default=60.0, gt=0)


class EndpointSettings(_Settings):
    """The settings of the endpoint extractor.

    `url` is the base URL, up to and with /v1. `api_key_env` names the environment variable that holds the key. `mode`
    "joint" asks for the whole ontology in one prompt; "iepile" asks six entity types a prompt, then four relations a
    prompt, with `narrow` only those whose head and tail types were found. `backoff_s` is the longest wait before the
    first retry; it doubles with each.
    """

    url: str
    model: str = Field(min_length=1)
    api: Api = "chat"
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    template: Template = "plain"
    mode: Mode = "joint"
    narrow: bool = True
    examples: tuple[ExampleSettings, ...] = ()
    n_examples: int = Field(default=0, ge=0, le=3)
    concurrency: int = Field(default=64, ge=1, le=1024)
    timeout_s: TimeoutSettings = TimeoutSettings()
    max_retries: int = Field(default=5, ge=0, le=20)
    backoff_s: float = Field(default=0.5, gt=0, le=30)
    stream: bool = False
    structured: Structured = "auto"
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=4096, ge=1)
    seed: int | None = None
    logprobs: bool = False

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be like http://host:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no name, password or query; a key comes from the variable `api_key_env` names")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _check_template(self) -> Self:
        if self.api == "chat" and self.template != "plain":
            raise ValueError("`template` is for `api: completions`; with the chat API the server has its own")
        return self


def create(ontology: Ontology, settings: Mapping[str, object]) -> "EndpointExtractor":
    """Make the extractor from its settings.

    Raises:
        ConfigError: settings are wrong, all mistakes at once; or the key is not in the environment.
    """
    try:
        checked = EndpointSettings.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(_listed(error), where=_WHERE, remedy="see `kgbuilder config`") from error
    if checked.mode == "iepile" and not ontology.entity_types:
        raise ConfigError(
            "mode iepile asks for types by name, and the open ontology has none",
            where=f"{_WHERE}.mode",
            remedy="take mode joint, or an ontology",
        )
    return EndpointExtractor(ontology, checked)


def _listed(error: ValidationError) -> str:
    """Say all that is wrong, without the values, among which a key may stand."""
    known = ", ".join(EndpointSettings.model_fields)
    lines = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join(str(part) for part in item["loc"]) or "settings"
        extra = item["type"] == "extra_forbidden"
        lines.append(f"{place}: {'no such setting; there are ' + known if extra else item['msg']}")
    return "; ".join(lines)


class EndpointExtractor:
    """Asks a hosted model. Requests run in a thread of their own, which starts with the first passage."""

    name = "endpoint"

    def __init__(self, ontology: Ontology, settings: EndpointSettings) -> None:
        self._ontology = ontology
        self._settings = settings
        template = TEMPLATES[settings.template] if settings.api == "completions" else None
        examples = tuple(map(_example, settings.examples))
        self._questions = Questions(ontology, template=template, examples=examples, n_examples=settings.n_examples)
        self._client = ModelClient(_endpoint(settings))
        self._loop: BackgroundLoop | None = None
        self._shut: weakref.finalize[..., EndpointExtractor] | None = None
        self.fingerprint = _fingerprint(ontology, settings, self._questions)

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        """Yield an extraction for each passage as answers come; at most twice `concurrency` passages are begun."""
        if self._loop is None:
            self._loop = BackgroundLoop("endpoint extractor")
            # Also when nobody closes the extractor, and at the end of the process.
            self._shut = weakref.finalize(self, _shut, self._loop, self._client)
        ask = self._ask_all if self._settings.mode == "iepile" else self._ask_once
        try:
            yield from self._loop.stream(passages, ask, ahead=2 * self._settings.concurrency)
        except asyncio.CancelledError as error:
            raise ModelError("the extractor was closed while it worked", where=self._settings.url) from error

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._shut is not None:
            self._shut()
        self._loop = self._shut = None

    async def _ask_once(self, passage: Passage) -> Extraction:
        return self._extraction(passage, [await self._ask(self._questions.joint(passage))])

    async def _ask_all(self, passage: Passage) -> Extraction:
        answers = await self._ask_together(self._questions.entities(passage))
        if not any(answer.failure for answer in answers):
            labels = {claim.label for answer in answers for claim in answer.mentions} if self._settings.narrow else None
            answers += await self._ask_together(self._questions.relations(passage, labels))
        return self._extraction(passage, answers)

    async def _ask_together(self, questions: Sequence[Question]) -> "list[_Answer]":
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(question)) for question in questions]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return [task.result() for task in tasks]

    async def _ask(self, question: Question) -> "_Answer":
        """Ask, and ask once more when the reply cannot be read."""
        replies: list[Reply] = []
        for _ in range(2):
            try:
                completion = await self._client.complete(question.prompt, schema=question.schema)
            except UnansweredError as fault:
                if fault.partial:
                    replies.append(_partial_reply(question, fault))
                failure = Failure(kind=fault.kind, what=fault.what, remedy=fault.remedy, retryable=fault.is_retryable)
                return _Answer(replies=tuple(replies), failure=failure)
            replies.append(_reply(question, completion))
            try:
                parsed = parse(question.task, completion.text, self._ontology)
            except ParseError as error:
                what = error.what
                continue
            if parsed.complete or parsed.mentions or parsed.triples:
                return _answer(parsed, completion, tuple(replies))
            what = "the reply was cut off before its first claim"
        return _Answer(replies=tuple(replies), quarantined=(_quarantined(_UNREADABLE, replies[-1].text, what),))

    def _extraction(self, passage: Passage, answers: "Sequence[_Answer]") -> Extraction:
        lost = next((answer.failure for answer in answers if answer.failure), None)
        claims = () if lost else answers
        quarantined = tuple(item for answer in answers for item in answer.quarantined)
        unread = next((item for item in quarantined if item.reason in _REMEDIES), None)
        return Extraction(
            passage_id=passage.id,
            extractor=self.fingerprint,
            # What could be read is kept beside what could not.
            state="failed" if lost else "quarantined" if unread else "done",
            mentions=tuple(claim for answer in claims for claim in answer.mentions),
            triples=tuple(claim for answer in claims for claim in answer.triples),
            replies=tuple(reply for answer in answers for reply in answer.replies),
            quarantined=quarantined,
            failure=lost or (_unread(unread) if unread else None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What became of one question."""

    replies: tuple[Reply, ...] = ()
    mentions: tuple[MentionClaim, ...] = ()
    triples: tuple[TripleClaim, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    failure: Failure | None = None


def _shut(loop: BackgroundLoop, client: ModelClient) -> None:
    loop.stop(client.close)


def _answer(parsed: ParsedReply, completion: Completion, replies: tuple[Reply, ...]) -> _Answer:
    mentions, triples, quarantined = parsed.mentions, parsed.triples, parsed.problems
    if completion.logprob is not None:
        score = math.exp(completion.logprob)
        mentions = tuple(replace(claim, score=score) for claim in mentions)
        triples = tuple(replace(claim, score=score) for claim in triples)
    if completion.finish == "length" or not parsed.complete:
        what = "the reply was cut off; the claims before the cut are kept"
        quarantined += (_quarantined(_TRUNCATED, completion.text[-_MAX_SHOWN_CHARS:], what),)
    return _Answer(replies=replies, mentions=mentions, triples=triples, quarantined=quarantined)


def _unread(item: Quarantined) -> Failure:
    return Failure(kind=item.reason, what=item.detail, remedy=_REMEDIES[item.reason])


def _quarantined(reason: str, text: str, detail: str) -> Quarantined:
    return Quarantined(reason=reason, claim=orjson.dumps({"reply": text[:_MAX_SHOWN_CHARS]}).decode(), detail=detail)


def _reply(question: Question, completion: Completion) -> Reply:
    return Reply(
        task=question.task,
        text=completion.text,
        prompt_id=question.prompt_id,
        model=completion.model,
        decode=completion.decode,
        logprob=completion.logprob,
        n_prompt_tokens=completion.n_prompt_tokens,
        n_reply_tokens=completion.n_reply_tokens,
        finish=completion.finish,
    )


def _partial_reply(question: Question, fault: UnansweredError) -> Reply:
    text, finish = storable(fault.partial), fault.kind
    return Reply(task=question.task, text=text, prompt_id=question.prompt_id, model="", finish=finish)


def _example(settings: ExampleSettings) -> Example:
    return Example(
        text=settings.text,
        mentions=tuple(MentionClaim(text=entity.text, label=entity.label) for entity in settings.entities),
        triples=tuple(
            TripleClaim(head=triple.head, relation=triple.relation, tail=triple.tail) for triple in settings.triples
        ),
    )


def _endpoint(settings: EndpointSettings) -> Endpoint:
    times = settings.timeout_s
    return Endpoint(
        url=_api_url(settings.url, settings.api),
        model=settings.model,
        api=settings.api,
        key=_key(settings.api_key_env),
        key_env=settings.api_key_env or KEY_VARIABLE,
        stream=settings.stream,
        structured=settings.structured,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        seed=settings.seed,
        logprobs=settings.logprobs,
        stop=TEMPLATES[settings.template].stop if settings.api == "completions" else (),
        timeouts=Timeouts(connect=times.connect, total=times.total, stall=times.stall),
        max_retries=settings.max_retries,
        backoff_s=settings.backoff_s,
        concurrency=settings.concurrency,
    )


def _api_url(url: str, api: Api) -> str:
    """Return the address of the API, whether `url` is the host, the base with /v1, or the address itself."""
    base = url.removesuffix("/completions").removesuffix("/chat").rstrip("/")
    if not urlsplit(base).path:
        base += "/v1"
    return f"{base}/chat/completions" if api == "chat" else f"{base}/completions"


def _key(variable: str | None) -> str | None:
    """Read the key. Raises ConfigError when a variable was named that holds none, or what no header can carry."""
    key = os.environ.get(variable or KEY_VARIABLE, "").strip()
    if variable and not key:
        raise ConfigError(f"the environment variable {variable} is not set", where=f"{_WHERE}.api_key_env")
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"{variable or KEY_VARIABLE} holds characters that no key has", where=f"{_WHERE}.api_key_env")
    return key or None


def _fingerprint(ontology: Ontology, settings: EndpointSettings, questions: Questions) -> str:
    """Hash what changes the answers: never the address, the key, or how fast they are asked for."""
    changing = settings.model_dump(
        mode="json",
        include={
            "model",
            "api",
            "template",
            "mode",
            "narrow",
            "temperature",
            "max_tokens",
            "seed",
            "structured",
            "logprobs",
        },
    )
    content = orjson.dumps(changing, option=orjson.OPT_SORT_KEYS).decode()
    return content_id("endpoint", content, ontology.fingerprint, questions.fingerprint(settings.mode))
