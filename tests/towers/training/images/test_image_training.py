"""The image encoder learns what pictures tell, the same from the same seed, and is exported whole."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from PIL import Image

from data.errors import ConfigError
from data.records import Item
from tests.towers.modalities.shapes import COLOURS, SHAPES, shape_bytes
from tests.towers.training.images.shelves import shelves
from towers.config import ImagesConfig
from towers.modalities.images import ImageEncoder
from towers.modalities.pictures import read_picture
from towers.models.export import image_networks_file
from towers.models.images.image_network import (
    ImageNetwork,
    ImageTargets,
    class_shares,
    told_vectors,
)
from towers.models.legacy_keras import tf
from towers.training.images.image_encoding import picture_heads
from towers.training.images.image_training import TrainedImages, picture_kind, train_images
from towers.training.images.picture_labels import image_targets

CONFIG = ImagesConfig(
    size=32, dim=16, batch_size=24, network_count=1, epoch_limit=8, learning_rate=0.01
)
KINDS = list(product(COLOURS, SHAPES))
ITEMS = [
    Item(f"{colour}-{shape}-{n}", category=("Shapes", colour), attributes={"form": shape})
    for colour, shape in KINDS
    for n in range(12)
]


def levels() -> np.ndarray:
    return np.stack(
        [
            read_picture(shape_bytes(colour, shape, n), (40, 40))
            for colour, shape in KINDS
            for n in range(12)
        ]
    )


def trained(config: ImagesConfig = CONFIG) -> TrainedImages:
    return train_images(
        levels(),
        image_targets(ITEMS),
        config,
        picture_kind(config),
        seed=3,
        progress=lambda done, total, loss: None,
    )


@pytest.fixture(scope="module")
def network() -> ImageNetwork:
    return trained().networks[0]


@pytest.fixture(scope="module")
def encoder(network: ImageNetwork) -> ImageEncoder:
    return ImageEncoder(image_networks_file([network], (32, 32)), CONFIG)


def test_the_nearest_pictures_are_of_the_same_colour(encoder: ImageEncoder) -> None:
    """Pictures that training never saw, against some that it saw."""
    assert encoder.size == (32, 32) and encoder.dim == 16 + 3 + 2
    seen, _ = encoder.encode([shape_bytes(c, s, n) for c, s in KINDS for n in range(4)])
    new, present = encoder.encode(
        [shape_bytes(c, s, 1_000 + n) for c, s in KINDS for n in range(4)]
    )
    assert present.all()
    colours = np.repeat([colour for colour, _ in KINDS], 4)
    nearest = (new @ seen.T).argmax(axis=1)
    assert (colours[nearest] == colours).mean() > 0.9


def test_a_vector_tells_the_classes_beside_the_look(encoder: ImageEncoder) -> None:
    vectors, _ = encoder.encode([shape_bytes(c, s, n) for c, s in KINDS for n in range(4)])
    told = vectors[:, 16:] ** 2 * 3
    # Of each label a distribution; its largest class is the colour, in alphabetical order.
    assert np.allclose(told[:, :3].sum(axis=1), 1, atol=1e-4)
    assert np.allclose(told[:, 3:].sum(axis=1), 1, atol=1e-4)
    right = np.repeat([sorted(COLOURS).index(colour) for colour, _ in KINDS], 4)
    # A third of them by chance.
    assert (told[:, :3].argmax(axis=1) == right).mean() > 0.6


def test_the_exported_network_agrees_with_tensorflow(
    network: ImageNetwork, encoder: ImageEncoder
) -> None:
    pictures = np.stack([read_picture(shape_bytes(c, s, 50), (32, 32)) for c, s in KINDS])
    full = told_vectors([network], tf.constant(pictures / 255, tf.float32)).numpy()
    assert np.abs(encoder.encode_arrays(pictures) - full).max() < 1e-4
    assert np.allclose(np.linalg.norm(full, axis=1), 1, atol=1e-5)
    # A picture and its mirror image have one vector.
    mirrored = encoder.encode_arrays(pictures[:, :, ::-1].copy())
    assert np.abs(mirrored - full).max() < 1e-4


def test_a_picture_that_cannot_be_read_has_no_vector_and_is_told(encoder: ImageEncoder) -> None:
    told: list[tuple[int, str]] = []
    pictures = [b"a text", shape_bytes("red", "disc", 1), None]
    vectors, present = encoder.encode(pictures, refused=lambda *one: told.append(one))
    assert present.tolist() == [False, True, False]
    assert not vectors[0].any() and not vectors[2].any()
    assert told == [
        (0, "image: expected a JPEG, PNG or WebP picture, received 6 bytes that are none")
    ]


def test_the_same_seed_gives_the_same_network() -> None:
    brief = replace(CONFIG, size=24, epoch_limit=1)
    first, second = (trained(brief).networks[0].get_weights() for _ in range(2))
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(first, second, strict=True))


def test_labels_are_what_is_filled_often_and_shared() -> None:
    items = [
        Item(
            f"i{n}",
            title=("Red Tea" if n % 2 else "Green Tea") if n < 30 else "",
            category=("Food", "Tea" if n % 2 else "Coffee"),
            attributes={"serial": str(n), "form": "ab"[n % 2], "rare": "x"} if n % 3 else {},
        )
        for n in range(40)
    ]
    targets = image_targets(items)
    # ``serial`` differs in every item, ``rare`` and the broad category have one class.
    assert dict(targets.class_counts) == {"category": 2, "attribute form": 2}
    assert targets.classes["category"][:4].tolist() == [0, 1, 0, 1]
    assert targets.classes["attribute form"][:4].tolist() == [-1, 1, 0, -1]
    assert targets.word_count == 4 and (targets.words[30:] == 0).all()


def test_a_title_is_found_among_those_of_the_batch() -> None:
    """The contrast by hand: two titles, of which one stands twice and so is no negative."""
    words = np.array([[1, 0], [2, 0], [1, 0], [0, 0]], np.int32)
    network = ImageNetwork(2, ImageTargets({}, {}, words, 3))
    network.contrast(tf.zeros((4, 2)), tf.constant(words))
    network.word_table.set_weights([np.array([[0, 0], [1, 0], [0, 1]], np.float32)])
    vectors = tf.constant([[1.0, 0], [1, 0], [0, 1], [5, 5]])
    lost = float(network.contrast(vectors, tf.constant(words)))
    right = np.log1p(np.exp(-10.0))  # cosine 1 against 0, temperature 0.1
    wrong = np.log1p(2 * np.exp(10.0))  # the second picture has both pictures of the other title
    third = np.log1p(np.exp(10.0))
    assert lost == pytest.approx((right + wrong + third) / 3, rel=1e-4)


def test_an_encoder_of_the_shops_own_is_read_off_its_file() -> None:
    def file(shape: tuple[int, ...], type_: tf.DType) -> bytes:
        def run(x: tf.Tensor) -> dict[str, tf.Tensor]:
            flat = tf.reshape(tf.cast(x, tf.float32), (1, -1))
            return {"y": tf.concat([flat[:, :3], tf.ones((1, 1))], axis=1)}

        module = tf.Module()
        concrete = tf.function(run).get_concrete_function(x=tf.TensorSpec(shape, type_))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
        content: bytes = converter.convert()
        return content

    image = Image.new("RGB", (9, 9), (255, 0, 51))
    stored = io.BytesIO()
    image.save(stored, "PNG")
    content = stored.getvalue()
    floats = ImageEncoder(
        file((1, 6, 4, 3), tf.float32),
        ImagesConfig(mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5)),
    )
    assert floats.size == (6, 4) and floats.dim == 4
    expected = np.array([1, -1, -0.6, 1])
    vectors, _ = floats.encode([content, content])
    assert np.allclose(vectors[1], expected / np.linalg.norm(expected), atol=1e-5)
    levels = ImageEncoder(file((1, 5, 5, 3), tf.uint8), ImagesConfig())
    expected = np.array([255, 0, 51, 1])
    assert np.allclose(
        levels.encode([content])[0][0], expected / np.linalg.norm(expected), atol=1e-5
    )
    first = ImageEncoder(file((1, 3, 5, 7), tf.float32), ImagesConfig())
    assert first.size == (5, 7)
    with pytest.raises(
        ConfigError, match=r"images.encoder: expected an input .* received \[1, 9\]"
    ):
        ImageEncoder(file((1, 9), tf.float32), ImagesConfig())
    with pytest.raises(ConfigError, match="images.encoder: expected a LiteRT network, received"):
        ImageEncoder(b"no network", ImagesConfig())


def test_settings_of_channels_are_three() -> None:
    with pytest.raises(
        ConfigError, match="images.mean: expected 3 numbers, one a channel, received"
    ):
        ImagesConfig(mean=(0.5,))
    with pytest.raises(ConfigError, match="images.deviation: expected 3 numbers, .* above 0"):
        ImagesConfig(deviation=(1.0, 0.0, 1.0))


def test_the_heads_of_attributes_tell_of_vectors_what_the_network_tells(
    network: ImageNetwork, encoder: ImageEncoder
) -> None:
    contents = [shape_bytes(colour, form, n) for colour, form in KINDS for n in range(12)]
    levels = np.stack([read_picture(content, (32, 32)) for content in contents])
    dim = network(tf.zeros((1, 32, 32, 3))).shape[1]
    heads = picture_heads(image_targets(ITEMS), dim, ITEMS, np.arange(len(ITEMS)))
    assert set(heads) == {"form"} and set(heads["form"].classes) == set(SHAPES)
    vectors, _ = encoder.encode(contents)
    pictures = tf.constant(levels / 255, tf.float32)
    # Each is the mean of a picture and its mirror image.
    own = sum(
        tf.nn.softmax(network.logits(network(one))["attribute form"]).numpy()
        for one in (pictures, tf.reverse(pictures, [2]))
    )
    told = np.exp(heads["form"].scores(vectors))
    told /= told.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(told, own / 2, atol=2e-3)


@pytest.fixture(scope="module")
def pair() -> TrainedImages:
    """Two networks of 36 shelves, each photographed four times."""
    brief = replace(CONFIG, size=16, network_count=2, epoch_limit=1)
    items = [Item(f"{n}", category=("abc"[n // 4 % 3],)) for n in range(144)]
    return train_images(
        shelves(36, 4),
        image_targets(items),
        brief,
        picture_kind(brief),
        seed=3,
        progress=lambda done, total, loss: None,
    )


def test_each_network_leaves_out_pictures_of_its_own(pair: TrainedImages) -> None:
    unseen = int((~pair.is_learnt).sum())
    first, second = (144 - learnt - unseen for learnt in pair.report.picture_counts)
    assert unseen >= 8 and min(first, second) >= 8
    assert len(pair.own_rows) == len(set(pair.own_rows.tolist())) == first + second
    assert pair.is_learnt[pair.own_rows].all()
    # All four of a shelf, or none.
    for rows in (np.flatnonzero(~pair.is_learnt), pair.own_rows[:first], pair.own_rows[first:]):
        assert set(np.unique(rows // 4, return_counts=True)[1].tolist()) == {4}


def test_pictures_left_out_by_one_network_are_told_by_that_one(pair: TrainedImages) -> None:
    small = tf.image.resize(shelves(36, 4)[pair.own_rows], (16, 16), antialias=True) / 255
    first = int(pair.is_learnt.sum()) - pair.report.picture_counts[0]
    for network, rows in zip(pair.networks, (slice(first), slice(first, None)), strict=True):
        for name, shares in class_shares(network, small[rows]).items():
            np.testing.assert_allclose(pair.own_shares[name][rows], shares.numpy(), atol=1e-5)


def test_several_networks_are_one_file_that_tells_their_mean(pair: TrainedImages) -> None:
    encoder = ImageEncoder(image_networks_file(pair.networks, (16, 16)), CONFIG)
    pictures = np.stack([read_picture(shape_bytes(c, s, 50), (16, 16)) for c, s in KINDS])
    found = encoder.encode_arrays(pictures)
    alone = [
        told_vectors([network], tf.constant(pictures / 255, tf.float32)).numpy()
        for network in pair.networks
    ]
    assert found.shape[1] == 2 * 16 + 3
    looks = [vectors[:, :16] @ vectors[:, :16].T for vectors in alone]
    np.testing.assert_allclose(found[:, :32] @ found[:, :32].T, np.mean(looks, axis=0), atol=1e-4)
    np.testing.assert_allclose(
        found[:, 32:] ** 2, np.mean([vectors[:, 16:] ** 2 for vectors in alone], axis=0), atol=1e-4
    )
