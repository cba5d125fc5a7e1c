"""How the page looks: system fonts only, so that no font is fetched from anywhere."""

from pathlib import Path

import gradio as gr

__all__ = ["STYLE", "theme"]

STYLE = Path(__file__).with_name("theme.css").read_text("utf-8")
SANS = ("ui-sans-serif", "system-ui", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """The Gradio theme around the views."""
    return gr.themes.Base(primary_hue="teal", neutral_hue="slate", font=list(SANS), font_mono=list(MONO), radius_size="sm", spacing_size="sm")
