"""The names of types, relations and states in the language of the page."""

from dataclasses import dataclass

from graph_schema import Ontology
from ui.markup import one_line

__all__ = ["Language", "Names"]

Language = str
"""The language of the page: "zh" or "en"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Looks names up in the ontology; what it does not know is shown as it stands."""

    ontology: Ontology
    language: Language

    def entity_type(self, label: str) -> str:
        """Return the name of an entity type."""
        known = self.ontology.entity_types.get(label)
        if known is None:
            return one_line(label)
        return known.zh if self.language == "zh" else known.en[:1].upper() + known.en[1:]

    def relation(self, relation: str) -> str:
        """Return the name of a relation."""
        known = self.ontology.relation_types.get(relation)
        if known is None:
            return one_line(relation)
        return known.zh if self.language == "zh" else known.en

    @property
    def value_labels(self) -> tuple[str, ...]:
        """The types whose entities are dates and quantities rather than things."""
        return tuple(label for label, known in self.ontology.entity_types.items() if known.value)
