import asyncio
import random
from datetime import UTC, datetime

import pytest

from kgbuilder.extract.slots import MAX_BACKOFF_S, MAX_RETRY_AFTER_S, Slots, backoff_s, retry_after_s

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("100000", MAX_RETRY_AFTER_S),
        ("inf", MAX_RETRY_AFTER_S),
        ("Fri, 01 May 2026 12:00:09 GMT", 9.0),
        ("Fri, 01 May 2026 12:00:09 -0000", 9.0),
        ("Fri, 01 May 2020 12:00:00 GMT", 0.0),
        ("Fri, 01 May 2099 12:00:00 GMT", MAX_RETRY_AFTER_S),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Fri, 99 May 2026 12:00:09 GMT", None),
    ],
)
def test_retry_after_reads_seconds_and_dates_within_bounds(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, now=NOW) == seconds


def test_backoff_grows_to_a_bound_and_is_repeatable() -> None:
    waits = [backoff_s(n_faults, 0.5, random.Random(1)) for n_faults in (1, 2, 3, 50)]
    assert waits == sorted(waits)
    assert 0 < waits[0] <= 0.5
    assert waits[-1] <= MAX_BACKOFF_S
    assert waits == [backoff_s(n_faults, 0.5, random.Random(1)) for n_faults in (1, 2, 3, 50)]


def test_slots_bound_what_runs_at_once() -> None:
    slots = Slots(3)
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        await slots.take()
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        slots.give_back()

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(20)))

    asyncio.run(main())
    assert most == 3


def test_an_overload_halves_once_for_all_requests_of_a_round() -> None:
    async def main() -> None:
        slots = Slots(64)
        rounds = [await slots.take() for _ in range(10)]
        for round_ in rounds:
            slots.note_overload(round_)
        assert slots.limit == 32
        slots.note_overload(await slots.take())
        assert slots.limit == 16

    asyncio.run(main())


def test_slots_never_go_below_one_and_grow_back_to_the_most() -> None:
    async def main() -> None:
        slots = Slots(8)
        for _ in range(10):
            slots.note_overload(await slots.take())
            slots.give_back()
        assert slots.limit == 1
        for n_answers in range(100):
            slots.note_answer()
            assert n_answers > 10 or slots.limit < 8
        assert slots.limit == 8

    asyncio.run(main())


def test_a_cancelled_waiter_leaves_its_slot_to_others() -> None:
    async def main() -> None:
        slots = Slots(1)
        await slots.take()
        first = asyncio.create_task(slots.take())
        second = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        slots.give_back()
        assert await asyncio.wait_for(second, 1) == 0

    asyncio.run(main())


def test_a_waiter_cancelled_while_it_is_called_passes_the_slot_on() -> None:
    async def main() -> None:
        slots = Slots(1)
        await slots.take()
        first = asyncio.create_task(slots.take())
        second = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        slots.give_back()
        first.cancel()
        assert await asyncio.wait_for(second, 1) == 0

    asyncio.run(main())
