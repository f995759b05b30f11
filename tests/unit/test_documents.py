"""What the documents point at is there: links, paths, settings, operations, series. And every page can be found from README."""

import re
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.spec import Setting
from twoway_router.config import Settings
from twoway_router.dispatch.jobs import JOBS
from twoway_router.mts.rules import MOVES
from twoway_router.telemetry import metrics

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "twoway_router"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BESIDE_SETTINGS = re.compile(r"TWOWAY_(API_URL|API_KEY|(TEST|KEEP|CRASH)_\w+)$")
"""For commands over the API, and for tests."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and folders that a page links to, each with its anchor."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def paths(page: Path) -> Iterator[str]:
    """What a page calls by a path from the root, or from the package's folder."""
    tops = {each.name for each in (*ROOT.iterdir(), *PACKAGE.iterdir()) if each.is_dir() and each.name[0] not in "._"}
    for code in re.findall(r"`([\w./-]+/[\w./-]*)`", page.read_text()):
        if code.split("/")[0] in tops:
            yield code


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the rows of all tables under a title, their heads included."""
    text = (ROOT / "docs" / page).read_text()
    (section,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip("|") for line in section.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def codes(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [
        (str(path), anchor)
        for path, anchor in links(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]

    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_exists(page: Path) -> None:
    missing = [path for path in paths(page) if not (ROOT / path).exists() and not (PACKAGE / path).exists()]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_exists(page: Path) -> None:
    known = {f"TWOWAY_{name.upper()}" for name in Settings.model_fields}

    unknown = {each for each in re.findall(r"TWOWAY_[A-Z_]+[A-Z]", page.read_text()) if each not in known}

    assert {each for each in unknown if not BESIDE_SETTINGS.match(each)} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_operation_exists(page: Path) -> None:
    described = (ROOT / "openapi" / "twoway-router.yaml").read_text()
    known = {re.sub(r"{\w+}", "{}", path) for path in re.findall(r"^  (/v1/\S+):$", described, re.MULTILINE)}

    written = re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) (/v1/[\w/{}-]+)", page.read_text())

    assert {path for path in written if re.sub(r"{\w+}", "{}", path) not in known} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_series_exists(page: Path) -> None:
    series = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]
    known = {next(iter(each.describe())).name + ("_total" if isinstance(each, Counter) else "") for each in series}

    written = set(re.findall(r"`(twr_[a-z_]*[a-z])[`{]", page.read_text()))

    assert written - known == set()


def test_a_newcomers_questions_are_answered_where_the_page_says() -> None:
    answers = [
        (*codes(path), *codes(name)) for _, path, name in rows("architecture.md", "Ten questions of a newcomer")[1:]
    ]

    wrong = [
        (path, name)
        for path, name in answers
        if not re.search(rf"^((async )?def|class) {name}\b|^{name}: Final", (PACKAGE / path).read_text(), re.MULTILINE)
    ]

    assert (len(answers), wrong) == (10, [])


def test_the_architecture_lists_the_folders_in_the_order_of_their_imports() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:layers"]["layers"].strip().splitlines()

    listed: dict[str, list[str]] = {}
    for layer, folder, *_ in rows("architecture.md", "Folders")[1:]:
        listed.setdefault(layer, []).extend(codes(folder))

    assert list(listed.values()) == [[name.strip() for name in layer.split("|")] for layer in layers]


def test_the_architecture_shows_every_move_of_an_mt() -> None:
    head, *lines = [[codes(cell) for cell in cells] for cells in rows("architecture.md", "The ledger of an MT")][:6]

    written = {
        (event, before[0] if before else None, after)
        for before, *cells in lines
        for (after,), events in zip(head[1:], cells, strict=True)
        for event in events
    }

    assert written == {
        (event.value, before, after)
        for event, moves in MOVES.items()
        for before, after in moves.items()
        if before is not after
    }


def test_operators_find_every_job() -> None:
    assert [codes(job) for job, *_ in rows("operations.md", "Jobs and queues")[1:]] == [[job] for job in JOBS]


def test_operators_wait_for_no_event_that_nothing_logs() -> None:
    code = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    events = [event for first, *_ in rows("operations.md", "Health") for event in codes(first) if "/" not in event]

    assert "run.parked" in events
    assert [event for event in events if f'"{event}"' not in code] == []


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_every_carrier_has_a_page_with_its_settings_and_capability(carrier: str) -> None:
    spec, folder = CARRIERS[carrier], ROOT / "docs" / "carriers"
    common, page = folder / "README.md", folder / f"{carrier}.md"

    written = common.read_text() + page.read_text()

    assert (page, "") in links(common)
    assert [each.name for each in spec.settings if each.name not in written] == []
    assert f"`{spec.capability}`" in page.read_text()


@pytest.mark.parametrize("carrier", sorted(CARRIERS))
def test_a_page_shows_secrets_needs_and_defaults_as_the_spec_has_them(carrier: str) -> None:
    page = (ROOT / "docs" / "carriers" / f"{carrier}.md").read_text()

    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\| .* \|$", page, re.MULTILINE))

    assert shown in ({}, {each.name: ", ".join(traits(each)) for each in CARRIERS[carrier].settings})


def traits(setting: Setting) -> Iterator[str]:
    if setting.is_secret:
        yield "secret"
    if setting.is_required:
        yield "required"
    if setting.default:
        yield f"default `{setting.default}`"


def test_every_page_is_found_from_the_readme() -> None:
    found, news = set[Path](), {ROOT / "README.md"}
    while news:
        found |= news
        linked = {path for page in news for path, _ in links(page)}
        news = {page for page in PAGES if page in linked or page.parent in linked} - found

    assert {named(page) for page in PAGES} - {named(page) for page in found} <= {"CHANGELOG.md"}
