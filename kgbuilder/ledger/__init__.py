"""The append-only truth of a workspace, and what is derived from it."""

from sqlalchemy import Connection

from kgbuilder.ledger import derived, jobs, views
from kgbuilder.ledger.engine import shown_url
from kgbuilder.ledger.ledger import Event, Ledger, Reading

__all__ = ["Connection", "Event", "Ledger", "Reading", "derived", "jobs", "shown_url", "views"]
