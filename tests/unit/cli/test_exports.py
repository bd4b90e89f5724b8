"""Wrong usage of `ccft export` is refused before anything is opened or written."""

import pytest

from ccft.cli import exports, main

PAYER = "000000000042"
QUERY = "SELECT location FROM CARBON_EMISSIONS"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command; Spark must not be needed to refuse it."""

    def opened(*_arguments, **_options):
        raise AssertionError("the lake was opened")

    monkeypatch.setattr(exports, "open_lake", opened)

    def call(*arguments: str, dest: str = "out") -> tuple[int, str]:
        common = ["export", "--lake", str(tmp_path / "lake"), "--dest", str(tmp_path / dest)]
        with pytest.raises(SystemExit) as caught:
            main([*common, *arguments])
        assert not (tmp_path / dest).exists() or not list((tmp_path / dest).rglob("*.parquet"))
        return int(caught.value.code or 0), capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--name", "carbon"], "CCFT-USAGE-BAD-SETTING"),
        (["--name", "carbon", "--payer", PAYER, "--all"], "CCFT-USAGE-EXPORT-FORM"),
        (["--name", "carbon", "--tables", "account_emissions", "--payer", PAYER], "CCFT-USAGE-EXPORT-FORM"),
        (["--name", "carbon", "--tables", "account_emissions", "--query", QUERY], "CCFT-USAGE-EXPORT-FORM"),
        (["--name", "carbon", "--all", "--profile", "focus", "--query", QUERY], "CCFT-USAGE-EXPORT-FORM"),
        (["--name", "carbon", "--all", "--profile", "google", "--format", "csv"], "CCFT-USAGE-EXPORT-FORM"),
        (["--name", "carbon", "--all", "--profile", "pact"], "CCFT-USAGE-BAD-SETTING"),
        (["--name", "carbon", "--all", "--from", "2025-13"], "CCFT-USAGE-BAD-PERIOD"),
        (["--name", "../carbon", "--all"], "CCFT-USAGE-EXPORT-NAME"),
        (["--name", "", "--all"], "CCFT-USAGE-EXPORT-NAME"),
        (["--name", "a'b", "--all"], "CCFT-USAGE-EXPORT-NAME"),
        (["--name", "carbon", "--payer", ""], "CCFT-USAGE-EXPORT-PAYER"),
        (["--name", "carbon", "--payer", "*"], "CCFT-USAGE-EXPORT-PAYER"),
        (["--name", "carbon", "--payer", f"{PAYER}/../000000000043"], "CCFT-USAGE-EXPORT-PAYER"),
        (["--name", "carbon", "--payer", f"{PAYER}' OR '1'='1"], "CCFT-USAGE-EXPORT-PAYER"),
        (["--name", "carbon", "--all", "--query", "SELECT * FROM CARBON_EMISSIONS"], "'*' at position 8"),
        (["--name", "carbon", "--all", "--query", ""], "CCFT-USAGE-QUERY-REFUSED"),
    ],
)
def test_wrong_usage(run, arguments, code):
    exit_code, message = run(*arguments)
    assert exit_code == 2
    assert code in message


def test_a_destination_inside_the_lake(run):
    exit_code, message = run("--name", "carbon", "--all", dest="lake/exports")
    assert exit_code == 2
    assert "CCFT-USAGE-EXPORT-DESTINATION" in message


def test_several_problems_are_reported_together(run):
    _, message = run("--name", "../x", "--payer", PAYER, "--all")
    assert "CCFT-USAGE-EXPORT-NAME" in message
    assert "CCFT-USAGE-EXPORT-FORM" in message


def test_right_usage_goes_on_to_the_lake(run):
    exit_code, message = run("--name", "carbon", "--payer", PAYER)
    assert exit_code == 1
    assert "the lake was opened" in message
