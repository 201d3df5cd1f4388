"""A lane holds so many and no more, and lets them go in the order they came."""

import asyncio
import threading

import pytest

from agroforest.web.lanes import Lane


def test_no_more_than_its_width_and_in_order() -> None:
    lane, inside, most, begun = Lane(2), [0], [0], []
    lock, gate = threading.Lock(), threading.Event()

    def work(number: int) -> int:
        with lock:
            begun.append(number)
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        gate.wait(5)
        with lock:
            inside[0] -= 1
        return number

    async def ask() -> list[int]:
        asked = [asyncio.create_task(lane.run(work, number=n)) for n in range(6)]
        while len(begun) < 2:
            await asyncio.sleep(0)
        assert most == [2]
        gate.set()
        return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == list(range(6))
    assert most == [2]
    assert sorted(begun[:2]) == [0, 1]
    assert sorted(begun) == list(range(6))


def test_what_goes_wrong_is_raised_and_frees_the_lane() -> None:
    lane = Lane(1)

    async def ask() -> int:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await lane.run(lambda: 1 // 0)
        return await lane.run(lambda: 7)

    assert asyncio.run(ask()) == 7
