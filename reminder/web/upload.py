"""A ledger uploaded, its difference looked at, and only then accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete
from sqlmodel import Session, col
from starlette.datastructures import FormData, UploadFile

from reminder.store.engine import reading, writing
from reminder.store.upload_tables import UploadRow
from reminder.web.access import Refused, officer
from reminder.web.forms import Number, day, form, text
from reminder.web.hall import hall
from reminder.web.pages import page

if TYPE_CHECKING:
    from reminder.ledger.registered import Registered

router = APIRouter(dependencies=[Depends(officer)])
_KEPT = timedelta(hours=1)
_SHOWN = 200  # rows that need a person


@router.get("/upload")
def asked(request: Request) -> Response:
    """The form."""
    here = hall(request)
    return page(request, "upload.html", today=here.app.today(here.now()))


@router.post("/upload")
async def looked_at(request: Request, sent: Annotated[FormData, Depends(form)]) -> Response:
    """What the workbook would change. Nothing is changed yet."""
    here = hall(request)
    file = sent.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise Refused(422, "web.unreadable")
    row = UploadRow(
        by=request.state.person.name,
        file=Path(file.filename.replace("\\", "/")).name[-120:],
        sheet=text(sent, "sheet", 60) or None,
        ledger=text(sent, "ledger", 60),
        as_of=day(sent, "as_of") or here.app.today(here.now()),
        renumbered=bool(text(sent, "renumbered", 5)),
        uploaded_at=here.now(),
        content=await file.read(),
    )
    return await run_in_threadpool(_shown, request, row)


def _shown(request: Request, row: UploadRow) -> Response:
    here = hall(request)
    done = _imported(request, row, dry_run=True)
    with writing(here.app.engine) as session:
        _forget_old(session, request)
        session.add(row)
        session.flush()
        number = row.id
    return page(request, "uploaded.html", done=done, number=number, accepted=False, **_facts(done))


@router.post("/upload/{number}")
def accepted(request: Request, number: Number, sent: Annotated[FormData, Depends(form)]) -> Response:
    """Imports a workbook that was looked at. Gone after an hour, and for everybody but who uploaded it."""
    here = hall(request)
    with reading(here.app.engine) as session:
        row = session.get(UploadRow, number)
    if row is None or row.by != request.state.person.name or row.uploaded_at < here.now() - _KEPT:
        raise Refused(404, "desk.upload_gone")
    done = _imported(request, row, dry_run=False)
    with writing(here.app.engine) as session:
        session.connection().execute(delete(UploadRow).where(col(UploadRow.id) == number))
    here.memory.forget()
    return page(request, "uploaded.html", done=done, number=number, accepted=True, **_facts(done))


def _imported(request: Request, row: UploadRow, *, dry_run: bool) -> Registered:
    from reminder.importing import Order, import_into  # noqa: PLC0415 - reading workbooks takes 1 MB; uploads are rare

    order = Order(as_of=row.as_of, sheet=row.sheet, ledger=row.ledger, dry_run=dry_run, renumbered=row.renumbered)
    with _as_file(row) as file:
        return import_into(hall(request).app, file, order)


@contextmanager
def _as_file(row: UploadRow) -> Iterator[Path]:
    """The upload as a file of its own name: its ending tells the format, and errors name it."""
    with TemporaryDirectory(prefix="reminder-upload-") as folder:
        file = Path(folder) / row.file
        file.write_bytes(row.content)
        yield file


def _forget_old(session: Session, request: Request) -> None:
    old = col(UploadRow.uploaded_at) < hall(request).now() - _KEPT
    session.connection().execute(delete(UploadRow).where(old | (col(UploadRow.by) == request.state.person.name)))


def _facts(done: Registered) -> dict[str, object]:
    """The rows that somebody should look at: what changes, what could not be read, what is gone."""
    changed = [row for row in done.rows if row.action != "unchanged" or row.problems]
    return {"lines": list(done.lines()), "rows": changed[:_SHOWN], "more": max(0, len(changed) - _SHOWN)}
