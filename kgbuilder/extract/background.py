"""An event loop in a thread of its own, and a bounded stream of work through it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

__all__ = ["BackgroundLoop"]

_STOP_S: Final = 5.0
_TURN: Final = 8

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class BackgroundLoop:
    """An event loop that runs in a daemon thread until `stop`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stream(
        self, items: Iterable[_In], work: Callable[[_In], Coroutine[None, None, _Out]], *, ahead: int
    ) -> Iterator[_Out]:
        """Yield `work(item)` for each item as results come, with at most `ahead` items begun and not yet yielded.

        Items are pulled in the caller's thread. Closing the iterator, or an error of any work, cancels the rest.
        """
        crew = _Crew(self._loop, work)
        waiting = iter(items)
        n_begun = 0
        is_exhausted = False
        try:
            while True:
                # Pulling and yielding take turns: neither a slow source nor a slow consumer leaves the slots idle.
                if not is_exhausted and n_begun < ahead:
                    wanted = min(_TURN, ahead - n_begun)
                    batch = list(islice(waiting, wanted))
                    is_exhausted = len(batch) < wanted
                    crew.begin(batch)
                    n_begun += len(batch)
                if not n_begun:
                    return
                for outcome in crew.outcomes(wait=is_exhausted or n_begun >= ahead):
                    n_begun -= 1
                    yield outcome
        finally:
            crew.dismiss()

    def stop(self, last: Callable[[], Coroutine[None, None, None]] | None = None) -> None:
        """Cancel what still runs, then run `last` in the loop and end the thread; a second call does nothing."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._wind_up(last), self._loop).result(_STOP_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_STOP_S)

    async def _wind_up(self, last: Callable[[], Coroutine[None, None, None]] | None) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if last is not None:
            await last()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


class _Crew(Generic[_In, _Out]):
    """The tasks of one stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[[_In], Coroutine[None, None, _Out]]) -> None:
        self._loop = loop
        self._work = work
        self._tasks: set[asyncio.Task[_Out]] = set()
        self._done: SimpleQueue[asyncio.Task[_Out]] = SimpleQueue()

    def begin(self, items: list[_In]) -> None:
        if items:
            self._loop.call_soon_threadsafe(self._begin_in_loop, items)

    def outcomes(self, *, wait: bool) -> Iterator[_Out]:
        """Yield a few of the results that are ready, after waiting for one if told to; raise what the work raised."""
        if wait:
            yield self._done.get().result()
        for _ in range(_TURN):
            try:
                task = self._done.get_nowait()
            except Empty:
                return
            yield task.result()

    def dismiss(self) -> None:
        """Cancel what still runs and wait until it has let go of its connections."""
        if self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._dismiss_in_loop(), self._loop).result(_STOP_S)

    def _begin_in_loop(self, items: list[_In]) -> None:
        for item in items:
            task = self._loop.create_task(self._work(item))
            self._tasks.add(task)
            task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[_Out]) -> None:
        if not task.cancelled():
            task.exception()  # of many that fail only the first is raised; asyncio prints what nobody has looked at
        self._tasks.discard(task)
        self._done.put(task)

    async def _dismiss_in_loop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
