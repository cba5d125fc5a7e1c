"""Help: the sheet lists every key there is and every listed key does something; the hints of a first visit hide nothing they explain."""

import pytest

from tests.browser.screen import wait

pytestmark = pytest.mark.browser

TOLD = "() => globalThis[Symbol.for('latent-explorer.keys')].filter(({ el }) => el.isConnected).map(({ group, keys }) => ({ group, keys }))"
# What the page shows and what it is at: anything that a key may change.
SHOWN = """() => {
  const model = globalThis[Symbol.for('latent-explorer')].model;
  const active = document.activeElement;
  const canvases = [...document.querySelectorAll('.le-stage-now, .le-map-top')].map((node) => node.toDataURL().length + node.toDataURL().slice(-400));
  const attributes = [...document.querySelectorAll('.le-host *')].filter((node) => !node.closest('.le-stage-speed, .le-header-connection'))
    .map((node) => ['aria-valuenow', 'aria-pressed', 'aria-checked', 'aria-selected', 'data-tool', 'open', 'hidden', 'style'].map((name) => node.getAttribute(name) ?? '').join('|')).join('\\n');
  return JSON.stringify([model.get('state'), active?.outerHTML?.slice(0, 300), canvases, attributes, [...document.querySelectorAll('input')].map(({ value }) => value)]);
}"""


def sheet(screen):
    return screen.page.locator("dialog.le-help-sheet")


def listed(screen) -> set[tuple[str, str]]:
    """What the sheet lists, as (group, what it does)."""
    return set(
        map(
            tuple,
            screen.page.eval_on_selector_all(
                ".le-help-group",
                "groups => groups.flatMap((g) => [...g.querySelectorAll('dd')].map((dd) => [g.querySelector('h4').textContent, dd.textContent]))",
            ),
        )
    )


def test_the_sheet_opens_by_its_key_keeps_the_focus_and_gives_it_back(visit, size):
    screen = visit()
    button = screen.page.get_by_role("button", name="Help and keys")
    button.focus()
    screen.page.keyboard.press("?")
    assert sheet(screen).is_visible()
    for _ in range(12):
        screen.page.keyboard.press("Tab")
        inside = screen.page.evaluate("() => document.activeElement === document.body || !!document.activeElement.closest('dialog.le-help-sheet')")
        assert inside, "Tab must not leave the sheet for what lies behind it."
    box = sheet(screen).bounding_box()
    view = screen.page.viewport_size
    assert box["x"] >= 0 and box["x"] + box["width"] <= view["width"] and box["y"] >= 0 and box["y"] + box["height"] <= view["height"]
    screen.page.keyboard.press("Escape")
    assert not sheet(screen).is_visible()
    assert screen.page.evaluate("() => document.activeElement.getAttribute('aria-label')").startswith("Help")
    button.click()
    assert sheet(screen).is_visible()


def test_a_question_mark_in_a_text_field_is_a_question_mark(screen):
    screen.tab("Model")
    screen.page.get_by_role("searchbox", name="Search models").focus()
    screen.page.keyboard.press("?")
    assert not sheet(screen).is_visible()


def test_the_sheet_lists_what_every_view_tells_and_the_tabs_never_opened(screen):
    screen.page.keyboard.press("?")
    before = listed(screen)
    screen.page.keyboard.press("Escape")
    for tab in ("Sliders", "Model"):
        screen.tab(tab)
        screen.page.wait_for_timeout(300)
    told = {(entry["group"], key["does"]) for entry in screen.page.evaluate(TOLD) for key in entry["keys"]}
    assert told and told <= before
    assert {group for group, _ in before} >= {"Everywhere", "Stage", "Map", "Strip", "Sample", "Sliders", "Model"}


def prepared(screen, group: str, press: str) -> None:
    """Brings the page to where a key has something to do."""
    page = screen.page
    if press in ("Ctrl+z", "Ctrl+Shift+z", "Ctrl+y") or (group, press) in (("Stage", "b"), ("History", "ArrowLeft"), ("History", "ArrowRight")):
        screen.tab("Sample")
        page.get_by_role("button", name="Next seed").click()
        screen.settled()
    if press in ("Ctrl+Shift+z", "Ctrl+y") or (group, press) == ("History", "ArrowRight"):
        page.keyboard.press("Control+z")
        screen.becomes(lambda session: True, "")
        wait(
            lambda: page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('state').can_redo"),
            lambda: "There should be something to redo.",
        )
    if (group, press) in (("Stage", "ArrowLeft"), ("Stage", "ArrowRight")):
        page.get_by_role("button", name="Next seed").click()
        screen.settled()
        if not page.locator(".le-stage-divider").is_visible():
            page.keyboard.press("b")
    if group == "Strip":
        for end in ("A = here", "B = here"):
            page.get_by_role("button", name="Next seed").click()
            screen.settled()
            page.get_by_role("button", name=end).click()
            screen.settled()
        page.wait_for_selector(".le-strip-scrub .le-range:visible")
        if press == "ArrowLeft":
            page.locator(".le-strip-scrub .le-range").focus()
            page.keyboard.press("End")
            screen.settled()
    if group == "Map" and press in ("Enter", "Escape"):
        page.locator(".le-map-top").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
    if group == "Map" and press == "e":
        page.locator(".le-map-top").focus()
        page.keyboard.press("p")
    if group == "Map" and press == "0":
        page.locator(".le-map-top").focus()
        page.keyboard.press("+")
        page.wait_for_timeout(400)
    if group == "Sliders" and press == "Delete":
        page.locator(".le-track-rail").first.focus()
        page.keyboard.press("PageUp")
        screen.becomes(lambda session: session["spot"]["axes"], "an axis set by hand")


TESTED = ("Everywhere", "Stage", "Map", "Strip", "Sample", "Sliders", "Model")
IDLE = {
    ("Sample", "ArrowUp", ".le-grid-cell[tabindex='0']"),
    ("Sample", "ArrowLeft", ".le-grid-cell[tabindex='0']"),
    ("Model", "ArrowUp", ".le-model-row[tabindex='0']"),
}  # the first has none before it


@pytest.mark.parametrize("group", TESTED)
def test_every_listed_key_does_something(visit, group):
    screen = visit()
    page = screen.page
    if group in ("Sliders", "Model", "Sample"):
        screen.tab(group)
        page.wait_for_timeout(1500)
    keys = [key for entry in page.evaluate(TOLD) if entry["group"] == group for key in entry["keys"]]
    assert keys, f"Nobody tells of the keys of {group}."
    for key in keys:
        for press in key["press"]:
            if (group, press, key.get("at")) in IDLE:
                continue
            prepared(screen, group, press)
            if key.get("at"):
                page.locator(key["at"]).first.focus()
            else:
                page.evaluate("() => document.activeElement?.blur()")
            page.wait_for_timeout(150)
            before = page.evaluate(SHOWN)
            page.keyboard.press(press.replace("Ctrl+", "Control+"))
            wait(lambda: page.evaluate(SHOWN) != before, lambda: f"{press} does nothing, though {group} says: {key['does']}.", 6)  # noqa: B023
            if page.locator("dialog[open]").count():
                page.keyboard.press("Escape")
            ended(screen)


def ended(screen) -> None:
    """Ends what a key leaves under way: a walk on the map waits for Enter, a film plays until it is paused."""
    page = screen.page
    page.wait_for_timeout(500)
    hand = page.evaluate("() => globalThis[Symbol.for('latent-explorer')].model.get('hand')")
    if hand == "map":
        page.locator(".le-map-top").focus()
        page.keyboard.press("Enter")
    if hand == "strip":
        page.locator(".le-strip-scrub .le-range").focus()
        page.keyboard.press(" ")
    screen.settled()


def overlap(page, selector: str) -> float:
    """Square pixels that the note has in common with what it explains."""
    return page.evaluate(
        """(selector) => {
          const [a, b] = [document.querySelector('.le-help-hint'), document.querySelector(selector)].map((node) => node.getBoundingClientRect());
          return Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
        }""",
        selector,
    )


EXPLAINED = ("[data-view=stage] .le-stage-frame", "[data-view=map] .le-map-top", ".le-tabs .tab-wrapper", "[data-view=strip]")


def first_visit(page) -> None:
    page.add_init_script(
        "if (!sessionStorage.getItem('again')) { localStorage.removeItem('latent-explorer.hints'); sessionStorage.setItem('again', '1'); }"
    )


def test_on_a_first_visit_four_hints_come_one_by_one_and_never_over_what_they_explain(visit, size):
    screen = visit(before=first_visit)
    page, note = screen.page, screen.page.locator(".le-help-hint")
    note.wait_for(state="visible")
    seen = []
    for selector in EXPLAINED:
        page.wait_for_timeout(300)
        seen.append(note.locator("strong").inner_text())
        box, view = note.bounding_box(), page.viewport_size
        assert overlap(page, selector) == 0, f"The note on {seen[-1]} covers it."
        assert box["x"] >= 0 and box["x"] + box["width"] <= view["width"] and box["y"] >= 0 and box["y"] + box["height"] <= view["height"]
        note.get_by_role("button").last.click()
    assert seen == ["The stage", "The map", "The activities", "The strip"] and not note.is_visible()
    page.reload()
    screen.settled()
    page.wait_for_timeout(1000)
    assert not note.is_visible(), "Once seen, the hints stay away."


def test_hints_can_be_skipped_and_shown_again_from_the_sheet(visit):
    screen = visit(before=first_visit)
    note = screen.page.locator(".le-help-hint")
    note.wait_for(state="visible")
    note.get_by_role("button", name="Skip").click()
    assert not note.is_visible()
    screen.page.keyboard.press("?")
    screen.page.get_by_role("button", name="Show the first hints again").click()
    assert note.is_visible() and not sheet(screen).is_visible()


def test_without_motion_the_hints_are_shown_and_nothing_moves(visit):
    screen = visit(before=lambda page: (first_visit(page), page.emulate_media(reduced_motion="reduce")))
    screen.page.locator(".le-help-hint").wait_for(state="visible")
    assert screen.page.evaluate("() => document.querySelector('.le-help-hint').getAnimations({ subtree: true }).length") == 0
