"""The repository keeps its own promises: locks without addresses, no secret, docs that name what the code has."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tracker.domain.deadline import DeadlineKind
from tracker.domain.notice import NoticeState
from tracker.domain.secret import SecretKind, find_secret

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_pinned_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index" not in text.lower()
    named = [line for line in text.splitlines() if re.match(r"[A-Za-z]", line)]
    assert named
    assert all("==" in line for line in named)
    assert text.count("--hash=sha256:") >= len(named)


def test_every_dependency_is_named_with_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    names = {re.split(r"[\[<>=]", line)[0] for group in groups for line in group}
    page = (ROOT / "docs/dependencies.md").read_text()
    assert [name for name in sorted(names) if f"| {name} |" not in page] == []


def test_only_the_transaction_commits() -> None:
    committing = [path.name for path in tracked("tracker/*.py") if re.search(r"\.commit\(", path.read_text())]
    assert committing == ["transaction.py"]


def test_only_two_places_read_the_clock() -> None:
    reading = re.compile(r"datetime\.now\(|date\.today\(|time\.time(_ns)?\(|utcnow\(")
    found = {path.relative_to(ROOT).as_posix() for path in tracked("tracker/*.py") if reading.search(path.read_text())}
    assert found == {"tracker/clock.py", "tracker/store/identity.py"}


def test_nothing_waits_for_later() -> None:
    later = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
    files = tracked("tracker/*.py", "tests/*.py", "templates/*.html", "tracker/static/*.css")
    assert [path.name for path in files if later.search(path.read_text())] == []


def test_pages_hold_no_inline_script_or_style() -> None:
    ours = re.compile(r"""<script type="module"\s+src="{{ url_for\('static'""")
    inline = re.compile(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
    assert [path.name for path in tracked("templates/*.html") if inline.search(ours.sub("", path.read_text()))] == []


def test_no_secret_lies_in_the_program() -> None:
    # A password that is named in code is a variable; what looks like an issued key or token never is.
    issued = {SecretKind.SLACK, SecretKind.GITHUB, SecretKind.AWS, SecretKind.SERVICE_KEY, SecretKind.PRIVATE_KEY}
    files = tracked("tracker/*.py", "migrations/*.py", "*.md")
    found = {path.name: find_secret(path.read_text()) for path in files if path.name not in ("secret.py", "secrets.md")}
    assert {name: kind for name, kind in found.items() if kind in issued} == {}


def test_the_docs_name_every_setting_state_and_kind() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    settings = set(
        re.findall(r'"((?:TRACKER|SLACK|DATABASE|SECRET|BASE|SMTP)_[A-Z_]+)"', (ROOT / "tracker/settings.py").read_text())
    )
    assert [name for name in sorted(settings) if f"`{name}`" not in operations] == []
    delivery = (ROOT / "docs/rules/delivery.md").read_text()
    assert [state for state in NoticeState if f"`{state}`" not in delivery] == []
    reminders = (ROOT / "docs/rules/reminders.md").read_text()
    assert [kind for kind in DeadlineKind if f"`{kind}`" not in reminders] == []


def test_the_glossary_explains_the_words_of_the_program() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text().lower()
    words = (
        "engagement", "agreement", "project requirements", "site inventory", "allowance", "premium extra", "ps block", "posting",
        "held", "deadline", "code freeze", "content freeze", "uat", "cutover", "hypercare", "notice", "outbox", "actor", "lease",
        "fence", "audit chain", "request key",
    )  # fmt: skip
    assert [word for word in words if f"**{word}**" not in glossary] == []


def test_the_readme_gives_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make run" in readme
    assert "make test" in readme


def test_use_cases_read_text_through_what_refuses_secrets() -> None:
    tidying = re.compile(r"\bclean_(line|text)\(")
    assert [path.name for path in tracked("tracker/services/*.py") if tidying.search(path.read_text())] == []
