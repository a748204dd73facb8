"""Bundles of the made-up shop whose items are in given groups."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.towers import shelf
from towers.bundle.layout import Layout
from towers.bundle.manifest import NAME as MANIFEST_NAME
from towers.bundle.manifest import sign
from towers.catalog.items import Catalog
from towers.variants.variant_groups import VariantGroups


def bundle_of(source: Path, folder: Path, codes: np.ndarray) -> Path:
    """A copy of a bundle, with these groups; ``codes [items]`` as in ``VariantGroups``."""
    shutil.copytree(source, folder)
    (folder / MANIFEST_NAME).unlink()
    layout = Layout(folder)
    layout.variants.mkdir(exist_ok=True)
    catalog = Catalog.load(layout.catalog, shelf.CONFIG.text)
    # Keys of their own, so that a change of stock leaves the groups alone.
    keys = np.arange(1, catalog.count + 1, dtype=np.uint64)
    VariantGroups(catalog, codes, keys).save(layout.variants)
    sign(folder, 0.0)
    return folder
