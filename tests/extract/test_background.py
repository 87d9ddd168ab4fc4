import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from kgbuilder.extract.background import BackgroundLoop


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    running = BackgroundLoop("test")
    yield running
    running.stop()


async def double(number: int) -> int:
    await asyncio.sleep(0.001 * (number % 3))
    return 2 * number


def test_every_item_comes_back_once(loop: BackgroundLoop) -> None:
    assert sorted(loop.stream(range(100), double, ahead=10)) == [2 * number for number in range(100)]


@pytest.mark.parametrize("ahead", [1, 2, 100])
def test_nothing_in_nothing_out(loop: BackgroundLoop, ahead: int) -> None:
    assert list(loop.stream([], double, ahead=ahead)) == []


def test_items_are_pulled_only_as_far_ahead_as_told(loop: BackgroundLoop) -> None:
    pulled: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            pulled.append(number)
            yield number

    results = loop.stream(source(), double, ahead=10)
    for n_yielded in range(1, 51):
        next(results)
        assert len(pulled) <= n_yielded + 10
    results.close()
    assert len(pulled) <= 60


def test_a_slow_source_does_not_hold_up_what_is_ready(loop: BackgroundLoop) -> None:
    def source() -> Iterator[int]:
        for number in range(1000):
            time.sleep(0.001)
            yield number

    started = time.monotonic()
    next(loop.stream(source(), double, ahead=1000))
    assert time.monotonic() - started < 0.5


def test_closing_cancels_what_runs(loop: BackgroundLoop) -> None:
    cancelled = threading.Event()

    async def hang(number: int) -> int:
        if number == 0:
            return 0
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return number

    results = loop.stream(range(10), hang, ahead=4)
    assert next(results) == 0
    started = time.monotonic()
    results.close()
    assert cancelled.is_set()
    assert time.monotonic() - started < 2


def test_an_error_of_the_work_is_raised_and_the_rest_cancelled(loop: BackgroundLoop) -> None:
    async def fail(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        await asyncio.sleep(60)
        return number

    with pytest.raises(ValueError, match="three"):
        list(loop.stream(range(10), fail, ahead=8))


def test_an_error_of_the_source_is_raised_and_the_rest_cancelled(loop: BackgroundLoop) -> None:
    def source() -> Iterator[int]:
        yield from range(20)
        raise OSError("the file went away")

    with pytest.raises(OSError, match="went away"):
        list(loop.stream(source(), double, ahead=4))


def test_a_loop_stops_twice_without_harm() -> None:
    running = BackgroundLoop("test")
    assert list(running.stream([1], double, ahead=1)) == [2]
    running.stop()
    running.stop()
    assert not any(thread.name == "test" for thread in threading.enumerate())
