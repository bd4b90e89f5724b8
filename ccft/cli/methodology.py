"""`ccft methodology`: the versions and their policies."""

import json

import typer

app = typer.Typer(no_args_is_help=True, help="The methodology versions and their policies.")


@app.command("list")
def methodology_list() -> None:
    """Versions with the months for which they are in effect."""
    from ccft.methodology.model import known_versions

    for policy in known_versions().values():
        months = f"{policy.effective_from or 'the beginning'} to {policy.effective_to or 'now'}"
        label = " (reconstruction)" if policy.is_reconstruction else ""
        print(f"{policy.version}{label}: {months}. {policy.title}")


@app.command("show")
def methodology_show(version: str) -> None:
    """All policies of a version."""
    from ccft.methodology.model import methodology

    for name, value in methodology(version).model_dump(mode="json").items():
        print(f"{name} = {json.dumps(value)}")
