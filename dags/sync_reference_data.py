"""### Bring the register of organisations up to date

From the ODS API, what changed since the last run that ended well. Where ODS does not answer, the
run is red and nothing else is: feeds are judged by the register that is here. Without a key it is
skipped.
"""

from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from lrms_terms import DAG_TERMS

# ODS publishes at about two.
WHEN = CronTriggerTimetable("40 4 * * *", timezone="Europe/London")


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def sync_reference_data() -> None:
    @task
    def sync() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.sync_organisations import open_ods, sync_organisations

        with open_step("sync_reference_data.sync") as gateway:
            report = None
            if gateway.find_secret(gateway.settings.ods_key_env):
                with open_ods(gateway) as ods:
                    report = sync_organisations(gateway, ods)
        # Outside: what is raised inside is a failure of the step.
        if report is None:
            raise AirflowSkipException("there is no key for the ODS API: nothing is synced")
        return {"received": report.received, "kept": report.kept, **report.counts}

    sync()


sync_reference_data()
