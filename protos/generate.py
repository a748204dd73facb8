"""Generates the Python modules from the proto files: ``python -m protos.generate``."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parent.parent
PROTO_NAMES = ("offers", "catalog", "events", "discovery", "admin")


def generate(out: Path) -> list[Path]:
    """Writes ``protos/*_pb2.py``, ``*_pb2.pyi`` and ``*_pb2_grpc.py`` below the folder ``out``.

    Returns:
        The written files.

    Raises:
        RuntimeError: The compiler refused a proto file; it has printed why.
    """
    # A tool of developers: the service itself runs without it.
    from grpc_tools import protoc

    (out / "protos").mkdir(parents=True, exist_ok=True)
    arguments = [
        f"--proto_path={SOURCE_ROOT}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--python_out={out}",
        f"--pyi_out={out}",
        f"--grpc_python_out={out}",
        *(f"protos/{name}.proto" for name in PROTO_NAMES),
    ]
    code = protoc.main(["protoc", *arguments])
    if code:
        raise RuntimeError(f"protoc: expected exit code 0, received {code}")
    suffixes = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")
    return [out / "protos" / f"{name}{suffix}" for name in PROTO_NAMES for suffix in suffixes]


def main() -> None:
    """Writes the modules beside the proto files and names them."""
    for path in generate(SOURCE_ROOT):
        sys.stdout.write(f"{path.relative_to(SOURCE_ROOT)}\n")


if __name__ == "__main__":
    main()
