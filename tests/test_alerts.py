"""The example alarms name figures that exist, and each says what to do."""

import re
from datetime import timedelta
from typing import Any

import prometheus_client
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from bot import metrics
from services.figures import Late
from tests.builders import NOON, ROOT

RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
OURS = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
NAMES = {
    name
    for one in OURS
    for name in {
        "counter": [f"{one._name}_total"],
        "histogram": [f"{one._name}_{part}" for part in ("bucket", "count", "sum")],
    }.get(str(one._type), [one._name])
}
LABELS = {label for one in OURS for label in one._labelnames}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_names_only_figures_and_labels_that_exist(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\bmfa_\w+", rule["expr"]))
    assert named
    assert named <= NAMES
    used = re.findall(r"\bby \(([^)]*)\)", rule["expr"]) + re.findall(r"(\w+)=\"", rule["expr"])
    assert {label.strip() for labels in used for label in labels.split(",")} <= LABELS | {"le"}
    assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= LABELS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_says_how_urgent_it_is_and_the_documentation_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    rows = [line for line in RUNNING.splitlines() if line.startswith(f"| `{rule['alert']}` |")]
    assert len(rows) == 1
    assert all(cell.strip() for cell in rows[0].strip("|").split("|"))


def test_the_documentation_has_no_alarm_that_does_not_exist_and_names_each_figure() -> None:
    assert set(re.findall(r"^\| `(Mfa\w+)` \|", RUNNING, re.MULTILINE)) == {rule["alert"] for rule in RULES}
    for one in OURS:
        name = f"{one._name}_total" if one._type == "counter" else one._name
        assert f"`{name}`" in RUNNING, name


def test_what_the_bot_counts_is_given_out() -> None:
    metrics.Counted().notice("mail", "sent")
    metrics.show_drifts({"stranger": 2})
    given = prometheus_client.generate_latest().decode()
    assert 'mfa_notices_total{outcome="sent",way="mail"}' in given
    assert 'mfa_drifts{what="stranger"} 2.0' in given
    assert 'mfa_drifts{what="missing"} 0.0' in given
    metrics.show_drifts({})
    assert 'mfa_drifts{what="stranger"} 0.0' in prometheus_client.generate_latest().decode()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_what_an_alarm_sees_growing_is_there_before_it_happens(rule: dict[str, Any]) -> None:
    """A series that is born at 1 has not increased, for Prometheus: the first event of each process would be missed."""
    for one in OURS:
        one.clear()
    metrics.Counted()
    there = [sample for one in OURS for family in one.collect() for sample in family.samples]
    for name, selector in re.findall(r"\b(?:increase|rate)\((\w+)(?:\{([^}]*)\})?\[", rule["expr"]):
        wanted = set(re.findall(r'(\w+)="([^"]*)"', selector))
        assert any(sample.name == name and wanted <= set(sample.labels.items()) for sample in there), name


def test_a_comparison_that_never_was_is_as_old_as_can_be() -> None:
    metrics.show_compared(None, NOON, timedelta(hours=1))
    given = prometheus_client.generate_latest().decode()
    assert "mfa_compared_seconds +Inf" in given
    assert "mfa_compare_every_seconds 3600.0" in given


def test_a_comparison_that_seems_still_to_come_is_no_fresh_one() -> None:
    metrics.show_compared(NOON + timedelta(days=2), NOON, timedelta(hours=1))
    assert f"mfa_compared_seconds {2.0 * 24 * 3600}" in prometheus_client.generate_latest().decode()


def test_each_kind_of_the_policy_shows_its_zeros() -> None:
    metrics.show_late([Late("short", due=3, overdue=2, ends_overdue=1, unproved=0)], ["short", "long"])
    given = prometheus_client.generate_latest().decode()
    assert 'mfa_ends_overdue{kind="short"} 1.0' in given
    assert 'mfa_ends_overdue{kind="long"} 0.0' in given
