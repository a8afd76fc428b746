"""Texts that look like secrets. The examples of docs/rules/secrets.md are the table of the first two tests."""

import re
import time
from pathlib import Path

import pytest

from tracker.domain.secret import SecretKind, find_secret

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "secrets.md"


def documented() -> list[tuple[str, str, str]]:
    """Return kind, refused and accepted example of each row."""
    rows = re.findall(r"^\| (.+?) \| .+ \| `(.+?)` \| `(.+?)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [(kind, refused, accepted) for kind, refused, accepted in rows]


@pytest.mark.parametrize(("kind", "refused", "accepted"), documented())
def test_the_page_says_what_is_done(kind: str, refused: str, accepted: str) -> None:
    assert find_secret(refused) is SecretKind(kind)
    assert find_secret(f"It is {refused}\nand more") is SecretKind(kind)
    assert find_secret(accepted) is None
    assert find_secret(f"We saw {accepted}") is None


def test_the_page_has_every_kind_and_every_row_was_read() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(documented()) == len(rows)
    assert {kind for kind, _, _ in documented()} == set(SecretKind)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Checked 12 plugins, 3 need a replacement; akismet 5.3.1 works.",
        "Password reset mails go out again.",
        "Password policy: 12 characters or more",
        "password: 12+ characters",
        "Passwort-Manager: 1Password",
        "Password: https://vault.example.com/entries/17",
        "password: ********",
        "New password: changed.",
        "password: none",
        "The password: is it changed?",
        "Smoke test pass: 12/12",
        "Bypass: 2 h 15",
        "The secret: start early",
        "Token: none yet, asked Ann on 2026-03-02",
        "Secret Santa: 24 December",
        "api key: <ask the client>",
        "from 2024 till 2026 they were here with only four more",
        "from WP50 till WP62 they used only this one also",
        "the key A1B2 A1B2 A1B2 A1B2 A1B2  A1B2 A1B2 A1B2 A1B2 A1B2 signed the release",
        "{radio: true, password: true, file: true}",
        "DE89 3704 0044 0532 0130 00",
        "1234 5678 9012 3456 7890 1234",
        "commit 0123abc: fix the menu",
        "deployed a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2a1b2 to staging",
        "sha256:" + "a1b2" * 16,
        "md5 " + "a1b2" * 8,
        "integrity sha512-" + "aB1" * 29 + "==",
        "0198c0de-a1b2-7c3d-8e4f-a1b2c3d4e5f6",
        "site-0198c0de-a1b2-7c3d-8e4f-a1b2c3d4e5f6-live",
        "/var/www/html/wp-content/uploads/2024/03/IMG_20240301_Team-Photo-Berlin-1024x768.jpg",
        "wp-content/plugins/woocommerce/includes/class-wc-product-variable-2024.php",
        "https://docs.example.com/document/d/" + "aB1" * 15 + "/edit#heading=h.a1b2c3",
        "docs.example.com/document/d/" + "aB1" * 15 + "/edit",
        "https://example.com:8443/@ann/notes?x=1:2@3",
        "mailto:ann@example.com and https://example.com/a:b@c",
        "https://editor:***@staging.example.com",
        "Rechtsschutzversicherungsgesellschaften und Donaudampfschifffahrtsgesellschaftskapitän2024",
        "Straßenverkehrszulassungsordnungsänderungsgesetz",
        "field_migrate_drupal_7_to_drupal_10_paragraph_2_body_value",
        "SOME_VERY_LONG_CONSTANT_NAME_OF_THE_CORE_MODULE_2",
        "2026-03-02T09:00:00+01:00/2026-03-03T09:00:00+01:00",
        "10.0.0.1, 192.168.178.100 and 2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "=" * 80,
        "🔑 see the vault",
    ],
)
def test_the_words_of_a_working_day_pass(text: str) -> None:
    assert find_secret(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("token xapp-1-EXAMPLE-EXAMPLE", SecretKind.SLACK, id="an app token"),
        pytest.param("github_pat_" + "EXAMPLE_" * 4, SecretKind.GITHUB, id="a fine-grained token"),
        pytest.param("-----BEGIN PRIVATE KEY-----", SecretKind.PRIVATE_KEY, id="a plain key"),
        pytest.param("postgresql://app:example@db/app", SecretKind.ADDRESS, id="a database address"),
        pytest.param("mysql://:example@db/app", SecretKind.ADDRESS, id="a password without a name"),
        pytest.param("user: ann\npassword: example\nhost: db", SecretKind.PASSWORD, id="on a line of its own"),
        pytest.param("Password:example, user: ann", SecretKind.PASSWORD, id="a word before a comma"),
        pytest.param("wp user create --user_pass=x --password='two words'", SecretKind.PASSWORD, id="with a space"),
        pytest.param('{"password": "example"}', SecretKind.PASSWORD, id="in JSON"),
        pytest.param("PASSWORD = 12345678", SecretKind.PASSWORD, id="only digits"),
        pytest.param("Kennwort\u00a0: beispiel", SecretKind.PASSWORD, id="French spacing"),
        pytest.param("client_secret=example1", SecretKind.PASSWORD, id="a client's secret"),
        pytest.param("https://example.com/?access_token=example1", SecretKind.PASSWORD, id="in an address"),
        pytest.param("token: " + "a1b2" * 10, SecretKind.PASSWORD, id="a commit id that is called a token"),
        pytest.param("key aB1c aB1c aB1c aB1c aB1c aB1c ok", SecretKind.WORDPRESS, id="in a sentence"),
        pytest.param("user with " + "aB1c\u00a0" * 6, SecretKind.WORDPRESS, id="spaces that do not break"),
        pytest.param("terminus auth:login aB1-" + "aB1" * 12, SecretKind.MACHINE, id="a command"),
        pytest.param("aB1" * 8 + "/" + "aB1" * 8 + "==", SecretKind.MACHINE, id="base 64 with a slash"),
        pytest.param("a1b2c3" * 6, SecretKind.MACHINE, id="small letters and digits"),
    ],
)
def test_a_secret_is_found_where_it_stands(text: str, kind: SecretKind) -> None:
    assert find_secret(text) is kind


def test_the_refusal_says_what_it_looks_like() -> None:
    assert SecretKind.ADDRESS.message.startswith("This looks like an address with a password. Secrets are not kept")
    assert SecretKind.SLACK.message.startswith("This looks like a Slack token.")


@pytest.mark.parametrize("piece", ["a", "aB1", "eyJ", "://:", "password", "pw:", "aB1c ", "a.", "xoxb-", "1:a@", "BEGIN "])
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    started = time.process_time()
    find_secret(piece * (50_000 // len(piece)))
    assert time.process_time() - started < 1
