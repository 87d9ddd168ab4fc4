"""Extractors: what turns passages into claims, found by name through entry points in the group `kgbuilder.extractors`.

A third party registers its own in its package's metadata; ours (`lexicon`, `endpoint`) are registered the same way.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast, runtime_checkable

from graph_schema import Ontology
from kgbuilder.errors import ConfigError
from kgbuilder.records import Extraction, Passage

__all__ = ["ENTRY_POINT_GROUP", "Extractor", "ExtractorFactory", "list_extractors", "load_extractor"]

ENTRY_POINT_GROUP: Final = "kgbuilder.extractors"

# What running somebody else's module, or looking its factory up, can end in.
_IMPORT_ERRORS = (
    ImportError,
    AttributeError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


@runtime_checkable
class Extractor(Protocol):
    """Something that reads passages and states what is in them.

    `fingerprint` hashes all that changes the output (model, prompts, ontology, settings) and nothing else: an answer
    is asked for once by passage and fingerprint. It never holds a secret.
    """

    name: str
    fingerprint: str

    def extract(self, passages: Iterable[Passage]) -> Iterator[Extraction]:
        """Yield one extraction for each passage, in any order, pulling passages as it goes.

        A passage that fails is an extraction with state "failed". Closing the iterator stops the work.

        Raises:
            ModelError: nothing can be extracted at all (no server, wrong key, unknown model).
        """
        ...

    def close(self) -> None:
        """Let go of connections, processes and threads; a second call does nothing."""
        ...


class ExtractorFactory(Protocol):
    """What an entry point in the group `kgbuilder.extractors` names."""

    def __call__(self, ontology: Ontology, settings: Mapping[str, object]) -> Extractor:
        """Make an extractor for `ontology`.

        Raises:
            ConfigError: `settings` are wrong; it lists every mistake.
        """
        ...


def list_extractors() -> tuple[str, ...]:
    """Return the names of the installed extractors, sorted."""
    return tuple(sorted(entry_points(group=ENTRY_POINT_GROUP).names))


def load_extractor(name: str, ontology: Ontology, settings: Mapping[str, object]) -> Extractor:
    """Make the extractor that is installed under `name`.

    Raises:
        ConfigError: no such extractor, one that cannot be loaded, or wrong settings.
    """
    point = _entry_point(name)
    try:
        factory = cast(ExtractorFactory, point.load())
    except _IMPORT_ERRORS as error:
        raise ConfigError(
            f"cannot load {point.value}: {type(error).__name__}: {error}",
            where=f"extractor {name!r} of {_distribution(point)}",
            remedy="install what it needs, or take another extractor: " + ", ".join(list_extractors()),
        ) from error
    extractor = factory(ontology, settings)
    if not isinstance(extractor, Extractor):
        raise ConfigError(
            f"{point.value} made a {type(extractor).__name__}, which is no extractor",
            where=f"extractor {name!r} of {_distribution(point)}",
            remedy="it needs `name`, `fingerprint`, `extract` and `close`",
        )
    return extractor


def _entry_point(name: str) -> EntryPoint:
    points = {_distribution(point): point for point in entry_points(group=ENTRY_POINT_GROUP, name=name)}
    if not points:
        installed = ", ".join(list_extractors()) or "none"
        raise ConfigError(f"no extractor named {name!r}", where="extractor", remedy=f"installed: {installed}")
    if len(points) > 1:
        raise ConfigError(
            f"{' and '.join(sorted(points))} both bring an extractor named {name!r}",
            where="extractor",
            remedy="uninstall one of them",
        )
    return next(iter(points.values()))


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown distribution"
