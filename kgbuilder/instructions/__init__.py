"""Prompts, training targets and answers: everything that is said to a model, or read from one, has its form here."""

from kgbuilder.instructions.convert import Conversion, InstructionRecord, read_schema, records_to_instructions
from kgbuilder.instructions.files import convert_file
from kgbuilder.instructions.guided import json_schema
from kgbuilder.instructions.parse import ParsedReply, parse
from kgbuilder.instructions.render import Example, answer, render
from kgbuilder.instructions.schema import Schema, Task, schema_for, split

__all__ = [
    "Conversion",
    "Example",
    "InstructionRecord",
    "ParsedReply",
    "Schema",
    "Task",
    "answer",
    "convert_file",
    "json_schema",
    "parse",
    "read_schema",
    "records_to_instructions",
    "render",
    "schema_for",
    "split",
]
