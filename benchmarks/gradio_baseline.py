"""The same decoder behind a plain `gr.Slider -> gr.Image`, as one would write it without the live channel: the baseline.

Two sliders: one with all defaults, one with `trigger_mode="always_last"`. The number of the slider's position is stamped into
the picture's corner as ten black or white blocks, so that the page can read which position it shows.
"""

import os
import sys

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import numpy as np
import torch

import explorer
from explorer import render

BITS, BLOCK = 10, 4


def build(name: str) -> gr.Blocks:
    model = explorer.load(name)
    start = model.space.sample(1, seed=0).values

    @torch.inference_mode()
    def picture(position: float) -> np.ndarray:
        z = start.clone()
        z[0, 0] = position / 1000 * 6 - 3
        pixels = render.rgb(render.to_pixels(model.generator.decode(model.code(z)))[0])
        return stamped(np.array(pixels), int(position))

    with gr.Blocks() as page:
        for name, options in (("defaults", {}), ("always_last", {"trigger_mode": "always_last"})):
            slider = gr.Slider(0, 1000, value=0, step=1, label=name, elem_id=f"slider-{name}")
            image = gr.Image(label=name, elem_id=f"image-{name}", height=200)
            slider.input(picture, slider, image, show_progress="hidden", api_name=name, **options)
    return page


def stamped(pixels: np.ndarray, number: int) -> np.ndarray:
    """The picture with `number` in its top rows, the lowest bit first."""
    big = np.repeat(np.repeat(pixels, max(1, 64 // pixels.shape[0]), 0), max(1, 64 // pixels.shape[1]), 1)
    for bit in range(BITS):
        big[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return big


if __name__ == "__main__":
    build(sys.argv[1]).queue().launch(server_port=int(sys.argv[2]), ssr_mode=False, quiet=True)
