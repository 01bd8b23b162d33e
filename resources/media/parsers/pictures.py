"""Pictures as they leave the worker: small, upright, opaque, the same bytes for the same file."""

from __future__ import annotations

import io

from PIL import Image

from resources.media.requests import PictureFormat

_GROUND = (222, 222, 222)
"""What shows through transparent pixels: neither a white nor a black drawing vanishes on it."""


def within(image: Image.Image, edge: int) -> bytes:
    """The file of an upright image, made smaller where an edge is longer than `edge`."""
    flat = opaque(image)
    flat.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return encoded(flat, "webp")


def encoded(image: Image.Image, form: PictureFormat) -> bytes:
    """The picture's file: without metadata, so the same pixels are the same bytes."""
    out = io.BytesIO()
    if form == "webp":
        image.save(out, "WEBP", quality=80, method=4)
    elif form == "jpeg":
        image.save(out, "JPEG", quality=90)
    else:
        image.save(out, "PNG", compress_level=3)
    return out.getvalue()


def opaque(image: Image.Image) -> Image.Image:
    """The image in RGB, on a neutral ground where it is transparent."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        import numpy as np  # most images can do without

        from resources.media.parsers.shades import grey

        return Image.fromarray(grey(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        ground = Image.new("RGB", clear.size, _GROUND)
        ground.paste(clear, mask=clear.getchannel("A"))
        return ground
    return image.convert("RGB")
