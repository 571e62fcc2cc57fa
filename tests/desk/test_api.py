"""What holds for every operation of the API: problems, keys of writes, limits, cursors, a complete description."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from django.core.asgi import get_asgi_application
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone
from ninja import NinjaAPI

from entrepot.desk.api import limits
from entrepot.desk.api.api import api
from entrepot.desk.api.bounds import bounded
from entrepot.desk.api.idempotency import KEPT, forget_old_answers, idempotent
from entrepot.desk.api.models import Answer, CallWindow
from entrepot.desk.api.openapi import Op, operations, permission_of
from entrepot.desk.api.pages import PageQuery, page_of
from entrepot.desk.api.problems import ApiError, answers
from entrepot.desk.jobs.models import Job
from entrepot.desk.people.models import ApiKey
from entrepot.desk.plug import permissions
from tests.desk.conftest import Firm

OPERATIONS = list(operations(api))
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))


def named(op: Op) -> str:
    return f"{op.method} {op.path}"


# Every operation


@pytest.mark.parametrize("op", [op for op in OPERATIONS if op.writes], ids=named)
def test_every_write_can_be_sent_twice(op: Op) -> None:
    view = op.operation.view_func
    assert hasattr(view, "idempotent") or hasattr(view, "reading"), f"{named(op)} lacks @idempotent (or @reading, if it changes nothing)"


@pytest.mark.parametrize("op", OPERATIONS, ids=named)
def test_every_operation_names_a_known_permission(op: Op) -> None:
    assert permission_of(op.operation) in {"public", "signed-in", *permissions()}


def described(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_description_says_everything_of_every_operation(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"]
    assert len(list(described(document))) == len(OPERATIONS)
    for name, operation in described(document):
        assert {"400", "401", "429"} <= operation["responses"].keys(), name
        assert any(status.startswith("2") for status in operation["responses"]), name
        assert operation["summary"], name
        assert operation["tags"], name
        assert "security" in operation, name


def test_examples_fit_their_schemas(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in described(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in (media for body in bodies for media in body.get("content", {}).values()):
            if "schema" in media and media["schema"].get("format") != "binary":
                whole = {**media["schema"], "components": {"schemas": schemas}}
                assert "example" in media, name
                assert not list(jsonschema_rs.validator_for(whole).iter_errors(media["example"])), name


def test_the_description_and_the_reference_page_are_open_to_all(db: None) -> None:
    client = Client()
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Entrepot"
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    for op in OPERATIONS:
        assert op.path.split("{")[0] in page.content.decode()


# Errors


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/me", 401, "not-authenticated"),
        ("GET", "/api/v1/nothing-here", 404, "not-found"),
        ("DELETE", "/api/v1/me", 405, "method-not-allowed"),
        ("GET", "/api/v1/?x=%00", 400, "bad-request"),
    ],
)
def test_every_error_is_a_problem(db: None, method: str, path: str, status: int, code: str) -> None:
    response = Client().generic(method, path)
    assert response.status_code == status
    assert response["Content-Type"] == PROBLEM
    problem = response.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["detail"]
    assert problem["request_id"] == response["X-Request-ID"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 500_000, b'{"quotes": NaN}', b'{"a": "\\ud800"}', b"\xff\xfe", b'{"a": "\\u0000"}', b'{"a": 1e999}', b'{"a":' * 50_000],
    ids=["cut", "deep list", "NaN", "half a character", "not UTF-8", "NUL", "infinite", "deep object"],
)
def test_a_body_that_is_not_good_json_is_told_so(db: None, body: bytes) -> None:
    response = Client().post("/api/v1/quotes", body, content_type="application/json")
    assert response.status_code == 400, response.content
    assert response.json()["code"] == "bad-request"


def test_a_body_too_large_is_refused_before_it_is_read(db: None) -> None:
    response = Client().post("/api/v1/quotes", b" " * (12 << 20) + b"{}", content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too-large")


@pytest.mark.parametrize(
    ("path", "pieces_read"),
    [("/api/v1/quotes", 66), ("/accounts/login/", 5), ("/quote/store/", 5), ("/nowhere/", 5),
     ("/inspection/7c9e6679-7425-40de-944b-e07fc1f90ae7/evidence/", 205)],
)
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
def test_a_body_without_end_is_turned_away_while_it_arrives(announced: bool, path: str, pieces_read: int) -> None:
    sent: list[Any] = []
    pieces = 0

    async def receive() -> Any:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": b" " * (1 << 20), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    length = [(b"content-length", str(10 << 30).encode())] if announced else []
    scope = {
        "type": "http", "path": path, "method": "POST", "query_string": b"", "headers": [(b"host", b"localhost"), *length],
    }  # fmt: skip
    asyncio.run(bounded(get_asgi_application())(scope, receive, send))
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too-large" if path.startswith("/api/") else "过大" in sent[1]["body"].decode()
    assert pieces == (0 if announced else pieces_read)


def test_a_revoked_key_opens_nothing(firm: Firm) -> None:
    headers = firm.headers("trader")
    assert Client().get("/api/v1/me", headers=headers).json()["organisation"]["name"] == "Tide"
    ApiKey.objects.update(revoked_at=timezone.now())
    assert Client().get("/api/v1/me", headers=headers).status_code == 401


# Writes that are sent twice

tried = NinjaAPI(urls_namespace="tried")


@tried.exception_handler(ApiError)
def _problem(request: Any, error: ApiError) -> Any:
    return tried.create_response(request, {"code": error.code}, status=error.status)


@tried.exception_handler(OperationalError)
def _busy(request: Any, error: OperationalError) -> Any:
    return tried.create_response(request, {"code": "unavailable"}, status=503)


@tried.post("/jobs", response=answers(dict[str, str], 409, status=201))
@idempotent
def make_job(request: Any, fail: bool = False) -> Any:
    job = Job.objects.create(organisation=request.acting.organisation, kind=json.loads(request.body)["kind"], actor="test")
    if fail:
        raise ApiError(409, "conflict", "after the change")
    return {"id": str(job.id)}


class Caller:
    """Sends writes of one organisation under one key."""

    def __init__(self, firm: Firm, key: str | None = "k-1") -> None:
        self.acting, self.headers = firm.acting("trader"), {"Idempotency-Key": key} if key else {}

    def post(self, kind: str = "one", path: str = "/jobs") -> Any:
        request = RequestFactory().post(path, json.dumps({"kind": kind}), content_type="application/json", headers=self.headers)
        request.acting = self.acting  # type: ignore[attr-defined]
        view = next(view for router in tried._get_bound_routers() for view in router.path_operations.values())
        return view.get_view()(request)


def test_the_same_write_is_done_once(firm: Firm) -> None:
    caller = Caller(firm)
    first, again = caller.post(), caller.post()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_another_write_under_the_same_key_is_refused(firm: Firm) -> None:
    caller = Caller(firm)
    caller.post()
    refused = caller.post("two")
    assert (refused.status_code, json.loads(refused.content)) == (422, {"code": "idempotency-key-reused"})
    assert Job.objects.count() == 1


def test_keys_of_organisations_do_not_meet(firm: Firm, stranger: Firm) -> None:
    assert Caller(firm).post().content != Caller(stranger).post().content
    assert Job.objects.count() == 2


def test_a_failed_write_changes_nothing_and_may_be_sent_again(firm: Firm) -> None:
    caller = Caller(firm)
    assert caller.post(path="/jobs?fail=true").status_code == 409
    assert (Job.objects.count(), Answer.objects.count()) == (0, 0)
    assert caller.post().status_code == 201


def test_a_kept_answer_is_forgotten_after_a_day(firm: Firm) -> None:
    caller = Caller(firm)
    caller.post()
    Answer.objects.update(created_at=timezone.now() - KEPT)
    assert "Idempotency-Replayed" not in caller.post()
    Answer.objects.update(created_at=timezone.now() - KEPT)
    assert forget_old_answers() == 1


def test_a_key_must_send_the_header_and_a_person_need_not(firm: Firm) -> None:
    key, _ = ApiKey.issue(organisation=firm.organisation, name="x", scopes=[], expires_at=timezone.now() + KEPT)
    caller = Caller(firm, None)
    assert caller.post().status_code == 201
    caller.acting = type(caller.acting)(firm.organisation, None, key=key)
    assert json.loads(caller.post().content) == {"code": "idempotency-key-missing"}
    caller.headers = {"Idempotency-Key": "x" * 81}
    assert json.loads(caller.post().content) == {"code": "idempotency-key-invalid"}


@pytest.mark.django_db(transaction=True)
def test_parallel_writers_of_one_key_do_it_once(firm: Firm) -> None:
    answered: list[Any] = []

    def send() -> None:
        try:
            answered.append(Caller(firm).post())
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.objects.count() == 1
    assert {201} < {one.status_code for one in answered} | {0} <= {0, 201, 409, 503}  # 503: SQLite in memory does not wait
    assert len({one.content for one in answered if one.status_code == 201}) == 1


# Limits


@pytest.fixture
def three_a_minute(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr("entrepot.desk.api.limits.time.time", lambda: 1_800_000_010.0)
    _, token = ApiKey.issue(
        organisation=firm.organisation, name="slow", scopes=[], requests_per_minute=3, expires_at=timezone.now() + KEPT
    )
    return {"Authorization": f"Bearer {token}"}


def test_a_key_is_told_how_often_it_may_call_and_then_to_wait(three_a_minute: dict[str, str]) -> None:
    client = Client(headers=three_a_minute)
    told = [client.get("/api/v1/me") for _ in range(4)]
    assert [one.status_code for one in told] == [200, 200, 200, 429]
    assert [one["RateLimit-Remaining"] for one in told] == ["2", "1", "0", "0"]
    assert told[3]["RateLimit-Limit"] == "3"
    assert told[3]["Retry-After"] == told[3]["RateLimit-Reset"] == "50"
    assert told[3].json()["code"] == "too-many-requests"


def test_the_limit_holds_over_processes(three_a_minute: dict[str, str]) -> None:
    client = Client(headers=three_a_minute)
    statuses = []
    for _ in range(5):
        limits._lots.clear()  # another process: it knows of no lot
        statuses.append(client.get("/api/v1/me").status_code)
    assert statuses == [200, 200, 200, 429, 429]


def test_nothing_is_kept_of_a_caller_but_a_hash(three_a_minute: dict[str, str]) -> None:
    Client(headers=three_a_minute).get("/api/v1/")
    assert all(len(window.caller) == 64 for window in CallWindow.objects.all())


# Pages


def test_pages_neither_skip_nor_repeat_while_rows_are_added(firm: Firm) -> None:
    def add(kind: str) -> Job:
        return Job.objects.create(organisation=firm.organisation, kind=kind, actor="test")

    ids = [str(add(f"job {number}").id) for number in range(7)][::-1]
    Job.objects.update(created_at=timezone.now())  # all at one moment: only the id tells them apart
    ids = sorted(ids, key=UUID, reverse=True)
    seen: list[str] = []
    cursor = None
    while True:
        page = page_of(Job.objects.of(firm.organisation), PageQuery(limit=3, cursor=cursor), lambda job: str(job.id))
        seen += page["items"]
        add("later")
        cursor = page["next"]
        if cursor is None:
            break
    assert [one for one in seen if one in ids] == ids


@pytest.mark.parametrize("mend", [lambda cursor: cursor + "x", lambda cursor: "x" + cursor, lambda _: "", lambda _: "a:b:c"])
def test_a_cursor_that_was_touched_is_refused(firm: Firm, mend: Any) -> None:
    for _ in range(2):
        Job.objects.create(organisation=firm.organisation, kind="x", actor="test")
    rows = Job.objects.of(firm.organisation)
    cursor = page_of(rows, PageQuery(limit=1, cursor=None), str)["next"]
    touched = mend(cursor)
    if touched:
        with pytest.raises(ApiError, match="cursor"):
            page_of(rows, PageQuery(limit=1, cursor=touched), str)
    with pytest.raises(ApiError, match="cursor"):
        page_of(rows, PageQuery(limit=1, cursor=cursor), str, name="another list")
