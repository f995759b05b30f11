"""The contract of ``dispatch.port``: what executor and scheduler may rely on, whichever implementation carries the jobs."""

import asyncio
from datetime import timedelta

from tests.broker.bench import SHORT, Bench, Dead, Recorder, a_job, answers, eventually, ids_of, raising, some_jobs
from twoway_router.dispatch.handling import Patience
from twoway_router.dispatch.port import Ack, DeadJob, DeadLetter, Handled, Job, RetryAfter

QUIET_SECONDS = 0.8


async def test_a_published_job_is_handled(bench: Bench) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job()
    await transport.consume(["webhook.deliver"], handler)

    confirmed = await transport.publish([job])

    await eventually(lambda: handler.finished == 1)
    assert (list(confirmed), handler.ids, handler.jobs[0].attempt) == ([True], ids_of([job]), 1)


async def test_a_job_keeps_its_ids_in_order(bench: Bench) -> None:
    transport, handler = await bench.transport(), Recorder()
    ids = ids_of(some_jobs(5))
    await transport.consume(["message.run"], handler)

    await transport.publish([a_job("message.run", *ids, shard=3)])

    await eventually(lambda: handler.finished == 1)
    assert (handler.ids, handler.jobs[0].shard) == (ids, 3)


async def test_jobs_wait_for_a_consumer(bench: Bench) -> None:
    transport, handler, jobs = await bench.transport(), Recorder(), some_jobs(3)
    await transport.publish(jobs)

    await transport.consume(["webhook.deliver"], handler)

    await eventually(lambda: sorted(handler.ids) == sorted(ids_of(jobs)))


async def test_a_handler_gets_only_the_kinds_it_asked_for(bench: Bench) -> None:
    transport, runs, mails = await bench.transport(), Recorder(), Recorder()
    await transport.consume(["message.run"], runs)
    await transport.consume(["email.deliver"], mails)

    await transport.publish([a_job("message.run", shard=1), a_job("email.deliver")])

    await eventually(lambda: runs.finished == mails.finished == 1)
    assert (runs.jobs[0].job, mails.jobs[0].job) == ("message.run", "email.deliver")


async def test_every_shard_of_an_ordered_kind_is_consumed(bench: Bench) -> None:
    transport, handler = await bench.transport(), Recorder()
    await transport.consume(["sms.deliver"], handler)

    await transport.publish([a_job("sms.deliver", shard=shard) for shard in range(4)])

    await eventually(lambda: sorted(job.shard for job in handler.jobs) == [0, 1, 2, 3])


async def test_no_more_than_prefetch_handlers_run_at_once(bench: Bench) -> None:
    transport, handler = await bench.transport(), Recorder(is_open=False)
    await transport.publish(some_jobs(7))
    await transport.consume(["webhook.deliver"], handler, prefetch=3)
    await eventually(lambda: handler.running == 3)
    await asyncio.sleep(QUIET_SECONDS)

    handler.gate.set()

    await eventually(lambda: handler.finished == 7)
    assert handler.most_running == 3


async def test_one_consumer_starts_the_jobs_of_a_shard_in_order(bench: Bench) -> None:
    transport, handler, jobs = await bench.transport(), Recorder(), some_jobs(40, "message.run", shard=2)
    for job in jobs:
        await transport.publish([job])

    await transport.consume(["message.run"], handler)

    await eventually(lambda: handler.finished == 40)
    assert handler.ids == ids_of(jobs)


async def test_a_job_whose_handler_raised_comes_again_after_a_pause(bench: Bench) -> None:
    transport, handler = await bench.transport(), Recorder(raising)
    await transport.consume(["webhook.deliver"], handler)

    await transport.publish([a_job()])

    await eventually(lambda: len(handler.jobs) == 2)
    assert [job.attempt for job in handler.jobs] == [1, 2]
    assert handler.times[1] - handler.times[0] >= SHORT[0].total_seconds()


async def test_a_handler_that_was_cancelled_from_below_gets_its_job_again(bench: Bench) -> None:
    transport, handler = await bench.transport(), Recorder(answers(Ack()))

    async def cancelled_once(job: Job) -> Handled:
        await handler(job)
        if len(handler.jobs) == 1:
            raise asyncio.CancelledError
        return Ack()

    await transport.consume(["webhook.deliver"], cancelled_once)

    await transport.publish([a_job()])

    await eventually(lambda: len(handler.jobs) == 2)


async def test_a_job_is_not_retried_before_its_delay(bench: Bench) -> None:
    delay = timedelta(seconds=1.1)
    transport, handler = await bench.transport(), Recorder(answers(RetryAfter(delay=delay, reason="busy"), Ack()))
    await transport.consume(["webhook.deliver"], handler)

    await transport.publish([a_job()])

    await eventually(lambda: handler.finished == 2)
    assert handler.times[1] - handler.times[0] >= delay.total_seconds()


async def test_a_retried_job_does_not_hold_up_the_next(bench: Bench) -> None:
    transport, first, second = await bench.transport(), a_job(), a_job()
    handler = Recorder(answers(RetryAfter(delay=timedelta(seconds=1), reason="busy"), Ack()))
    await transport.consume(["webhook.deliver"], handler, prefetch=1)

    await transport.publish([first])
    await transport.publish([second])

    await eventually(lambda: handler.finished == 3)
    assert handler.ids == ids_of([first, second, first])


async def test_after_the_last_try_a_job_is_dead_with_its_reason(bench: Bench) -> None:
    transport = await bench.transport(patience=Patience(tries=2, delays=SHORT))
    handler, dead, job = Recorder(raising), Dead(), a_job()
    await transport.consume(["webhook.deliver"], handler)
    await transport.consume_dead(dead)

    await transport.publish([job])

    await eventually(lambda: len(dead.jobs) == 1)
    assert [(each and each.ids, reason) for each, reason in dead.told] == [
        (job.ids, "given up after 2 tries: RuntimeError")
    ]
    assert len(handler.jobs) == 2


async def test_a_handler_can_send_a_job_to_the_dead_at_once(bench: Bench) -> None:
    transport, dead, job = await bench.transport(), Dead(), a_job("sms.deliver", shard=1)
    handler = Recorder(answers(DeadLetter(reason="no such message")))
    await transport.consume(["sms.deliver"], handler)
    await transport.consume_dead(dead)

    await transport.publish([job])

    await eventually(lambda: len(dead.jobs) == 1)
    [(given, reason)] = dead.told
    assert given is not None
    assert (given.job, given.ids, given.shard, reason) == ("sms.deliver", job.ids, 1, "no such message")


async def test_a_dead_job_is_handed_to_whoever_records_it(bench: Bench) -> None:
    transport, job = await bench.transport(), a_job()
    buried: list[DeadJob] = []

    async def bury(dead: DeadJob) -> None:
        buried.append(dead)
        if len(buried) == 1:
            raise RuntimeError("the database is away")

    await transport.consume_dead(bury)
    await transport.consume(["webhook.deliver"], Recorder(answers(DeadLetter(reason="broken"))))

    await transport.publish([job])

    await eventually(lambda: len(buried) == 2)
    await asyncio.sleep(QUIET_SECONDS)
    assert [(dead.job and dead.job.ids, dead.reason) for dead in buried] == [(job.ids, "broken")] * 2


async def test_a_job_published_twice_is_delivered_twice(bench: Bench) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job()
    await transport.consume(["webhook.deliver"], handler)

    await transport.publish([job, job])

    await eventually(lambda: handler.ids == ids_of([job, job]))


async def test_a_job_that_nobody_could_receive_is_not_confirmed(bench: Bench) -> None:
    transport = await bench.transport()

    confirmed = await transport.publish([a_job(), a_job("fax.deliver"), a_job()])

    assert list(confirmed) == [True, False, True]


async def test_a_job_whose_process_died_while_handling_it_is_delivered_again(bench: Bench) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job("message.run", shard=1)
    await transport.publish([job])
    await bench.crash_while_handling("message.run")

    await transport.consume(["message.run"], handler)

    await eventually(lambda: handler.finished == 1)
    assert handler.ids == ids_of([job])


async def test_consumers_share_the_jobs(bench: Bench) -> None:
    transport, first, second = await bench.transport(), Recorder(is_open=False), Recorder(is_open=False)
    jobs = some_jobs(4)
    await transport.consume(["webhook.deliver"], first, prefetch=2)
    await (await bench.transport()).consume(["webhook.deliver"], second, prefetch=2)

    await transport.publish(jobs)

    await eventually(lambda: first.running == second.running == 2)
    assert sorted(first.ids + second.ids) == sorted(ids_of(jobs))


async def test_draining_finishes_what_has_begun_and_leaves_the_rest(bench: Bench) -> None:
    transport, handler, heir, jobs = await bench.transport(), Recorder(is_open=False), Recorder(), some_jobs(5)
    await transport.publish(jobs)
    await transport.consume(["webhook.deliver"], handler, prefetch=2)
    await eventually(lambda: handler.running == 2)

    draining = asyncio.create_task(transport.drain(timedelta(seconds=10)))
    await asyncio.sleep(0.3)
    handler.gate.set()
    await draining

    await (await bench.transport()).consume(["webhook.deliver"], heir)
    await eventually(lambda: heir.finished == 3)
    await asyncio.sleep(QUIET_SECONDS)
    assert (handler.finished, sorted(handler.ids + heir.ids)) == (2, sorted(ids_of(jobs)))


async def test_draining_gives_back_what_does_not_finish_in_time(bench: Bench) -> None:
    transport, stuck, heir, job = await bench.transport(), Recorder(is_open=False), Recorder(), a_job()
    await transport.consume(["webhook.deliver"], stuck)
    await transport.publish([job])
    await eventually(lambda: stuck.running == 1)

    await transport.drain(timedelta(seconds=0.2))

    await (await bench.transport()).consume(["webhook.deliver"], heir)
    await eventually(lambda: heir.ids == ids_of([job]))


async def test_a_running_transport_is_healthy_and_hears_its_own_heartbeat(bench: Bench) -> None:
    transport = await bench.transport()

    before = transport.last_heartbeat_at
    await eventually(lambda: transport.last_heartbeat_at != before)

    assert transport.is_healthy


async def test_a_drained_transport_is_not_healthy(bench: Bench) -> None:
    transport = await bench.transport()

    await transport.drain(timedelta(seconds=1))

    assert not transport.is_healthy
