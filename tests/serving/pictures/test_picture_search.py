"""Search by picture through a real server: order, filter, words, refusals, and what is missing."""

from __future__ import annotations

import importlib.util
import io
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from data.errors import RequestError, UnsupportedError
from data.records import Item
from data.synthetic import END_TIME
from protos import discovery_pb2, discovery_pb2_grpc
from serving.api.requests import Filter, SearchRequest
from serving.cli.main import main
from serving.cli.tables.answer_tables import why
from serving.edge.client import Client
from serving.edge.server import ServerSettings, serve
from serving.engine import Engine
from serving.pictures.picture_requests import PictureSearchRequest
from tests.towers import shelf
from tests.towers.modalities.tiny_networks import first_values
from towers.bundle.bundle import write_modality
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.modalities.audio import SoundEncoder
from towers.modalities.images import ImageEncoder
from towers.modalities.item_pictures import ItemPictures
from towers.modalities.item_vectors import ContentVectors, ItemVectors, encoded_contents
from towers.modalities.modality_list import PICTURE, SOUND

PICTURED, HEARD = 60, 30
SIZE = 4


def picture(row: int) -> np.ndarray:
    """A picture of 4 x 4 pixels that no other item has."""
    return np.random.default_rng(row).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)


def stored(row: int) -> bytes:
    return stored_pixels(picture(row))


def stored_pixels(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def encoder_file() -> bytes:
    """A network that gives the pixels less a grey of level 102."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from towers.models.legacy_keras import tf

        def run(pictures: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"vectors": tf.reshape(pictures - 0.4, (-1, SIZE * SIZE * 3))}

        spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32)
        concrete = tf.function(run).get_concrete_function(pictures=spec)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
        content: bytes = converter.convert()
        return content


def sounds(item_count: int) -> tuple[bytes, ItemVectors[SoundEncoder]]:
    """Sounds of the first items, with a weight of 0.1 each."""
    file = first_values((1, 1_600))
    contents = ContentVectors(
        np.arange(HEARD),
        np.eye(4, dtype=np.float32)[np.arange(HEARD) % 4],
        np.arange(HEARD, dtype=np.uint64),
        {},
    )
    weights = np.where(np.arange(item_count) < HEARD, 0.1, 0).astype(np.float32)
    encoder = SoundEncoder(file, shelf.CONFIG.audio)
    return file, ItemVectors(encoder, contents, weights)


@pytest.fixture(scope="module")
def bundle(encoder_file: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf's bundle; its first 60 items have pictures, and one a broken one."""
    folder = tmp_path_factory.mktemp("pictures")
    items = []
    for row, item in enumerate(shelf.items()):
        path = folder / f"{row}.png"
        path.write_bytes(stored(row) if row < PICTURED else b"broken")
        image = str(path) if row <= PICTURED else ""
        items.append(Item(item.item_id, item.title, image=image))
    encoder = ImageEncoder(encoder_file, shelf.CONFIG.images)
    pictures = encoded_contents(items, encoder)
    assert pictures.rows.tolist() == list(range(PICTURED))
    assert dict(pictures.refused) == {"image: expected a JPEG, PNG or WebP picture": 1}
    bundle = Path(shutil.copytree(shelf.bundle_folder(), folder / "bundle"))
    weights = np.where(np.arange(len(items)) < PICTURED, 0.4, 0).astype(np.float32)
    built = ItemPictures.build(encoder, pictures, shelf.CONFIG.index, weights)
    write_modality(Layout(bundle), PICTURE, encoder_file, built)
    write_modality(Layout(bundle), SOUND, *sounds(len(items)))
    sign(bundle, END_TIME)
    return bundle


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Iterator[Engine]:
    engine = Engine.open(bundle, clock=lambda: END_TIME)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def address(engine: Engine) -> Iterator[str]:
    server = serve(engine, "127.0.0.1:0", ServerSettings())
    yield f"127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def nearest_by_hand(row: int, rows: list[int]) -> list[str]:
    """Item ids by the cosine of their pixels to those of ``row``, the largest first."""

    def unit(of: int) -> np.ndarray:
        flat = picture(of).astype(float).ravel() / 255 - 0.4
        return np.asarray(flat / np.linalg.norm(flat))

    order = sorted(rows, key=lambda other: -float(unit(row) @ unit(other)))
    return [shelf.items()[other].item_id for other in order]


def test_results_are_ordered_by_the_similarity_of_their_pictures(client: Client) -> None:
    answer = client.search_by_image(PictureSearchRequest(stored(7), page_size=12))
    assert [result.item_id for result in answer.results] == nearest_by_hand(7, [*range(PICTURED)])[
        :12
    ]
    first = answer.results[0]
    assert first.item_id == shelf.items()[7].item_id and first.score == pytest.approx(1, abs=1e-5)
    assert first.model_score == first.score and first.sources[0].source == "pictures"
    assert first.title == shelf.items()[7].title and answer.match_count == PICTURED
    assert answer.next_offset is None and answer.attribution_token


def test_the_filter_holds(client: Client) -> None:
    category = shelf.items()[7].category
    wanted = [row for row in range(PICTURED) if shelf.items()[row].category == category]
    answer = client.search_by_image(
        PictureSearchRequest(stored(3), page_size=100, filter=Filter(category=category))
    )
    assert 1 < len(wanted) < PICTURED
    assert [result.item_id for result in answer.results] == nearest_by_hand(3, wanted)
    assert answer.match_count == len(wanted)


def test_words_lift_what_they_find(client: Client) -> None:
    """The picture of one item with the title of another: both lead, each for its own reason."""
    title = shelf.items()[30].title
    alone = client.search_by_image(PictureSearchRequest(stored(7), page_size=PICTURED))
    both = client.search_by_image(PictureSearchRequest(stored(7), title, page_size=PICTURED))
    wanted = shelf.items()[30].item_id
    ranks = [[result.item_id for result in one.results].index(wanted) for one in (alone, both)]
    assert ranks[1] < ranks[0] and both.results[0].item_id == shelf.items()[7].item_id
    lifted = both.results[ranks[1]]
    (part,) = lifted.adjustments
    assert part.name == "words" and part.amount > 0
    assert lifted.score == pytest.approx(lifted.model_score + part.amount, abs=1e-5)


def test_an_explanation_tells_the_shares_of_picture_and_sound(client: Client) -> None:
    answer = client.search(SearchRequest("shoes", explain=True, page_size=100))
    row_of = {item.item_id: row for row, item in enumerate(shelf.items())}
    told = {row_of[result.item_id]: result.modalities for result in answer.results}
    pictured = [row for row in told if HEARD <= row < PICTURED]
    heard = [row for row in told if row < HEARD]
    assert heard
    assert pictured and len(pictured) < len(told)
    for row, modalities in told.items():
        shares = {one.name: one.share for one in modalities}
        expected = {"words": 0.6, "picture": 0.4} if row < PICTURED else {}
        if row < HEARD:
            expected = {"words": 0.5, "picture": 0.4, "sound": 0.1}
        assert shares == pytest.approx(expected)
    for rows, shares_told in (
        (pictured, "vector by its words 0.6, its picture 0.4"),
        (heard, "vector by its words 0.5, its picture 0.4, its sound 0.1"),
    ):
        found = next(one for one in answer.results if row_of[one.item_id] in rows)
        assert shares_told in why(found)
    plain = client.search(SearchRequest("shoes"))
    assert not any(result.modalities for result in plain.results)


def test_a_query_is_an_event_of_the_session_and_a_picture_is_not(
    client: Client, engine: Engine
) -> None:
    client.search_by_image(PictureSearchRequest(stored(1), visitor_id="p1"))
    assert not engine.sessions.get("p1").events
    client.search_by_image(PictureSearchRequest(stored(1), "shoes", visitor_id="p1"))
    client.search_by_image(PictureSearchRequest(stored(1), "boots", visitor_id="p1", record=False))
    assert [event.query for event in engine.sessions.get("p1").events] == ["shoes"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            PictureSearchRequest(b"a text file"),
            "image: expected a JPEG, PNG or WebP picture, received",
        ),
        (
            PictureSearchRequest(stored(1)[:60]),
            "image: expected a JPEG, PNG or WebP picture that is",
        ),
        (
            PictureSearchRequest(stored_pixels(np.full((SIZE, SIZE, 3), 102, np.uint8))),
            "image: expected a picture of which the bundle's encoder gives a vector, received none",
        ),
        (PictureSearchRequest(b""), "image: expected 1 to 4,194,304 bytes, received 0"),
        (
            PictureSearchRequest(bytes(4_194_305)),
            "image: expected 1 to 4,194,304 bytes, received 4194305",
        ),
        (
            PictureSearchRequest(stored(1), page_size=-1),
            "page_size: expected 0 or more, received -1",
        ),
        (PictureSearchRequest(stored(1), "q" * 257), "query: expected at most 256 characters"),
    ],
)
def test_bad_input_is_refused_and_the_field_is_named(
    client: Client, request_: PictureSearchRequest, message: str
) -> None:
    with pytest.raises(RequestError, match=f"^{message}") as caught:
        client.search_by_image(request_)
    assert caught.value.field == message.partition(":")[0]
    assert client.search(SearchRequest("shoes")).results


def test_only_a_picture_may_be_large(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        for call, message in (
            (stub.SearchItems, discovery_pb2.SearchItemsRequest(query="q" * 300_000)),
            (stub.SearchByImage, discovery_pb2.SearchByImageRequest(image=bytes(5_000_000))),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call(message, timeout=5)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_without_an_image_encoder_or_pillow_the_answer_says_what_to_do(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Engine.open(shelf.bundle_folder())
    server = serve(plain, "127.0.0.1:0")
    with (
        Client(f"127.0.0.1:{server.port}") as other,
        pytest.raises(UnsupportedError, match="SearchByImage: expected a bundle with an image enc"),
    ):
        other.search_by_image(PictureSearchRequest(stored(1)))
    server.stop()
    plain.close()
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "PIL" else found(name, *rest),
    )
    with pytest.raises(UnsupportedError, match=r"received none; pip install 'nextclick\[vision\]'"):
        client.search_by_image(PictureSearchRequest(stored(1)))


def test_the_command_searches_by_a_file(address: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(stored(9))
    done = CliRunner().invoke(
        main, ["search", "--image", str(path), "--address", address, "--json"]
    )
    assert done.exit_code == 0, done.output
    assert f'"item_id": "{shelf.items()[9].item_id}"' in done.output
    done = CliRunner().invoke(main, ["search", "--address", address])
    assert done.exit_code == 2 and "expected TEXT, --image FILE or --voice FILE" in done.output
