import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fashquick_client import Accepted, Finished, Progress, Stage, SyncClient
from fashquick_common.errors import NoGarment
from tests.support.garments import STRIPED_REPORT


def client_of(server) -> SyncClient:
    return SyncClient(server.endpoint, segmentation=server.endpoint, features=server.endpoint)


def test_the_whole_way_from_a_plain_thread(server, photo):
    def work():
        with client_of(server) as client:
            events = list(client.try_on(photo, seed=3))
            found = client.segment(photo)
            passport = client.extract_features(photo, found.alpha)
            fidelity = client.score_fidelity(photo, found.alpha, photo, found.alpha, passport=passport)
            return events, passport, fidelity, client.server_info()

    with ThreadPoolExecutor(1) as pool:
        events, passport, fidelity, info = pool.submit(work).result()
    assert events[0].seed == 3
    assert isinstance(events[0], Accepted)
    assert isinstance(events[-1], Finished)
    assert passport.palette[0].name == "red"
    assert fidelity.report == STRIPED_REPORT
    assert info.ready


def test_result(server, photo):
    with client_of(server) as client:
        assert client.try_on_result(photo, seed=9).manifest.seed == 9


def test_models(server):
    with client_of(server) as client:
        assert [model.name for model in client.list_models().models] == ["tiny", "small", "large"]
        assert client.verify_model("tiny").verified
        assert client.load_model("tiny").loaded
        assert not client.unload_model("tiny").loaded


def test_leaving_the_loop_cancels_the_call(server, photo):
    server.hold.clear()
    with client_of(server) as client:
        for event in client.try_on(photo):
            if isinstance(event, Progress) and event.stage is Stage.GENERATION:
                break
        assert server.cancelled.wait(5)


def test_errors_are_raised_in_the_callers_thread(server, photo):
    server.failures = [NoGarment("nothing there")]
    with client_of(server) as client, pytest.raises(NoGarment, match="nothing there"):
        list(client.try_on(photo))


def test_close_ends_the_thread_and_may_be_repeated(server, photo):
    client = client_of(server)
    client.segment(photo)
    client.close()
    client.close()
    assert not any(thread.name == "fashquick-client" for thread in threading.enumerate())


def test_events_left_unread_are_no_trouble_after_close(server, photo):
    server.hold.clear()
    with client_of(server) as client:
        events = client.try_on(photo)
        next(events)
    assert server.cancelled.wait(5)
    events.close()
