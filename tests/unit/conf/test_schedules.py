"""Schedules call commands that exist, with flags that exist."""

import re
import runpy
import shutil
import subprocess
import sys
from types import ModuleType

import pytest
import typer

from ccft.cli.app import app

TASKS: list["Task"] = []


class Task:
    """A stand-in for the operator: remembers its arguments and what runs after it."""

    def __init__(self, **arguments):
        self.arguments = arguments
        self.after = []
        TASKS.append(self)

    def __rshift__(self, other):
        self.after.append(other)
        return other


class Dag:
    """A stand-in for Airflow's DAG."""

    def __init__(self, **arguments):
        self.arguments = arguments

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None


@pytest.fixture
def airflow(monkeypatch):
    """Airflow's two names that the DAG file imports; Airflow itself is no dependency."""
    names = ("airflow", "airflow.providers", "airflow.providers.apache", "airflow.providers.apache.spark")
    operators = ("airflow.providers.apache.spark.operators", "airflow.providers.apache.spark.operators.spark_submit")
    for name in (*names, *operators, "airflow.sdk"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["airflow.sdk"].DAG = Dag
    sys.modules[operators[-1]].SparkSubmitOperator = Task
    TASKS.clear()


def flags(command: str) -> set[str]:
    found = typer.main.get_command(app).commands[command]
    return {flag for parameter in found.params for flag in parameter.opts}


def test_the_dag_ingests_and_then_runs_what_is_due(airflow, repository_root):
    dag = runpy.run_path(str(repository_root / "conf/schedules/airflow_ccft_due.py"))["dag"]
    ingest, run_due = TASKS
    assert ingest.after == [run_due]
    assert dag.arguments["max_active_runs"] == 1
    assert dag.arguments["catchup"] is False
    home = "{{ var.value.ccft_home }}/"
    for task, command in ((ingest, "ingest"), (run_due, "run")):
        application = repository_root / task.arguments["application"].removeprefix(home)
        assert f'main(["{command}"' in application.read_text(encoding="utf-8")
        given = {word for word in task.arguments["application_args"] if word.startswith("--")}
        assert given <= flags(command)
    assert "--due" in run_due.arguments["application_args"]
    settings = dag.arguments["default_args"]["properties_file"]
    assert (repository_root / settings.removeprefix(home)).is_file()


@pytest.mark.parametrize(("name", "line"), [("ccft.cron", r"^30 4 "), ("ccft-due.service", r"^ExecStart=")])
def test_cron_and_systemd_call_the_command(repository_root, name, line):
    text = (repository_root / "conf/schedules" / name).read_text(encoding="utf-8")
    (call,) = [row for row in text.splitlines() if re.match(line, row)]
    assert "/ccft run --due" in call
    assert "--due" in flags("run")


def test_systemd_understands_the_timer(repository_root):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    text = (repository_root / "conf/schedules/ccft-due.timer").read_text(encoding="utf-8")
    (when,) = re.findall(r"^OnCalendar=(.*)$", text, re.MULTILINE)
    done = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "*-*-* 04:30:00 UTC" in done.stdout
