"""### Watch

Looks at what came, what waits and what failed; opens an alarm for what a person should see, and
tells the operators once. A run with open alarms is green: what is wrong stands in
`lrms-gateway status`.
"""

from airflow.sdk import dag, task
from lrms_terms import DAG_TERMS, watch

# Bounds a run; what is left is the next one's.
MOST_MESSAGES = 100


@dag(schedule="*/10 * * * *", doc_md=__doc__, **DAG_TERMS)
def watch_feeds() -> None:
    @task
    def look() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.monitoring.watch import watch

        with open_step("watch_feeds.look") as gateway:
            return watch(gateway)

    # Here too: what holds up notify_admin_users must not hold up the alarm about it.
    @task(trigger_rule="all_done")
    def deliver() -> dict[str, int]:
        from gateway.monitoring.steps import open_step
        from gateway.pipeline.notify import deliver_messages

        with open_step("watch_feeds.deliver") as gateway:
            return deliver_messages(gateway, limit=MOST_MESSAGES)

    looked, delivered = look(), deliver()
    looked >> delivered
    [looked, delivered] >> watch()


watch_feeds()
