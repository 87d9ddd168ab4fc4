"""What the tests of the app share: the documents it holds, and how a page is waited for and looked at."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from kgbuilder.config import Workspace

TEXTS = {
    "顾清砚.txt": "顾清砚，1962年9月8日出生于江西婺源。1998年，顾清砚创立了明溪茶业有限公司。"
    "明溪茶业有限公司总部位于上海市。",
    "holt.md": "# Maren Holt\n\nMaren Holt was born in Oslo in 1951. Maren Holt founded Northlight Labs in 1987.\n"
    "Northlight Labs is headquartered in Bergen.\n",
    "shen.txt": "沈鹤年1931年出生于杭州市，毕业于澜江大学。沈鹤年曾任澜江大学校长。《山中札记》的作者是沈鹤年。",
    "hostile.txt": "《<script>window.pwned=1</script>》的作者是顾清砚。\n"
    "《<img src=x onerror=window.pwned=2>》的作者是顾清砚。\n"
    "[link](javascript:window.pwned=3) \u202egnp.exe\u202c **bold** $x^2$ :material/home:\n",
}
ODD_REPLY = "I would rather talk about <b>tea</b>."
SETTLED = '[data-testid="stApp"][data-test-script-state="notRunning"]'

Open = Callable[..., Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app while it runs."""

    url: str
    workspace: Workspace


def settle(page: Page) -> None:
    """Wait until the script has run and the page stands."""
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(150)
    page.wait_for_selector(SETTLED)


def find_color(picture: bytes, color: tuple[int, int, int]) -> tuple[int, int] | None:
    """Return the middle of a patch of a colour in a picture."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for y in range(0, image.height - 8, 2):
        for x in range(0, image.width - 8, 2):
            if all(image.getpixel((x + d, y + e)) == color for d in (0, 4, 8) for e in (0, 4, 8)):
                return x + 4, y + 4
    return None
