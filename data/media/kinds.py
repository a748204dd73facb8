"""The kinds of files that items name."""

from __future__ import annotations

from data.media.picture import PICTURES
from data.media.sound import SOUNDS

MEDIA = (PICTURES, SOUNDS)
"""Another kind is one more file here, a field of ``Item``, and its place in this list."""
