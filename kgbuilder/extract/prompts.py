"""The questions that the endpoint extractor asks about a passage, ready to send."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import orjson

from graph_schema import Ontology, narrow
from kgbuilder.ids import content_id, sha256_text
from kgbuilder.instructions import Example, Schema, Task, json_schema, render, schema_for, split
from kgbuilder.records import Passage

__all__ = ["TEMPLATES", "Mode", "Question", "Questions", "Template"]

Mode = Literal["joint", "iepile"]
Template = Literal["plain", "alpaca", "chatml", "llama2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a fine-tuned model wants a prompt wrapped in the completions API, and what ends its answer.

    The server's tokenizer adds the sign that begins a text.
    """

    before: str = ""
    after: str = ""
    stop: tuple[str, ...] = ()


TEMPLATES: Final[Mapping[Template, Form]] = {
    "plain": Form(after="\n"),
    "alpaca": Form(
        before=(
            "Below is an instruction that describes a task. "
            "Write a response that appropriately completes the request.\n\n### Instruction:\n"
        ),
        after="\n\n### Response:\n",
        stop=("### Instruction:",),
    ),
    "chatml": Form(before="<|im_start|>user\n", after="<|im_end|>\n<|im_start|>assistant\n", stop=("<|im_end|>",)),
    "llama2": Form(before="[INST] ", after=" [/INST]", stop=("</s>", "[INST]")),
}

_N_TYPES: Final = 6
_N_RELATIONS: Final = 4
# What a tokenizer may take for one of its control signs: <|im_end|>, </s>, <start_of_turn>, [INST], [gMASK].
_CONTROL: Final = re.compile(r"<(?=[|/A-Za-z｜])|\[(?=/?(?:INST|[A-Za-z]{0,5}MASK)\])")
_HAN: Final = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One prompt as sent, its sha256, and the JSON schema that its answer should follow."""

    task: Task
    prompt: str
    prompt_id: str
    schema: bytes


class Questions:
    """What to ask about a passage: all at once ("joint"), or types and then relations in groups ("iepile")."""

    def __init__(
        self,
        ontology: Ontology,
        *,
        template: Form | None = None,
        examples: Sequence[Example] = (),
        n_examples: int = 0,
    ) -> None:
        self._ontology = ontology
        self._template = template or Form()
        self._examples = {language: _chosen(examples, language, n_examples) for language in ("zh", "en")}

    def joint(self, passage: Passage) -> Question:
        """Ask for everything in one prompt."""
        return self._question("JOINT", passage, schema_for(self._ontology, passage.language))

    def entities(self, passage: Passage) -> tuple[Question, ...]:
        """Ask for the entities, six types a prompt."""
        names = schema_for(self._ontology, passage.language).entities
        return tuple(self._question("NER", passage, Schema(entities=group)) for group in split(names, _N_TYPES))

    def relations(self, passage: Passage, labels: Collection[str] | None = None) -> tuple[Question, ...]:
        """Ask for the relations, four a prompt: all, or those that entities of the types `labels` can have."""
        kept = None if labels is None else narrow(self._ontology, labels)
        names = schema_for(self._ontology, passage.language, kept).relations
        return tuple(self._question("RE", passage, Schema(relations=group)) for group in split(names, _N_RELATIONS))

    def fingerprint(self, mode: Mode) -> str:
        """Hash the wording of every prompt of `mode`, in both languages."""
        prompts: list[str] = []
        for language in ("zh", "en"):
            passage = Passage(id="", text="", language=language)
            asked = (self.joint(passage),) if mode == "joint" else (*self.entities(passage), *self.relations(passage))
            prompts += [question.prompt for question in asked]
        return content_id("prompts", *prompts)

    def _question(self, task: Task, passage: Passage, schema: Schema) -> Question:
        language = "zh" if passage.language == "zh" else "en"
        asked = render(task, language, schema, passage.text, examples=self._examples[language], ontology=self._ontology)
        prompt = f"{self._template.before}{_inert(asked)}{self._template.after}"
        return Question(task=task, prompt=prompt, prompt_id=sha256_text(prompt), schema=_schema_bytes(task, schema))


@lru_cache(maxsize=1024)
def _schema_bytes(task: Task, schema: Schema) -> bytes:
    return orjson.dumps(json_schema(task, schema))


def _inert(prompt: str) -> str:
    """Escape what a server's tokenizer would read as a control sign; the prompt is JSON, so it stays the same text."""
    if "<" not in prompt and "[" not in prompt:
        return prompt
    return _CONTROL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", prompt)


def _chosen(examples: Sequence[Example], language: str, n_examples: int) -> tuple[Example, ...]:
    """Take the first examples in the language of the prompt, or the first of all when there is none."""
    own = [example for example in examples if bool(_HAN.search(example.text)) == (language == "zh")]
    return tuple((own or examples)[:n_examples])
