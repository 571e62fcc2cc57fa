"""Webhooks: signed, tried again, stopped when nobody answers, never led into the network of the desk."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from entrepot.desk.audit.models import AuditEntry
from entrepot.desk.jobs.models import Job
from entrepot.desk.jobs.run import enqueue, run_job
from entrepot.desk.operations.worker import _deliver, deliverer
from entrepot.desk.plug import event_kinds
from entrepot.desk.told import Told
from entrepot.desk.webhooks import hooks
from entrepot.desk.webhooks.deliver import FAILURES_MOST, PAUSES_SECONDS, QUEUE, deliver, tidy
from entrepot.desk.webhooks.emit import BODY_BYTES, emit
from entrepot.desk.webhooks.guard import resolve
from entrepot.desk.webhooks.models import Delivery, Webhook
from entrepot.desk.webhooks.signing import signature, verify
from tests.desk.conftest import Firm
from tests.docs.pages import DOCS, blocks

KIND = event_kinds()[0]
HERE = "/administration/webhooks/"


class Receiver(ThreadingHTTPServer):
    """Another system: keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.drips = False
        self.came = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


class _Answering(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((dict(self.headers), body))
        self.server.came.set()
        if self.server.drips:
            self._drip()
            return
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def _drip(self) -> None:
        with suppress(OSError):  # the caller has had enough
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while self.server.drips:
                self.wfile.write(b"X: y\r\n")
                time.sleep(0.05)

    def log_message(self, format: str, *arguments: Any) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hook(firm: Firm, receiver: Receiver) -> Webhook:
    return hooks.add(firm.acting("administrator"), receiver.url, [KIND])[0]


def told(firm: Firm, **payload: Any) -> Delivery:
    """An event of the firm, on its way."""
    emit(firm.organisation, KIND, payload)
    delivery: Delivery = Delivery.objects.of(firm.organisation).latest("created_at")
    return delivery


def sent(delivery: Delivery) -> Delivery:
    """The delivery after the worker tried it now, when it was due and its address had rested."""
    Webhook.objects.update(rests_until=None)
    Delivery.objects.filter(id=delivery.id, state="waiting").update(next_try_at=timezone.now())
    deliver.func(str(delivery.id))
    delivery.refresh_from_db()
    return delivery


def test_an_event_arrives_signed(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    delivery = sent(told(firm, batch="b-1", state="完成"))
    assert (delivery.state, delivery.last_status, delivery.attempts) == ("delivered", 200, 1)
    headers, body = receiver.received[0]
    assert json.loads(body)["data"] == {"batch": "b-1", "state": "完成"}
    assert json.loads(body)["id"] == headers["Entrepot-Event"] == str(delivery.event)
    assert headers["Host"] == f"127.0.0.1:{receiver.server_port}"
    assert verify(hook.secret, headers["Entrepot-Signature"], body, time.time())
    assert not verify("whsec_other", headers["Entrepot-Signature"], body, time.time())
    assert not verify(hook.secret, headers["Entrepot-Signature"], body + b" ", time.time())


@pytest.mark.parametrize(
    ("header", "holds"),
    [
        (signature("s", 1_000, b"{}"), True),
        (signature("s", 1_000, b"{}").replace("t=1000", "t=1001"), False),
        (signature("s", 600, b"{}"), False),
        (signature("s", 1_400, b"{}"), False),
        ("", False),
        ("t=1000,v1=", False),
        ("v1=0", False),
    ],
)
def test_a_signature_holds_only_for_its_body_and_its_time(header: str, holds: bool) -> None:
    assert verify("s", header, b"{}", now_s=1_000) is holds


def test_the_check_the_docs_show_is_ours() -> None:
    shown = next(block for block in blocks(DOCS / "howto" / "api.md") if block.title == "verify.py")
    names: dict[str, Any] = {}
    exec(shown.content, names)
    now = int(time.time())
    for header in (signature("s", now, b"{}"), signature("s", now - 400, b"{}"), signature("x", now, b"{}"), "", "t=1,v1="):
        assert names["verify"]("s", header, b"{}") is verify("s", header, b"{}", now)


def test_a_receiver_that_fails_is_tried_again_with_the_same_bytes(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    delivery = sent(told(firm))
    assert (delivery.state, delivery.last_error) == ("waiting", "answered 500")
    assert delivery.next_try_at is not None
    assert delivery.next_try_at > timezone.now() + timedelta(seconds=5)
    deliver.func(str(delivery.id))
    assert len(receiver.received) == 1, "not before its time"
    assert sent(delivery).last_error == "redirects are not followed"
    assert sent(delivery).state == "delivered"
    assert len({body for _, body in receiver.received}) == 1


def test_a_receiver_that_never_answers_is_stopped_within_a_day(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    assert sum(PAUSES_SECONDS) <= 24 * 3600
    receiver.server_close()
    delivery = told(firm)
    for _ in range(len(PAUSES_SECONDS) + 1):
        assert delivery.state == "waiting"
        sent(delivery)
    hook.refresh_from_db()
    assert (delivery.state, hook.active, hook.stopped_because) == ("failed", False, "failing")
    assert AuditEntry.objects.filter(action="webhook.stopped").count() == 1
    assert emit(firm.organisation, KIND, {}) == 0


@pytest.mark.django_db(transaction=True)
def test_administrators_are_told_of_a_stop(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [410]
    delivery = sent(told(firm))
    assert (delivery.state, delivery.webhook.stopped_because) == ("failed", "gone")
    assert [letter.to for letter in mail.outbox] == [["administrator@tide.example"]]
    assert str(hook.id) in mail.outbox[0].body


@pytest.mark.django_db(transaction=True)
def test_an_event_goes_with_its_change(firm: Firm, hook: Webhook) -> None:
    before = DBTaskResult.objects.count()
    with transaction.atomic():
        emit(firm.organisation, KIND, {})
        transaction.set_rollback(True)
    assert (Delivery.objects.count(), DBTaskResult.objects.count()) == (0, before)
    emit(firm.organisation, KIND, {})
    assert (Delivery.objects.count(), DBTaskResult.objects.count()) == (1, before + 1)


def test_an_answer_that_drips_ends_at_the_deadline(
    firm: Firm, hook: Webhook, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes soon enough for the timeout of a read: only a deadline over all of them ends it."""
    monkeypatch.setattr("entrepot.desk.webhooks.deliver.DEADLINE_SECONDS", 0.5)
    receiver.drips = True
    delivery = sent(told(firm))
    receiver.drips = False
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("waiting", None, "no answer within 0.5 seconds")


def test_an_address_that_is_not_reached_rests_and_its_events_wait(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    receiver.server_close()
    for _ in range(FAILURES_MOST):
        sent(told(firm))
    waiting = told(firm)
    deliver.func(str(waiting.id))
    waiting.refresh_from_db()
    hook.refresh_from_db()
    assert (waiting.state, waiting.attempts, waiting.next_try_at) == ("waiting", 0, hook.rests_until)
    page = firm.client("administrator").get(f"{HERE}{hook.id}/")
    assert hook.rests_until is not None
    assert page.context["rests_until"] == hook.rests_until > timezone.now()
    assert "notice--warn" in page.content.decode()
    hooks.send_test(firm.acting("administrator"), hook)
    deliver.func(str(waiting.id))
    Delivery.objects.filter(id=waiting.id).update(next_try_at=timezone.now())
    deliver.func(str(waiting.id))
    waiting.refresh_from_db()
    assert waiting.attempts == 1, "a person who asks is not kept waiting"


def test_an_address_that_answers_is_not_at_rest(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    Webhook.objects.update(failures=FAILURES_MOST + 1, failing_since=timezone.now())
    receiver.answers = [500]
    sent(told(firm))
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since, hook.rests_until) == (0, None, None)


def test_an_address_not_reached_for_a_day_is_stopped_however_many_events_wait(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    receiver.server_close()
    Webhook.objects.update(failures=40, failing_since=timezone.now() - timedelta(days=1))
    delivery = sent(told(firm))
    hook.refresh_from_db()
    assert (delivery.state, delivery.attempts, hook.active, hook.stopped_because) == ("failed", 1, False, "failing")


@pytest.mark.django_db(transaction=True)
def test_deliveries_have_a_thread_that_takes_nothing_else(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    delivery, job = told(firm), enqueue(firm.acting("trader"), "audit.verify")
    queues = dict(DBTaskResult.objects.values_list("task_path", "queue_name"))
    assert {path.rpartition(".")[2]: queue for path, queue in queues.items()} == {"deliver": QUEUE, "run_job": "default"}
    worker, stop = deliverer(), threading.Event()
    thread = threading.Thread(target=_deliver, args=(worker, stop))
    thread.start()
    receiver.came.wait(30)
    stop.set()
    worker.running = False
    thread.join(30)
    delivery.refresh_from_db()
    job.refresh_from_db()
    assert (thread.is_alive(), delivery.state, job.state) == (False, "delivered", "queued")


def test_only_webhooks_that_ask_are_told(firm: Firm, stranger: Firm, hook: Webhook) -> None:
    assert emit(firm.organisation, "another.kind", {}) == 0
    assert emit(stranger.organisation, KIND, {}) == 0
    hooks.change(firm.acting("administrator"), hook, active=False)
    assert emit(firm.organisation, KIND, {}) == 0


def test_a_job_that_ends_is_told_with_its_state(firm: Firm, hook: Webhook, receiver: Receiver) -> None:
    hooks.change(firm.acting("administrator"), hook, kinds=["job.ended"])
    job = Job.objects.create(organisation=firm.organisation, kind="batches.clear", actor="test", arguments={"batch": str(uuid4())})
    run_job.func(str(job.id))
    sent(Delivery.objects.get())
    assert json.loads(receiver.received[0][1])["data"] == {"job": str(job.id), "kind": "batches.clear", "state": "failed"}


def test_an_event_too_large_is_a_fault_of_ours(firm: Firm, hook: Webhook) -> None:
    with pytest.raises(ValueError, match="send ids"):
        emit(firm.organisation, KIND, {"x": "x" * BODY_BYTES})


def test_a_delivery_whose_worker_died_is_taken_up(firm: Firm, hook: Webhook) -> None:
    told(firm)
    Delivery.objects.update(attempts=1, next_try_at=timezone.now() - timedelta(minutes=5))
    before = DBTaskResult.objects.count()
    tidy()
    assert DBTaskResult.objects.count() == before + 1


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://user:password@93.184.215.14/",
        "https://93.184.215.14/#fragment",
        "https://93.184.215.14:0/",
        "https://93.184.215.14:99999/",
        "https://no-such-host.invalid/",
        "ftp://93.184.215.14/",
        "file:///etc/passwd",
        "https:///",
        "https://" + "a" * 500,
    ],
)
def test_a_webhook_never_leads_into_the_network_of_the_desk(url: str, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = False
    with pytest.raises(Told):
        resolve(url)


def test_a_public_address_is_called_by_number_under_its_name(settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = False
    target = resolve("https://93.184.215.14:8443/a?b=c")
    assert (target.url, target.host_header) == ("https://93.184.215.14:8443/a?b=c", "93.184.215.14:8443")


def test_an_address_that_became_private_is_not_called(firm: Firm, hook: Webhook, receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_PRIVATE = False
    delivery = sent(told(firm))
    assert not receiver.received
    assert "https" in delivery.last_error


def test_an_administrator_adds_tests_pauses_and_removes_one(firm: Firm, receiver: Receiver) -> None:
    client = firm.client("administrator")
    made = client.post(HERE, {"url": receiver.url, "kinds": [KIND]})
    hook = Webhook.objects.get()
    assert hook.secret in made.content.decode()
    page = f"{HERE}{hook.id}/"
    assert hook.secret not in client.get(page).content.decode() + client.get(HERE).content.decode()
    client.post(f"{page}test/")
    delivery = sent(Delivery.objects.get())
    assert json.loads(receiver.received[0][1])["kind"] == "webhook.test"
    client.post(f"{page}deliveries/{delivery.id}/")
    assert sent(delivery).state == "delivered"
    assert receiver.received[0][1] == receiver.received[1][1]
    client.post(f"{page}active/")
    assert not Webhook.objects.get().active
    assert client.post(f"{page}test/", follow=True).status_code == 200
    client.post(f"{page}remove/")
    assert not Webhook.objects.exists()
    assert [one.action for one in AuditEntry.objects.filter(action__startswith="webhook.")] == [
        "webhook.added", "webhook.tested", "webhook.redelivered", "webhook.changed", "webhook.removed",
    ]  # fmt: skip


def test_what_is_not_allowed_is_said_on_the_page_in_both_languages(firm: Firm) -> None:
    client = firm.client("administrator")
    refused = client.post(HERE, {"url": "ftp://example.org", "kinds": [KIND]})
    assert refused.status_code == 422
    client.cookies["django_language"] = "zh-hans"
    refused = client.post(HERE, {"url": "http://10.0.0.1/", "kinds": [KIND]})
    assert "内部网络" in refused.content.decode()
    assert not Webhook.objects.exists()


def test_the_same_by_the_api(firm: Firm, stranger: Firm, receiver: Receiver) -> None:
    headers = firm.headers("administrator")

    def call(method: str, path: str, body: Any = None, who: dict[str, str] = headers) -> Any:
        own = {**who, "Idempotency-Key": str(uuid4())}
        return firm.client("trader").generic(
            method, f"/api/v1/webhooks{path}", json.dumps(body), content_type="application/json", headers=own
        )

    made = call("POST", "", {"url": receiver.url, "kinds": [KIND]})
    assert made.status_code == 201
    hook = made.json()
    assert hook["secret"].startswith("whsec_")
    one = f"/{hook['id']}"
    assert "secret" not in call("GET", one).json()
    assert KIND in call("GET", "/kinds").json()["kinds"]
    assert call("GET", one, who=stranger.headers("administrator")).status_code == 404
    assert call("GET", "", who=firm.headers("trader")).status_code == 403
    delivery = call("POST", f"{one}/test").json()
    sent(Delivery.objects.get())
    listed = call("GET", f"{one}/deliveries").json()
    assert [(row["id"], row["state"]) for row in listed["items"]] == [(delivery["id"], "delivered")]
    assert call("POST", f"{one}/deliveries/{delivery['id']}/redeliver").status_code == 202
    assert call("PATCH", one, {"kinds": ["no.such"]}).json()["code"] == "invalid"
    assert call("PATCH", one, {"active": False}).json()["active"] is False
    assert call("DELETE", one).status_code == 204
    assert call("GET", one).status_code == 404
