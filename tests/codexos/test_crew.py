# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Threads that wait for work: the first of them does most, no more of them than agreed, nobody's work is lost."""

import asyncio
import gc
import threading
from collections.abc import Callable

import pytest

from codexos.crew import Crew


def name() -> str:
    """Who works."""
    return threading.current_thread().name


def test_one_thread_does_what_comes_one_after_another() -> None:
    async def ask() -> list[str]:
        crew = Crew(8, name="one")
        return [await crew.call(name) for _ in range(20)]

    assert set(asyncio.run(ask())) == {"one_0"}


def test_the_first_of_those_that_rest_works_next_and_each_knows_its_place() -> None:
    places = []

    async def ask() -> list[str]:
        crew, gates = Crew(3, name="first", begin=places.append), [threading.Event() for _ in range(3)]
        calls = [asyncio.create_task(crew.call(_named_after(gate))) for gate in gates]
        await asyncio.sleep(0)
        for place in (1, 0, 2):
            gates[place].set()
            await calls[place]
        return [await crew.call(name) for _ in range(3)]

    assert asyncio.run(ask()) == ["first_0"] * 3
    assert sorted(places) == [0, 1, 2]


def _named_after(gate: threading.Event) -> Callable[[], str]:
    return lambda: name() if gate.wait(30) else "nobody"


def test_there_are_no_more_threads_than_agreed_and_the_rest_waits() -> None:
    async def ask() -> set[str]:
        crew, gate = Crew(2, name="few"), threading.Event()
        calls = [asyncio.create_task(crew.call(_named_after(gate))) for _ in range(9)]
        await asyncio.sleep(0)
        gate.set()
        return set(await asyncio.gather(*calls))

    assert asyncio.run(ask()) == {"few_0", "few_1"}


def test_an_error_is_raised_where_it_was_called_for_and_the_thread_goes_on() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def ask() -> str:
        crew = Crew(1, name="going")
        with pytest.raises(ZeroDivisionError):
            await crew.call(fail)
        return await crew.call(name)

    assert asyncio.run(ask()) == "going_0"


def test_a_call_that_is_given_up_takes_nobody_with_it() -> None:
    async def ask() -> str:
        crew, gate = Crew(1, name="given"), threading.Event()
        call = asyncio.create_task(crew.call(_named_after(gate)))
        await asyncio.sleep(0)
        call.cancel()
        gate.set()
        return await crew.call(name)

    assert asyncio.run(ask()) == "given_0"


def test_threads_end_with_their_crew() -> None:
    async def ask() -> list[threading.Thread]:
        crew = Crew(2, name="ending")
        await asyncio.gather(crew.call(name), crew.call(name))
        return [thread for thread in threading.enumerate() if thread.name.startswith("ending")]

    threads = asyncio.run(ask())
    assert threads
    gc.collect()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
