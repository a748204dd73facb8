"""The committed modules of the wire are those of the proto files, and agree with our own records."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from data.records import EventType
from protos import admin_pb2, catalog_pb2, discovery_pb2, events_pb2
from protos.generate import SOURCE_ROOT
from serving.api.answers import EmptyReason, RelaxationKind, UnderstoodKind, UnderstoodUse
from serving.api.reports import Status
from serving.api.requests import Placement, SuggestionKind

FILES = (catalog_pb2, events_pb2, discovery_pb2, admin_pb2)


def test_committed_modules_are_fresh(tmp_path: Path) -> None:
    # In a process of its own: the compiler and TensorFlow do not bear each other in one.
    code = "import sys; from pathlib import Path; from protos.generate import generate;"
    code += "print(*generate(Path(sys.argv[1])), sep='\\n')"
    command = [sys.executable, "-c", code, str(tmp_path)]
    out = subprocess.run(command, cwd=SOURCE_ROOT, capture_output=True, text=True, check=True)
    made = [Path(line) for line in out.stdout.split()]
    assert len(made) == 15
    for path in made:
        committed = SOURCE_ROOT / path.relative_to(tmp_path)
        assert path.read_text() == committed.read_text(), committed.name


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (EventType, events_pb2.EventType, "EVENT_TYPE_"),
        (Placement, discovery_pb2.Placement, "PLACEMENT_"),
        (SuggestionKind, discovery_pb2.SuggestionKind, "SUGGESTION_KIND_"),
        (RelaxationKind, discovery_pb2.RelaxationKind, "RELAXATION_KIND_"),
        (EmptyReason, discovery_pb2.EmptyReason, "EMPTY_REASON_"),
        (UnderstoodKind, discovery_pb2.UnderstoodKind, "UNDERSTOOD_KIND_"),
        (UnderstoodUse, discovery_pb2.UnderstoodUse, "UNDERSTOOD_USE_"),
    ],
)
def test_enum_numbers_equal_those_of_the_records(ours, theirs, prefix) -> None:  # type: ignore[no-untyped-def]
    assert {prefix + one.name: int(one) for one in ours} == dict(theirs.items())
    assert theirs.Name(0) == prefix + "UNSPECIFIED"


def test_status_carries_every_field_of_the_engine_status() -> None:
    on_the_wire = {field.name for field in admin_pb2.Status.DESCRIPTOR.fields}
    assert on_the_wire == set(Status.__dataclass_fields__)


def test_every_method_has_its_own_request_and_the_package_is_versioned() -> None:
    for file in FILES:
        assert file.DESCRIPTOR.package == "nextclick.v1"
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                assert method.input_type.name == f"{method.name}Request"


@pytest.mark.parametrize("path", sorted((SOURCE_ROOT / "protos").glob("*.proto")), ids=str)
def test_every_field_and_request_field_says_what_it_asks(path: Path) -> None:
    lines = path.read_text().splitlines()
    message = ""
    for number, line in enumerate(lines):
        if opened := re.match(r"message (\w+)", line):
            message = opened[1]
        if not re.match(r"  [\w.<>, ]+ \w+ = \d+;", line):
            continue
        start = number
        while lines[start - 1].strip().startswith("//"):
            start -= 1
        comment = " ".join(lines[start:number])
        assert comment, f"{path.name}: {line.strip()} has no comment"
        if message.endswith("Request") or message in ("Item", "Event", "Filter"):
            said = re.search(r"Required|Optional|required|optional", comment)
            assert said, f"{path.name}: {line.strip()} does not say whether it is required"
