"""The screens that no address leads to: a form is filled, a button is pressed, and there it is."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.async_api import expect

from rowhook.services import webhooks
from rowhook.services.webhook_checks import WebhookPatch
from tests.support.stage import Stage

MENDED = '{"number": {{data.number}}, "recipient": "{{data.email}}"}'


async def write(made: Stage, label: str, text: str) -> None:
    """Into an editor, in place of what is there."""
    await made.page.get_by_role("textbox", name=label, exact=True).click()
    await made.page.keyboard.press("Control+a")
    await made.page.keyboard.insert_text(text)


async def press(made: Stage, name: str) -> None:
    await made.page.get_by_role("button", name=name, exact=True).click()


async def refused_key(made: Stage) -> None:
    await made.go("/sign-in")
    await made.page.get_by_label("API key").fill("rhk_nobody")
    await press(made, "Sign in")
    await expect(made.page.get_by_role("alert")).to_contain_text("Unknown API key.")


async def previewed(made: Stage) -> None:
    await made.go(f"/webhooks/{made.webhooks['CRM']}/edit")
    await expect(made.page.locator("#preview")).to_contain_text("The delivery would be sent.")


async def created(made: Stage) -> None:
    await made.go("/webhooks/new?preset=json")
    await made.page.get_by_label("Name", exact=True).fill("Ledger")
    await made.page.get_by_label("URL", exact=True).fill(f"{made.rig.receiver.url}/ledger")
    await press(made, "Create")
    await expect(made.page.get_by_label("the signing secret")).to_be_visible()


async def refused_save(made: Stage) -> None:
    await made.go("/webhooks/new?preset=json")
    await made.page.get_by_label("Retry schedule").fill("0, soon")
    await made.page.get_by_label("Timeout (seconds)").fill("99")
    await write(made, "Body template", '{"a": {{data.name | upcase}}}')
    await write(made, "JSON Schema", '{"type": "objekt"}')
    await press(made, "Create")
    await expect(made.page.get_by_text("Nothing was saved.")).to_be_visible()


async def overtaken_save(made: Stage) -> None:
    webhook = made.webhooks["Archive"]
    await made.go(f"/webhooks/{webhook}/edit")
    await webhooks.patch_webhook(made.rig.ctx, webhook, WebhookPatch(description="theirs"))
    await press(made, "Save")
    await expect(
        made.page.get_by_text(re.compile("was saved while you were editing"))
    ).to_be_visible()
    await expect(made.page.locator("#preview")).to_contain_text("The delivery would be sent.")


async def tested(made: Stage) -> None:
    await made.go(f"/webhooks/{made.webhooks['CRM']}/test")
    await press(made, "Send test")
    await expect(made.page.get_by_role("status")).to_contain_text("The receiver answered 200.")


async def tested_in_vain(made: Stage) -> None:
    await made.go(f"/webhooks/{made.webhooks['Billing']}/test")
    await press(made, "Send test")
    await expect(made.page.get_by_role("status")).to_contain_text("schema_failed")


async def refused_delete(made: Stage) -> None:
    await made.go(f"/webhooks/{made.webhooks['CRM']}")
    await made.page.get_by_text("Delete…").click()
    await press(made, "Delete")
    await expect(made.page.locator("#refused")).to_contain_text("Goal")


async def rotated(made: Stage) -> None:
    await made.go(f"/webhooks/{made.webhooks['CRM']}")
    await press(made, "Rotate secret")
    await expect(made.page.get_by_label("the new signing secret")).to_be_visible()


async def mended_badly(made: Stage) -> None:
    await made.go(f"/held/{made.webhooks['Billing']}")
    await write(made, "Body template", '{"number": {{data.number | upcase}}')
    await press(made, "Preview all held")
    await expect(made.page.get_by_text("Nothing was saved.")).to_be_visible()


async def mended_and_previewed(made: Stage) -> None:
    await made.go(f"/held/{made.webhooks['Billing']}")
    await write(made, "Body template", MENDED)
    await press(made, "Preview all held")
    await expect(made.page.get_by_role("status")).to_contain_text("4 of 4 would be sent")


async def judged(made: Stage) -> None:
    await made.go(f"/goals/{quote(made.rig.platform.goal, safe='')}")
    await write(made, "Data", '{"name": "Ada", "email": "ada@example.com", "number": 7}')
    await press(made, "Validate")
    await expect(made.page.locator("#verdict")).to_contain_text("schema_failed")


async def key_made(made: Stage) -> None:
    await made.go("/keys")
    await made.page.get_by_label("Name").fill("ci")
    await press(made, "Create key")
    await expect(made.page.get_by_label("the new key")).to_be_visible()


async def refused_secret(made: Stage) -> None:
    await made.go("/secrets")
    await made.page.get_by_text("Delete…").first.click()
    await press(made, "Delete")
    await expect(made.page.get_by_role("alert")).to_contain_text("CRM")


async def keyboard(made: Stage) -> None:
    await made.go("/webhooks")
    await press(made, "Keyboard shortcuts")
    await expect(made.page.get_by_role("dialog")).to_be_visible()
