"""The page as bytes: what it may not contain, what it must, and that data stays data."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from ccft.publish.report.blocks import Prose, Section
from ccft.publish.report.changes import Replacement
from ccft.publish.report.charts import drawn as drawn_as
from ccft.publish.report.page import _json, render
from ccft.publish.report.wording import kilograms, tonnes
from tests.unit.publish.report.world import HOSTILE, LONER, LONG, OTHER, PAYER, PUBLISHED_AT, World, many_months

PROVIDER_ACCOUNT = "000000000000"
RESTATED = Replacement(
    "2025-06", "v2.0", "run-0", "v2.0", "run-1", PUBLISHED_AT, f"meter of {OTHER} mended", is_kept=False
)


@pytest.fixture(scope="module")
def world() -> World:
    return many_months()


@pytest.fixture(scope="module")
def provider(world) -> str:
    return render(world.figures(replacements=[RESTATED]))


@pytest.fixture(scope="module")
def organisation(world) -> str:
    return render(world.figures(PAYER, replacements=[RESTATED]))


def body(page: str) -> str:
    """The page without the chart library, whose bytes hold all kinds of numbers."""
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


class Reader(HTMLParser):
    """Elements and text as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


class TestPrivacy:
    def test_no_other_id_in_a_payers_page(self, organisation):
        for other in (OTHER, LONER, "987654321000"):
            assert other not in organisation
        assert PROVIDER_ACCOUNT not in body(organisation)
        assert PAYER in organisation
        assert "000000000043" in organisation

    def test_provider_names_them(self, provider):
        for account in (OTHER, LONER, PAYER):
            assert account in body(provider)

    def test_no_total_of_others_or_of_a_pool(self, world, organisation):
        """Any sum over rows of others, per month, measure, pool, region or product, that is not also a sum of own rows."""
        text, drawn = Reader(body(organisation)).text, body(organisation)
        compared = 0
        others = f"(payer_account_id <> '{PAYER}')"
        for keys in (
            "usage_period",
            "usage_period, cluster_id, service_id",
            "region_code",
            "product_code",
            "payer_account_id",
        ):
            for measure in ("scope_1", "scope_2_lbm", "scope_2_mbm", "scope_3_embodied"):
                for condition in (others, "TRUE"):
                    sums = world.database.execute(
                        f"SELECT sum({measure}_kg), bool_and(payer_account_id = '{PAYER}') FROM account_emissions_current"
                        f" WHERE {condition} GROUP BY {keys}"
                    ).fetchall()
                    for mass, is_own in sums:
                        compared += 1
                        if mass and not is_own:
                            assert kilograms(mass) not in text
                            assert str(drawn_as(mass)) not in drawn

        assert compared > 1000
        own = world.database.execute(
            f"SELECT sum(scope_1_kg) FROM account_emissions_current WHERE payer_account_id = '{PAYER}' AND usage_period = '2025-06'"
        ).fetchone()[0]
        assert kilograms(own) in text  # the search finds what is there

    def test_sections_of_the_provider_are_not_there(self, organisation):
        anchors = {a["id"] for tag, a in Reader(body(organisation)).tags if tag == "section"}
        assert "flow" not in anchors
        assert {"overview", "regions", "components", "quality", "conservation", "changes"} <= anchors

    def test_operators_reason_is_for_the_provider(self, provider, organisation):
        assert f"meter of {OTHER} mended" in provider
        assert "mended" not in body(organisation)
        assert "no longer kept" in organisation


class TestEscaping:
    def test_hostile_names_are_text(self, provider, organisation):
        for page in (provider, organisation):
            assert HOSTILE not in page
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
            tags = Reader(body(page)).tags
            assert [tag for tag, _ in tags if tag == "script"] == ["script"]  # the data of the charts

    def test_hostile_labels_of_charts_are_escaped_twice(self):
        world = World()
        world.row(
            "2025-06", PAYER, PAYER, {"scope_1": "1"}, service='<a href="javascript:alert(1)">x', product="</script><b>"
        )
        page = render(world.finish().figures())
        drawn = re.search(r'<script type="application/json" id="drawings">(.*?)</script>', page, re.DOTALL)
        labels = next(d for d in json.loads(drawn[1]) if d["anchor"] == "chart-flow")["data"][0]["node"]["label"]
        assert '&lt;a href="javascript:alert…' in labels
        assert "</script><b>" not in page

    def test_data_cannot_end_their_script(self):
        text = _json(["</script><!-- &", "\u2028"])
        assert not set("<>&\u2028") & set(text)
        assert json.loads(text) == ["</script><!-- &", "\u2028"]

    def test_policy_allows_exactly_the_two_scripts(self, provider):
        policy = next(
            a["content"] for tag, a in Reader(provider).tags if a.get("http-equiv") == "Content-Security-Policy"
        )
        scripts = re.findall(r"<script>(.*?)</script>", provider, re.DOTALL)
        hashes = {f"sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}" for s in scripts}
        assert set(re.findall(r"'(sha256-[^']+)'", policy)) == hashes
        assert len(scripts) == 2
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
        assert not [a for _, a in Reader(body(provider)).tags if any(name.startswith("on") for name in a)]

    def test_nothing_is_fetched(self, provider):
        for _, attributes in Reader(body(provider)).tags:
            assert not attributes.keys() & {"src", "srcset", "action"}
            assert attributes.get("href", "#").startswith("#")


class TestContent:
    def test_total_is_shown_exactly_and_for_reading(self, world, provider):
        figures = world.figures()
        text = Reader(body(provider)).text
        assert tonnes(figures.total.total("mbm")) in text
        assert kilograms(figures.total.total("mbm")) in text

    def test_every_chart_has_caption_and_table(self, provider):
        figures = re.findall(r'<figure class="(?:chart|ranking)">.*?</figure>', provider, re.DOTALL)
        assert len(figures) == 8
        for figure in figures:
            assert "<figcaption" in figure
            assert "<table>" in figure
            assert "<caption" in figure

    def test_scope_3_not_computed_is_no_zero(self):
        page = render(World().row_month("2025-06").finish().figures())
        text = re.sub(r"\s+", " ", Reader(body(page)).text)
        assert "Scope 3 is not computed in v2.0; that is not the same as zero." in text
        row = re.search(r"<th scope=\"row\">Scope 3</th>(.*?)</tr>", page, re.DOTALL)[1]
        assert row.count("not computed") == 2
        assert "0" not in Reader(row).text

    def test_change_of_version_is_marked(self, provider):
        drawn = re.search(r'id="drawings">(.*?)</script>', provider, re.DOTALL)
        trend = next(d for d in json.loads(drawn[1]) if d["anchor"] == "chart-trend")
        assert [note["text"] for note in trend["layout"]["annotations"]] == ["v2.0", "v3.0"]
        assert "first month of v3.0" in provider

    def test_reconstruction_is_said(self, provider):
        assert "Reconstruction: the method of this version was published only in outline." in provider

    def test_ids_are_unique(self, provider):
        ids = [a["id"] for _, a in Reader(body(provider)).tags if "id" in a]
        assert len(ids) == len(set(ids))

    def test_long_names_are_whole_in_text_and_cut_in_the_picture(self, provider):
        assert LONG in provider

    def test_broken_conservation_is_an_alarm(self):
        world = World().row_month("2025-06").finish()
        world.database.execute(
            "UPDATE account_emissions SET scope_1_kg = scope_1_kg + 0.000000001 WHERE account_id = ?", [PAYER]
        )
        page = render(world.figures())
        assert '<p class="alert">' in page
        assert "largest difference 0.000000001 kg" in page

    def test_same_data_same_bytes(self, world, provider):
        assert render(world.figures(replacements=[RESTATED])) == provider

    def test_a_section_of_another_room_stands_before_the_notes(self, world):
        page = render(world.figures(), extra=[Section("ai", "AI models", "Footprint of models.", [Prose("a & b")])])
        assert page.index('id="changes"') < page.index('id="ai"') < page.index('id="method"')
        assert '<a href="#ai">AI models</a>' in page
        assert '<p class="plain">a &amp; b</p>' in page


@pytest.mark.parametrize("period", ["2024-06", "2025-06", "2025-12"])
def test_one_month_is_a_page(period):
    page = render(World().row_month(period).finish().figures(PAYER))
    assert "1 published month" in page


def test_idle_payer_is_a_page():
    world = World().row_month("2023-01", version="v2.0")
    world.row("2025-06", OTHER, OTHER, {"scope_1": "5"})
    page = render(world.finish().figures(PAYER))
    assert "Without usage, so without emissions: June 2025." in page


def test_negative_and_zero_totals_are_a_page():
    world = World()
    world.row("2025-06", PAYER, PAYER, {"scope_2_lbm": "-5.5", "scope_2_mbm": "-5.5"})
    world.row("2025-06", OTHER, OTHER, {})
    for payer in ("", PAYER, OTHER):
        page = render(world.figures(payer) if payer != "" else world.finish().figures())
        assert "</html>" in page
