"""An offer as plain JSON, in bundles and in the log of live changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from data.offers.offer import KIND_BY_LABEL, Offer


def offer_values(offer: Offer) -> dict[str, Any]:
    """The fields of an offer, its kind by name; those with their default are left out."""
    defaults = asdict(Offer("", offer.kind))
    values = {name: value for name, value in asdict(offer).items() if value != defaults[name]}
    return {**values, "offer_id": offer.offer_id, "kind": offer.kind.label}


def offer_of(values: Mapping[str, Any]) -> Offer:
    """The offer that ``offer_values`` gave.

    Raises:
        KeyError, TypeError: Something else is given.
    """
    lists = {
        "item_ids": tuple(values.get("item_ids", ())),
        "categories": tuple(map(tuple, values.get("categories", ()))),
    }
    return Offer(**{**values, **lists, "kind": KIND_BY_LABEL[values["kind"]]})
