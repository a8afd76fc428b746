"""The catalogue's files: what is in them, and the one clear line about a broken one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import environment
from tracker.catalog import loader
from tracker.catalog.loader import FOLDER, CatalogueFault, newest, read

ROOT = Path(__file__).parents[2]


def test_everything_that_was_researched_is_in_it() -> None:
    known = newest()
    assert len(known.included) == 18
    assert len(known.exclusions) == 13
    assert len(known.duties) == 7
    assert len(known.premium_options) == 6
    assert len(known.issues) == 183
    assert len(known.known_issues.code_patterns) == 26
    assert len(known.paths) == 14
    assert len(known.runbooks.import_faults) == 14


def test_every_step_and_check_of_every_path_can_be_named() -> None:
    for runbook in newest().paths.values():
        ids = [step.id for step in runbook.steps]
        assert len(ids) == len(set(ids)), f"{runbook.id} has a step twice"


def test_a_source_is_said_in_words() -> None:
    known = newest()
    assert known.say_source("seed-1") == "Guided WordPress migration (2024)"
    assert known.say_source("seed-3#premium-migrations") == "Managed Migration Service (2023 revision): Premium migrations"
    assert known.say_source("source/content/machine-tokens.md") == "Platform documentation, “machine tokens”"


def test_an_agreement_keeps_its_version_and_without_one_the_newest_counts() -> None:
    assert loader.pinned(1) is loader.catalogue(1)
    assert loader.pinned(None) is newest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the first version, to be broken."""
    shutil.copytree(FOLDER / "v1", tmp_path / "v1")
    return tmp_path


def swap(folder: Path, name: str, old: str, new: str) -> None:
    """Change the first place in a file where something stands."""
    path = folder / "v1" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        pytest.param(
            "runbooks.toml",
            'era = "about 2016-2017"',
            'era = "about 2016-2017"\ncolour = "red"',
            "Catalogue file v1/runbooks.toml: runbooks > wordpress-guided-2017 > colour: there is no such field.",
            id="unknown field",
        ),
        pytest.param(
            "offering.toml",
            'title = "Customer team"\n',
            "",
            "Catalogue file v1/offering.toml: roles > customer > title: this field is missing.",
            id="missing field",
        ),
        pytest.param(
            "known_issues.toml",
            'severity = "needs-workaround"',
            'severity = "dire"',
            "Catalogue file v1/known_issues.toml: issues > wp-accessally-protected-content > severity: "
            "must be 'blocks', 'needs-workaround' or 'note', not 'dire'.",
            id="a word that is none of the known ones",
        ),
        pytest.param(
            "offering.toml",
            "ps_minimum_hours = 4",
            'ps_minimum_hours = "four"',
            "Catalogue file v1/offering.toml: ps_minimum_hours: must be a whole number, not 'four'.",
            id="text for a number",
        ),
        pytest.param(
            "offering.toml",
            'as_of = "docs',
            "as_of = docs",
            "Catalogue file v1/offering.toml is not TOML: Invalid value (at line 6, column 9).",
            id="not TOML",
        ),
        pytest.param(
            "runbooks.toml",
            'id = "create-token"\ntitle = "Create a machine token whose name tells the site, and keep it somewhere safe"\n'
            'actor = "customer"',
            'id = "create-token"\ntitle = "Create"\nactor = "wizard"',
            "Catalogue v1: runbook wordpress-guided-2017, step create-token: nobody is called wizard.",
            id="an actor nobody knows",
        ),
        pytest.param(
            "known_issues.toml",
            'id = "wp-adthrive-ads-incompatible"',
            'id = "wp-accessally-protected-content"',
            "Catalogue v1: known issue wp-accessally-protected-content stands there twice.",
            id="an id twice",
        ),
        pytest.param(
            "runbooks.toml",
            'id = "create-token"',
            'id = "create-site"',
            "Catalogue v1: runbook wordpress-guided-2017: step create-site stands there twice.",
            id="a step twice",
        ),
        pytest.param(
            "runbooks.toml",
            'route = "migrations mailbox"',
            'route = "the-moon"',
            "Catalogue v1: runbook wordpress-guided-2017: on failure it leads to the-moon, which is nowhere.",
            id="a way that leads nowhere",
        ),
        pytest.param(
            "runbooks.toml",
            'helped_cap = "plugin-assisted-troubleshooting"',
            'helped_cap = "help"',
            "Catalogue v1: runbook wordpress-guided-2017: there is no cap help.",
            id="a cap that is not there",
        ),
        pytest.param(
            "offering.toml",
            'source = "seed-3#premium-migrations"',
            'source = "seed-9#premium-migrations"',
            "Catalogue v1: premium: there is no source seed-9.",
            id="a source that is not there",
        ),
        pytest.param(
            "runbooks.toml",
            '    "machine_token",\n',
            '    "no_such_check",\n',
            "Catalogue v1: runbook wordpress-guided-2017, step create-token: there is no check called no_such_check.",
            id="a check that is not there",
        ),
    ],
)
def test_a_broken_file_is_one_clear_line(folder: Path, file: str, old: str, new: str, line: str) -> None:
    swap(folder, file, old, new)
    with pytest.raises(CatalogueFault) as fault:
        read(folder, 1)
    assert str(fault.value) == line


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "v1" / "known_issues.toml").unlink()
    with pytest.raises(CatalogueFault, match=r"^Catalogue file v1/known_issues\.toml is missing\.$"):
        read(folder, 1)


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "v1" / "offering.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogueFault, match=r"^Catalogue file v1/offering\.toml is not TOML"):
        read(folder, 1)


def test_of_many_faults_the_first_are_named(folder: Path) -> None:
    path = folder / "v1" / "known_issues.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("severity =", "gravity ="), encoding="utf-8")
    with pytest.raises(CatalogueFault) as fault:
        read(folder, 1)
    assert "more)" in str(fault.value)
    assert len(str(fault.value)) < 1000
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("command", [("verify",), ("serve", "--port", "65000"), ("catalog", "diff")])
def test_no_command_starts_with_a_broken_catalogue(tmp_path: Path, command: tuple[str, ...]) -> None:
    """A copy of the program with one file broken: exit code 2 and one line, before anything else happens."""
    shutil.copytree(ROOT / "tracker", tmp_path / "program" / "tracker", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("templates", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / "program" / name, ignore=shutil.ignore_patterns("__pycache__"))
    broken = tmp_path / "program" / "tracker" / "catalog" / "v1" / "runbooks.toml"
    broken.write_text(broken.read_text(encoding="utf-8").replace('status = "superseded"', 'status = "old"', 1), encoding="utf-8")
    environ = environment(tmp_path / "instance", PYTHONPATH=str(tmp_path / "program"))
    done = subprocess.run(
        [sys.executable, "-m", "tracker", *command],
        env=environ,
        cwd=tmp_path / "program",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "tracker: Catalogue file v1/runbooks.toml: runbooks > wordpress-guided-2017 > status: "
        "must be 'current' or 'superseded', not 'old'.\n"
    )
