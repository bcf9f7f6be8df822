"""Style sheets and scripts: a few files, ours or vendored, read once and served by their own names only."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from fastapi import APIRouter, Depends, Request, Response

from reminder.resources import data_dir
from reminder.web.access import Refused, anyone

TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
router = APIRouter()


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    folder = data_dir("templates") / "web" / "static"
    return {path.name: (path.read_bytes(), TYPES[path.suffix]) for path in folder.iterdir() if path.suffix in TYPES}


@cache
def version() -> str:
    """Changes whenever a file changes; part of every address, so that browsers may keep the files."""
    return sha256(b"".join(body for _, (body, _) in sorted(_files().items()))).hexdigest()[:12]


@router.get("/static/{name}", dependencies=[Depends(anyone)])
def file(request: Request, name: str) -> Response:
    """One file."""
    if name not in _files():
        raise Refused(404, "web.not_found")
    body, kind = _files()[name]
    lasting = request.query_params.get("v") == version()
    kept = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return Response(body, media_type=kind, headers={"Cache-Control": kept})
