"""What a running copy is asked for by dashboard and alerts, it has."""

from tests.e2e.harness.copies import Copy
from tests.unit.docs.test_observability import OF_PROMETHEUS, asked_of, expressions
from usercore.observe.metrics import Metrics


async def test_a_running_copy_has_every_metric_of_dashboard_and_alerts(pair: tuple[Copy, Copy]) -> None:
    async with pair[0].client() as client:
        scraped = (await client.get("/metrics")).body.decode()
    families = {line.split(" ")[2] for line in scraped.splitlines() if line.startswith("# TYPE ")}
    assert families >= {metric.name for metric in Metrics().declared()}
    wanted = {name for expression in expressions() for name in asked_of(expression)[0]} - set(OF_PROMETHEUS)
    assert len(wanted) > 20
    for name in wanted:
        family = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
        assert family in families, name
