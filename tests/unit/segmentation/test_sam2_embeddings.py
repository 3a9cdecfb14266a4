"""Embeddings are found again by content, and bounded in bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fashquick_common.cancel import CancelFlag
from fashquick_common.errors import Cancelled
from fashquick_segmentation.sam2.embeddings import EmbeddingCache, embedding_key
from fashquick_segmentation.sam2.network import empty_network
from fashquick_segmentation.sam2.predictor import Predictor
from tests.unit.segmentation.sam2_weights import SIDE, SMALL, drawn_photo, random_weights

BYTES = 4 * (32 * 8 * 8 + 8 * 16 * 16 + 4 * 32 * 32)  # of one embedding


def made(digest: str = "a", *, bf16: bool = False) -> Predictor:
    network = empty_network(SMALL)
    network.load_state_dict(random_weights(SMALL), assign=True)
    return Predictor(network, digest, bf16=bf16)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return made()


def test_a_photo_is_embedded_once(predictor: Predictor) -> None:
    cache = EmbeddingCache(10 * BYTES)
    photo, other = drawn_photo(64, 48), drawn_photo(64, 48, shift=3)
    first = cache.encode(predictor, [photo, other, photo.copy()], CancelFlag(), side_px=SIDE)
    assert first[0] is first[2] is not first[1]
    assert (cache.hits, cache.misses, len(cache), cache.size_bytes) == (0, 2, 2, 2 * BYTES)
    flag = CancelFlag()
    assert cache.encode(predictor, [other, photo], flag, side_px=SIDE) == [first[1], first[0]]
    assert (cache.hits, flag.steps) == (2, 0)


def test_all_that_an_embedding_hangs_on_tells_keys_apart() -> None:
    photo = drawn_photo(64, 48)
    changed = photo.copy()
    changed[63, 47, 2] ^= 1
    keys = [
        embedding_key(photo, made(), SIDE),
        embedding_key(changed, made(), SIDE),
        embedding_key(photo.reshape(48, 64, 3), made(), SIDE),
        embedding_key(photo, made("b"), SIDE),
        embedding_key(photo, made(bf16=True), SIDE),
        embedding_key(photo, made(), 2 * SIDE),
    ]
    assert len(set(keys)) == len(keys)
    assert embedding_key(np.asfortranarray(photo), made(), SIDE) == keys[0]


def test_those_used_longest_ago_go_first(predictor: Predictor) -> None:
    cache = EmbeddingCache(2 * BYTES + 1)
    photos = [drawn_photo(32, 32, shift) for shift in range(3)]
    keys = [embedding_key(photo, predictor, SIDE) for photo in photos]
    cache.encode(predictor, photos[:2], CancelFlag(), side_px=SIDE)
    assert cache.get(keys[0]) is not None
    cache.encode(predictor, photos[2:], CancelFlag(), side_px=SIDE)
    assert [cache.get(key) is not None for key in keys] == [True, False, True]
    assert cache.size_bytes == 2 * BYTES
    cache.clear()
    assert (len(cache), cache.size_bytes) == (0, 0)


@pytest.mark.parametrize("limit", [0, BYTES - 1])
def test_one_larger_than_the_limit_is_returned_and_not_kept(predictor: Predictor, limit: int) -> None:
    cache = EmbeddingCache(limit)
    assert len(cache.encode(predictor, [drawn_photo(32, 32)], CancelFlag(), side_px=SIDE)) == 1
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_the_same_key_counts_once(predictor: Predictor) -> None:
    cache = EmbeddingCache(10 * BYTES)
    (embedding,) = predictor.encode([drawn_photo(32, 32)], CancelFlag(), side_px=SIDE)
    for _ in range(3):
        cache.put("k", embedding)
    assert cache.size_bytes == BYTES


def test_a_cancelled_call_leaves_nothing_behind(predictor: Predictor) -> None:
    cache, flag = EmbeddingCache(10 * BYTES), CancelFlag()
    flag.cancel()
    with pytest.raises(Cancelled):
        cache.encode(predictor, [drawn_photo(32, 32)], flag, side_px=SIDE)
    assert len(cache) == 0


def test_many_threads_keep_the_bound(predictor: Predictor) -> None:
    cache = EmbeddingCache(3 * BYTES)
    embeddings = predictor.encode([drawn_photo(32, 32, shift) for shift in range(6)], CancelFlag(), side_px=SIDE)

    def work(number: int) -> None:
        for step in range(200):
            index = (number + step) % 6
            cache.put(str(index), embeddings[index])
            found = cache.get(str((index + 1) % 6))
            assert found is None or found is embeddings[(index + 1) % 6]
            assert cache.size_bytes <= 3 * BYTES

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert (len(cache), cache.size_bytes) == (3, 3 * BYTES)
    assert cache.hits + cache.misses == 8 * 200
