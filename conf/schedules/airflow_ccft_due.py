"""Airflow 3: every night, take in what was delivered and publish the months that are complete.

Needs the provider `apache-airflow-providers-apache-spark`, a Spark connection (`spark_default`) and three Airflow variables:
`ccft_home` (folder with `jobs/` and `conf/`, on the worker), `ccft_lake` and `ccft_inputs` (folders or URIs).
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import DAG

HOME = "{{ var.value.ccft_home }}"
LAKE = ["--lake", "{{ var.value.ccft_lake }}"]

with DAG(
    dag_id="ccft_due",
    description="Carbon footprint: ingest, then publish every complete month that lacks the version in effect",
    schedule="30 4 * * *",
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    # What is due follows from the lake, not from the date of the run: missed nights need no run of their own.
    catchup=False,
    # The lake's lock keeps a second writer out; a run that would meet it need not start.
    max_active_runs=1,
    default_args={
        "conn_id": "spark_default",
        "properties_file": f"{HOME}/conf/spark/standalone.conf",
        # A failed check fails again; unavailable storage may not.
        "retries": 1,
        "retry_delay": timedelta(minutes=30),
    },
    tags=["ccft"],
) as dag:
    ingest = SparkSubmitOperator(
        task_id="ingest",
        name="ccft ingest",
        application=f"{HOME}/jobs/ingest.py",
        application_args=[*LAKE, "--inputs", "{{ var.value.ccft_inputs }}"],
    )
    run_due = SparkSubmitOperator(
        task_id="run_due",
        name="ccft run --due",
        application=f"{HOME}/jobs/allocate.py",
        application_args=[*LAKE, "--due"],
    )
    ingest >> run_due
