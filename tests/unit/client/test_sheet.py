import io
import zlib

import numpy as np
from PIL import Image

from fashquick_client import PixelEncoding, PixelMap
from fashquick_client.sheet import SHEET_HEIGHT, make_sheet


def flat(colour, size):
    out = io.BytesIO()
    picture = Image.new("RGB", size, colour)
    picture.putpixel((0, 0), (255, 255, 0))  # A picture of one colour is refused as blank.
    picture.save(out, "PNG")
    return out.getvalue()


def test_photo_mask_and_picture_stand_side_by_side():
    mask = PixelMap(PixelEncoding.BITS1, 128, 64, zlib.compress(b"\xff" * 8 * 64 + b"\x00" * 8 * 64))
    sheet = np.asarray(Image.open(io.BytesIO(make_sheet(flat("red", (128, 64)), mask, flat("blue", (64, 96))))))
    height, width = sheet.shape[:2]
    # Photo and mask are twice as wide as high, the picture two thirds.
    gap = (width - 2 * 2 * SHEET_HEIGHT - SHEET_HEIGHT * 2 // 3) // 4
    assert gap > 0
    assert height == SHEET_HEIGHT + 2 * gap
    row = sheet[height // 2]
    middles = [gap + SHEET_HEIGHT, 2 * gap + 3 * SHEET_HEIGHT, width - gap - SHEET_HEIGHT // 3]
    assert [row[x].tolist() for x in (middles[0], middles[2])] == [[255, 0, 0], [0, 0, 255]]
    column = sheet[:, middles[1]]
    assert (column[height // 4] == 255).all()
    assert (column[3 * height // 4] == 0).all()
    assert (sheet[:gap] == 255).all()
    assert (sheet[:, :gap] == 255).all()
