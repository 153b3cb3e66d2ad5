"""Owns what becomes of a picture that somebody uploads: checked, cut to a square, encoded anew in two sizes.

Nothing of the file itself is kept: not its metadata, not what lies behind its end. Pillow is known here alone.
"""

import warnings
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO

from chat.errors import InvalidField, PicturesOff
from chat.storage.profiles import Picture

PICTURE_BYTES = 262_144
MOST_PIXELS = 2_048  # a side: decoded, such a picture takes 16 MB
SMALL, LARGE = 96, 256  # pixels a side: of a face in the list, and in the profile; each on a dense screen
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 82
DIGEST_CHARS = 32


def are_on() -> bool:
    """Return whether pictures can be taken: Pillow is installed."""
    return find_spec("PIL") is not None


def picture_of(data: bytes) -> Picture:
    """Return the picture as it is kept. Takes some 50 ms, so it belongs in a thread.

    Raises InvalidField: it is none, or too large; PicturesOff: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise PicturesOff from None
    if len(data) > PICTURE_BYTES:
        raise InvalidField(field="image", rule="too_long", max=PICTURE_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # its size is looked at below
            opened = Image.open(BytesIO(data), formats=KINDS)
        if max(opened.size) > MOST_PIXELS:  # said in the file's head: nothing is decoded yet
            raise InvalidField(field="image", rule="picture_size", max=MOST_PIXELS)
        upright = ImageOps.exif_transpose(opened)  # decodes the first frame alone
        whole = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Image.DecompressionBombError:
        raise InvalidField(field="image", rule="picture_size", max=MOST_PIXELS) from None
    except InvalidField:
        raise
    except Exception:  # each decoder has its own
        raise InvalidField(field="image", rule="picture_kind") from None
    sizes: list[bytes] = []
    for side in (SMALL, LARGE):
        square = ImageOps.fit(whole, (side, side))
        square.info.clear()
        square.save(out := BytesIO(), "WEBP", quality=QUALITY)
        sizes.append(out.getvalue())
    return Picture(sha256(sizes[1]).hexdigest()[:DIGEST_CHARS], *sizes)
