"""A change of items that meets the end of a publication is neither lost nor broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from data.records import Item
from serving.answering.active_bundle import ActiveBundle
from serving.api.reports import CatalogReport
from serving.bundles_in_use import BundlesInUse
from serving.engine import Engine
from tests.towers import shelf

CHANGES: dict[str, Callable[[Engine], CatalogReport]] = {
    "update": lambda engine: engine.update_items([Item("new", "A lamp")]),
    "delete": lambda engine: engine.delete_items(["p0001"]),
}


class PausingBundles(BundlesInUse):
    """Holds a change of items between its look at the list of changes and its use of it."""

    is_pausing = False
    has_looked = threading.Event()
    is_cleared = threading.Event()
    changes: dict[str, Item | None] | None = None

    @property  # type: ignore[override]
    def _changed_meanwhile(self) -> dict[str, Item | None] | None:
        changes = self.changes
        if changes is not None and self.is_pausing:
            self.is_pausing = False
            self.has_looked.set()
            self.is_cleared.wait(0.5)
        return changes

    @_changed_meanwhile.setter
    def _changed_meanwhile(self, changes: dict[str, Item | None] | None) -> None:
        self.changes = changes
        if changes is None:
            self.is_cleared.set()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shelf.bundle_folder(), tmp_path / "state")
    engine._bundles.__class__ = PausingBundles
    yield engine
    engine.close()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_during_a_publication_that_fails_is_done(
    engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles = engine._bundles
    assert isinstance(bundles, PausingBundles)
    begun: list[Future[CatalogReport]] = []
    with ThreadPoolExecutor(1) as pool:

        def fail(*_: object, **__: object) -> None:
            bundles.has_looked.clear()
            bundles.is_cleared.clear()
            bundles.is_pausing = True
            begun.append(pool.submit(CHANGES[name], engine))
            assert bundles.has_looked.wait(5)
            raise OSError("no disk")

        monkeypatch.setattr(ActiveBundle, "count_events", fail)
        with pytest.raises(OSError, match="^no disk$"):
            engine.publish(str(shelf.bundle_folder()))
        report = begun[0].result(timeout=10)
    assert report.added_count + report.removed_count == 1
