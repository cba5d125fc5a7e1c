"""Makes the pictures of the README and the docs by driving the real page in Chromium.

    python docs/make_pictures.py

Writes docs/screen-{desktop,phone}-{light,dark}.png, docs/{sliders,model,directions,flows}-desktop.png, docs/workbench.png with a path through several
points and the history, and the moving picture docs/traverse.webp: a drag over the map, a slider, and a path being played, at
the pace of the recording and not of the page.
"""

import io
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench  # noqa: E402

DOCS = ROOT / "docs"
SIZES = {"desktop": (1440, 900), "phone": (390, 844), "film": (1440, 960)}


def open_page(browser, address: str, size: str, dark: bool):
    """The page, with a picture on its stage and a path picked."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", has_touch=size == "phone")
    context.add_init_script("localStorage.setItem('latent-explorer.hints', '1')")  # no first visit
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("[data-view=stage][data-still=true], [data-view=stage] [data-still=true]", state="attached", timeout=60_000)
    page.get_by_role("button", name="A = here").click()
    page.get_by_role("button", name="Next seed", exact=True).click()
    page.wait_for_timeout(600)
    page.get_by_role("button", name="B = here").click()
    page.wait_for_timeout(1500)
    return page


def stills(browser, address: str) -> None:
    """Every size, light and dark."""
    for size in ("desktop", "phone"):
        for dark in (False, True):
            page = open_page(browser, address, size, dark)
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(300)
            page.screenshot(path=DOCS / f"screen-{size}-{'dark' if dark else 'light'}.png")
            if size == "desktop" and not dark:
                for tab in ("Sliders", "Model"):
                    page.get_by_role("tab", name=tab, exact=True).click()
                    page.wait_for_timeout(2500)
                    page.screenshot(path=DOCS / f"{tab.lower()}-desktop.png")
            page.context.close()


def moved(browser, address: str) -> None:
    """Two directions that are stacked on a face, compared with the face before; and a flow some steps on its way."""
    page = open_page(browser, address, "desktop", False)
    page.get_by_role("tab", name="Directions", exact=True).click()
    page.locator(".le-dir").first.wait_for()
    for name, presses in (("top: wavy hair", 2), ("mouth: smiling", 1)):
        slider = page.get_by_role("slider", name=f"{name}, how far")
        slider.scroll_into_view_if_needed()
        slider.focus()
        for _ in range(presses):
            page.keyboard.press("PageUp")
            page.wait_for_timeout(150)
    page.get_by_role("slider", name="top: wavy hair, how far").scroll_into_view_if_needed()
    page.wait_for_timeout(3000)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(2500)
    page.screenshot(path=DOCS / "directions-desktop.png")
    page.context.close()
    page = open_page(browser, address, "desktop", False)
    page.get_by_role("tab", name="Flows", exact=True).click()
    page.wait_for_timeout(2500)
    page.get_by_role("button", name="Play").last.click()
    page.wait_for_timeout(2200)
    page.get_by_role("button", name="Pause").last.click()
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    page.screenshot(path=DOCS / "flows-desktop.png")
    page.context.close()


def workbench(browser, address: str) -> None:
    """A path through several points, the map coloured by how far to trust its places, and the history with a branch."""
    page = open_page(browser, address, "desktop", False)
    for steps in (3, 2):
        for _ in range(steps):
            page.get_by_role("button", name="Next seed", exact=True).click()
            page.wait_for_timeout(500)
        page.get_by_role("button", name="Stop here").click()
        page.wait_for_timeout(500)
    for _ in range(3):
        page.keyboard.press("Control+z")
        page.wait_for_timeout(400)
    page.get_by_role("button", name="Random", exact=True).click()
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Show which to doubt").click()
    page.wait_for_timeout(2500)
    page.screenshot(path=DOCS / "workbench.png", full_page=True)
    page.context.close()


def moving(browser, address: str) -> None:
    """The recording: map, slider, path."""
    page = open_page(browser, address, "film", False)
    frames: list[Image.Image] = []

    def shoot(times: int = 1) -> None:
        picture = Image.open(io.BytesIO(page.screenshot(type="jpeg", quality=92))).convert("RGB").resize((960, 640), Image.Resampling.LANCZOS)
        frames.extend([picture] * times)

    box = page.locator(".le-map-top").bounding_box()
    x, y = box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.35
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(30):
        page.mouse.move(x + step * box["width"] * 0.011, y + step * box["height"] * 0.012)
        page.wait_for_timeout(90)
        shoot()
    page.mouse.up()
    page.get_by_role("tab", name="Sliders").click()
    page.wait_for_timeout(600)
    rail = page.locator(".le-track-rail").first.bounding_box()
    page.mouse.move(rail["x"] + rail["width"] * 0.5, rail["y"] + rail["height"] / 2)
    page.mouse.down()
    for step in range(30):
        share = 0.5 + 0.38 * (step / 12 if step < 12 else (24 - step) / 12 if step < 24 else -(30 - step) / 12 * 0.5)
        page.mouse.move(rail["x"] + rail["width"] * share, rail["y"] + rail["height"] / 2)
        page.wait_for_timeout(90)
        shoot()
    page.mouse.up()
    scrub = page.get_by_label("Position along the path").bounding_box()
    page.mouse.move(scrub["x"] + 8, scrub["y"] + scrub["height"] / 2)
    page.mouse.down()
    for step in range(24):
        page.mouse.move(scrub["x"] + 8 + (scrub["width"] - 16) * step / 23, scrub["y"] + scrub["height"] / 2)
        page.wait_for_timeout(90)
        shoot()
    page.mouse.up()
    frames[0].save(DOCS / "traverse.webp", save_all=True, append_images=frames[1:], duration=90, loop=0, quality=55, method=4)
    page.context.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    port = bench.free_port()
    with bench.server(*bench.explorer(port, "avatars-vae"), port=port) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=bench.chromium_path(), args=bench.CHROMIUM)
        stills(browser, address)
        moved(browser, address)
        workbench(browser, address)
        moving(browser, address)
        browser.close()


if __name__ == "__main__":
    main()
