"""The endpoint extractor: a hosted model behind any server that speaks the OpenAI API."""

import asyncio
import math
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import Final, Literal, Self
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from graph_schema import Ontology
from kgbuilder.errors import ConfigError, ModelError, ParseError
from kgbuilder.extract.background import BackgroundLoop
from kgbuilder.extract.http import Endpoint, ModelClient, Structured, Timeouts
from kgbuilder.extract.prompts import TEMPLATES, Mode, Question, Questions, Template
from kgbuilder.extract.reply import Api, Completion, UnansweredError
from kgbuilder.ids import content_id
from kgbuilder.instructions import Example, ParsedReply, parse
from kgbuilder.records import Extraction, Failure, MentionClaim, Passage, Quarantined, Reply, TripleClaim

__all__ = ["EndpointExtractor", "EndpointSettings", "create"]

KEY_VARIABLE: Final = "KGBUILDER_ENDPOINT_API_KEY"

_WHERE: Final = "extractors.endpoint"
_TRUNCATED: Final = "truncated reply"
_UNREADABLE: Final = "unreadable reply"
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
    prompt, with `narrow` only those whose head and tail types were found.
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
        self.fingerprint = _fingerprint(ontology, settings, self._questions)

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        """Yield an extraction for each passage as answers come; at most twice `concurrency` passages are begun."""
        if self._loop is None:
            self._loop = BackgroundLoop("endpoint extractor")
            weakref.finalize(self, self._loop.stop)
        ask = self._ask_all if self._settings.mode == "iepile" else self._ask_once
        try:
            yield from self._loop.stream(passages, ask, ahead=2 * self._settings.concurrency)
        except CancelledError as error:
            raise ModelError("the extractor was closed while it worked", where=self._settings.url) from error

    def close(self) -> None:
        """Close the connections and end the thread."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.run(self._client.close())
            loop.stop()

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
        failure = next((answer.failure for answer in answers if answer.failure), None)
        claims = () if failure else answers
        is_unreadable = any(answer.is_unreadable for answer in answers)
        has_claims = any(answer.mentions or answer.triples for answer in claims)
        return Extraction(
            passage_id=passage.id,
            extractor=self.fingerprint,
            state="failed" if failure else "quarantined" if is_unreadable and not has_claims else "done",
            mentions=tuple(claim for answer in claims for claim in answer.mentions),
            triples=tuple(claim for answer in claims for claim in answer.triples),
            replies=tuple(reply for answer in answers for reply in answer.replies),
            quarantined=tuple(item for answer in answers for item in answer.quarantined),
            failure=failure,
        )
