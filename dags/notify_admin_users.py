"""### Tell admin users

Alerts that wait become messages; messages that are due are delivered. What could not be delivered
is due again later: when, stands in the outbox, so a run with failed messages is green.
"""

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from lrms_terms import DAG_TERMS, EVENTS_MARKED, watch

# By the clock as well: for digests, and for messages that are due again.
WHEN = AssetOrTimeSchedule(
    assets=EVENTS_MARKED, timetable=CronTriggerTimetable("*/10 * * * *", timezone="Europe/London")
)
# Bounds a run; what is left is the next one's.
MOST_MESSAGES = 5_000


@dag(schedule=WHEN, doc_md=__doc__, **DAG_TERMS)
def notify_admin_users() -> None:
    @task
    def prepare() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.notify import prepare_messages

        with open_step("notify_admin_users.prepare") as gateway:
            return prepare_messages(gateway)

    # Whatever became of preparing: messages made before are due all the same.
    @task(trigger_rule="all_done")
    def deliver() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.notify import deliver_messages

        with open_step("notify_admin_users.deliver") as gateway:
            return deliver_messages(gateway, limit=MOST_MESSAGES)

    prepared, delivered = prepare(), deliver()
    prepared >> delivered
    [prepared, delivered] >> watch()


notify_admin_users()
