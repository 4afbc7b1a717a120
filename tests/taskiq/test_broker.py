"""`.kiq()`: Taskiq's way to enqueue."""

import asyncio
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from taskiq import SendTaskError

from revenge_adapters.taskiq.broker import JobBroker
from revenge_core.background import Job, JobContext, JobSpec, JobState
from revenge_core.jobs.errors import JobKindUnknown, JobRefused
from revenge_core.secrets import Secret
from tests.taskiq.yard import Errand, Stranger, Yard, nothing


class Delivery(Job, kw_only=True):
    """Something to do that needs a secret."""

    spec: ClassVar[JobSpec] = JobSpec(kind="delivery")

    key: Secret


@pytest.fixture
async def broker(yard: Yard) -> JobBroker:
    yard.handlers.add(Errand, nothing)
    shift = yard.shift()
    broker = JobBroker(lambda _works: nullcontext(shift))
    await broker.startup()
    return broker


def task(broker: JobBroker, kind: str) -> Any:  # noqa: ANN401 -- takes whatever the kind's fields are
    found = broker.find_task(kind)
    assert found is not None
    return found


async def test_a_registered_task_is_kicked_with_its_fields_and_done(yard: Yard) -> None:
    got: list[str] = []

    async def handler(job: Errand, _ctx: JobContext) -> None:
        got.append(job.what)

    yard.handlers.add(Errand, handler)
    async with yard.working() as shift:
        broker = JobBroker(lambda _works: nullcontext(shift))
        await broker.startup()
        kicked = [await task(broker, "errand").kiq(what="milk"), await task(broker, "errand").kiq(Errand(what="eggs"))]
        for one in kicked:
            await yard.found_in(int(one.task_id), JobState.COMPLETED)
        await broker.shutdown()
    assert got == ["milk", "eggs"]


async def test_labels_say_what_is_special_about_a_job(yard: Yard, broker: JobBroker) -> None:
    kicker = task(broker, "errand").kicker()
    kicked = await kicker.with_labels(queue="low", priority=1, max_attempts=7, delay=60).kiq()
    found = await yard.find(int(kicked.task_id))
    assert found.state is JobState.SCHEDULED
    assert timedelta(seconds=40) < found.wait <= timedelta(seconds=60)
    assert await yard.store.claim("worker", {"low": 1}) == ()


async def test_a_secret_may_be_given_as_text_and_is_sealed(yard: Yard) -> None:
    yard.handlers.add(Delivery, nothing)
    shift = yard.shift()
    broker = JobBroker(lambda _works: nullcontext(shift))
    await broker.startup()
    await task(broker, "delivery").kiq(key="open sesame")
    (claimed,) = await yard.store.claim("worker", {"default": 1})
    assert b"sesame" not in bytes(claimed.args)


@pytest.mark.parametrize("fields", [{"what": 5}, {"what": None}])
async def test_fields_that_do_not_fit_are_refused(broker: JobBroker, fields: dict[str, object]) -> None:
    with pytest.raises(SendTaskError) as caught:
        await task(broker, "errand").kiq(**fields)
    assert isinstance(caught.value.__cause__, JobRefused)


async def test_a_payload_of_another_kind_is_refused(broker: JobBroker) -> None:
    with pytest.raises(SendTaskError) as caught:
        await task(broker, "errand").kiq(Stranger())
    assert isinstance(caught.value.__cause__, JobRefused)


async def test_labels_that_make_no_sense_are_refused(broker: JobBroker) -> None:
    with pytest.raises(SendTaskError) as caught:
        await task(broker, "errand").kicker().with_labels(queue="urgent").kiq()
    assert isinstance(caught.value.__cause__, JobRefused)


async def test_a_task_that_is_no_job_is_refused(broker: JobBroker) -> None:
    with pytest.raises(SendTaskError) as caught:
        await broker.register_task(asyncio.sleep, task_name="sleep").kiq(1)
    assert isinstance(caught.value.__cause__, JobKindUnknown)


async def test_a_broker_that_is_not_started_says_so(yard: Yard) -> None:
    with pytest.raises(RuntimeError, match=r"broker\.startup"):
        _ = JobBroker(lambda _works: nullcontext(yard.shift())).shift


async def test_a_broker_can_be_started_again(broker: JobBroker) -> None:
    await broker.shutdown()
    await broker.startup()
    await task(broker, "errand").kiq()
    assert len(broker.middlewares) == 1
    await broker.shutdown()
