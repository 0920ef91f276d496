"""Guards around every test: what a test changes in the process must be as it was when it ends."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("LAMINA_DATA", ROOT.parent / "shared" / "data"))
THREAD_GRACE_SECONDS = 5.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-verified", action="store_true", help="write docs/importing/verified.yaml anew")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets that are too large for the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the data sets are not here: no folder {SHARED}; set LAMINA_DATA")
    return SHARED


@pytest.fixture(scope="session")
def shared_fixtures() -> Path:
    """Folder with genuine files of other systems."""
    folder = SHARED.parent / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"the files of other systems are not here: no folder {folder}; set LAMINA_DATA to its sister data")
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Folder with trained models of other systems."""
    folder = SHARED.parent / "models"
    if not folder.is_dir():
        pytest.skip(f"the trained models are not here: no folder {folder}; set LAMINA_DATA to its sister data")
    return folder


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    """Environment variables and the working directory are put back, and a test that leaves them changed fails."""
    variables, folder = dict(os.environ), Path.cwd()
    yield
    # pytest itself writes PYTEST_CURRENT_TEST.
    changed = {
        key for key in {*variables, *os.environ} if variables.get(key) != os.environ.get(key) and not key.startswith("PYTEST_")
    } - _SET_BY_LIBRARIES
    moved = Path.cwd() != folder
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    assert not changed, f"the test left environment variables changed: {sorted(changed)}; use monkeypatch"
    assert not moved, "the test left the working directory changed; use monkeypatch.chdir"


_SET_BY_LIBRARIES = {
    "KMP_INIT_AT_FORK",  # torch and scikit-learn set these when they are first imported
    "KMP_DUPLICATE_LIB_OK",
    "TORCHINDUCTOR_CACHE_DIR",
    "_RJEM_MALLOC_CONF",  # so does Polars
    "CX_REWRITER_PATH",  # and ConnectorX
    "J4RS_BASE_PATH",
}


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """Non-daemon threads that a test starts must end with it, or the process would hang."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + THREAD_GRACE_SECONDS
    while left := [t for t in threading.enumerate() if t not in before and t.is_alive() and not t.daemon]:
        assert time.monotonic() < until, f"the test left threads running: {[t.name for t in left]}"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _same_torch() -> Iterator[None]:
    """Torch's random state, thread count and default dtype are put back; tests that never load torch don't pay for it."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    state, threads, dtype = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    deterministic = torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_rng_state(state)
    torch.set_default_dtype(dtype)
    torch.use_deterministic_algorithms(deterministic)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _same_signals() -> Iterator[None]:
    """Handlers of Ctrl-C and SIGTERM are as they were."""
    import signal

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in watched]
    yield
    after = [signal.getsignal(number) for number in watched]
    for number, handler in zip(watched, before, strict=True):
        signal.signal(number, handler)
    assert before == after, "the test left signal handlers changed"
