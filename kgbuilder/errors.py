"""Errors that say what happened, where, and what to do about it."""


class KGBuilderError(Exception):
    """Base of every error this package raises on purpose.

    `what` is one sentence, `where` names the file, document, chunk or setting, `remedy` is what the reader can do.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.remedy})" if self.remedy else text


class ConfigError(KGBuilderError):
    """A setting is missing, unknown or wrong."""


class IngestError(KGBuilderError):
    """A file cannot be read into a document."""


class ParseError(KGBuilderError):
    """A reply, record or correction does not have the form it must have."""


class SchemaError(KGBuilderError):
    """An ontology is wrong, or something breaks it."""


class StoreError(KGBuilderError):
    """The ledger or the graph store cannot be reached, refuses, or is in use."""


class ModelError(KGBuilderError):
    """A model endpoint fails or answers what cannot be used."""


class QueryRefused(StoreError):
    """A reader's Cypher is not read-only, or ran past its limits."""
