"""How many requests run at once, and how long to wait before the next try."""

import asyncio
import math
import random
from collections import deque
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["Slots", "backoff_s", "retry_after_s"]

MAX_BACKOFF_S: Final = 30.0
MAX_RETRY_AFTER_S: Final = 60.0
_GROWTH: Final = 8


class Slots:
    """Slots for requests: half as many when the server is overloaded, then slowly more, up to `most`.

    Additive increase and multiplicative decrease: one eighth more, at least one, for each round of answers. A round is
    halved once, however many of its requests were refused. For one event loop; not thread-safe.
    """

    def __init__(self, most: int) -> None:
        self.limit = float(most)
        self._most = float(most)
        self._n_taken = 0
        self._round = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> int:
        """Wait for a slot; return the round it belongs to."""
        if self._waiting or self._n_taken >= int(self.limit):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.give_back()
                raise
        else:
            self._n_taken += 1
        return self._round

    def give_back(self) -> None:
        """Free a slot for whoever waits longest."""
        self._n_taken -= 1
        while self._waiting and self._n_taken < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._n_taken += 1
                turn.set_result(None)

    def note_answer(self) -> None:
        """Grow a little."""
        if self.limit < self._most:
            self.limit = min(self._most, self.limit + max(1.0, self.limit / _GROWTH) / self.limit)

    def note_overload(self, round_: int) -> None:
        """Halve, unless a request of the same round or a later one has already brought that about."""
        if round_ == self._round:
            self._round += 1
            self.limit = max(1.0, self.limit / 2)


def backoff_s(n_faults: int, first_s: float, dice: random.Random) -> float:
    """Return a random time before the next try; the longest possible one is `first_s` and doubles with each fault."""
    longest = min(MAX_BACKOFF_S, first_s * 2.0 ** min(n_faults - 1, 10))
    return longest * dice.uniform(0.5, 1.0)


def retry_after_s(value: str | None, *, now: datetime | None = None) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, in seconds from now; None when it says nothing usable.

    Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return None if math.isnan(seconds) else min(MAX_RETRY_AFTER_S, max(0.0, seconds))
