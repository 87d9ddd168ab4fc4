"""The append-only truth of a workspace, and what is derived from it."""

from kgbuilder.ledger import derived, jobs, views
from kgbuilder.ledger.ledger import Event, Ledger, Reading

__all__ = ["Event", "Ledger", "Reading", "derived", "jobs", "views"]
