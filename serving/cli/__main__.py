"""``python -m serving.cli``: the same as the command ``nextclick``."""

from __future__ import annotations

from serving.cli.main import main

if __name__ == "__main__":
    main()
