"""What runs Shelfwise elsewhere: alert rules, dashboard, compose's monitoring, Kubernetes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import promql_parser
import pytest
import yaml

from docs.write_metrics import metrics_page
from indexer import telemetry as worker_telemetry
from indexer.connectors import metrics as sync_metrics
from indexer.connectors.sync_config import read_sources
from indexer.settings import IndexerSettings
from mappings.metrics import Metric
from mappings.product_changes import LANES
from service import telemetry as service_telemetry
from service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
MONITORING, KUBERNETES = ROOT / "docs/monitoring", ROOT / "docs/kubernetes"
KUBERNETES_VERSIONS = ("1.30", "1.37")
METRICS = {
    one.name: one
    for one in (*service_telemetry.METRICS, *worker_telemetry.METRICS, *sync_metrics.METRICS)
}
SCRAPED = {"job", "instance"}
"""Labels that Prometheus itself puts on everything."""


def samples(metric: Metric) -> dict[str, set[str]]:
    """Name of each series of a metric to its labels."""
    labels = set(metric.labels) | SCRAPED
    if metric.kind != "histogram":
        return {metric.name: labels}
    plain = {f"{metric.name}{end}": labels for end in ("_count", "_sum")}
    return {**plain, f"{metric.name}_bucket": labels | {"le"}}


def rule_groups() -> list[dict[str, Any]]:
    return yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]


def rules(kind: str) -> list[dict[str, Any]]:
    return [rule for group in rule_groups() for rule in group["rules"] if kind in rule]


SERIES: dict[str, set[str]] = {"up": SCRAPED} | {
    name: labels for metric in METRICS.values() for name, labels in samples(metric).items()
}
RECORDED = {rule["record"]: {"index", "lane"} for rule in rules("record")}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules("expr"):
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "5m").replace("$index", ".*")
            yield panel["title"], text
    adapter = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())
    for rule in adapter["rules"]["external"]:
        text = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'lane="x"')
        yield rule["name"]["as"], text
    for scaled in documents(KUBERNETES / "keda.yaml"):
        for trigger in scaled["spec"]["triggers"]:
            yield scaled["metadata"]["name"], trigger["metadata"]["query"]


def dashboard() -> dict[str, Any]:
    return json.loads((MONITORING / "dashboard.json").read_text())


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


MANIFESTS = [
    pytest.param(document, id=f"{document['kind']} {document['metadata']['name']}")
    for path in sorted(KUBERNETES.glob("*.yaml"))
    if path.name not in ("kustomization.yaml", "prometheus-adapter.yaml", "keda.yaml")
    for document in documents(path)
]
DEPLOYMENTS = [one for one in MANIFESTS if one.values[0]["kind"] == "Deployment"]


def names_and_labels(text: str) -> tuple[set[str], set[str]]:
    """The series and the labels that an expression names; Prometheus' grammar must take it."""
    promql_parser.parse(text)
    bare = re.sub(r'"[^"]*"', '""', text)
    names = set(re.findall(r"\b(?:up|shelfwise[:_][a-z0-9_:]+)(?=[\[{ )]|$)", bare))
    matched = set(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", bare))
    grouped = re.findall(r"\b(?:by|on|ignoring) \(([a-z_, ]*)\)", bare)
    return names, matched | {label.strip() for group in grouped for label in group.split(",")}


def test_the_page_of_metrics_is_current():
    assert (ROOT / "docs/metrics.md").read_text() == metrics_page(), "run make docs"


def test_every_listed_metric_is_made_and_no_other():
    made = {
        family.name + ("_total" if family.type == "counter" else "")
        for telemetry in (
            service_telemetry.Telemetry(),
            worker_telemetry.WorkerTelemetry(),
            sync_metrics.SyncTelemetry(),
        )
        for family in telemetry._registry.shown().collect()
    }
    live = {one.name for one in METRICS.values() if one.name.startswith("shelfwise_queue")}
    assert made | live | {"shelfwise_dead_letters", "shelfwise_photos_due"} == set(METRICS)


def test_rules_and_panels_ask_for_metrics_and_labels_that_there_are():
    known = SERIES | RECORDED
    for title, text in expressions():
        names, labels = names_and_labels(text)
        assert names, title
        assert names <= set(known), f"{title}: {names - set(known)}"
        possible = set().union(*(known[name] for name in names))
        assert labels <= possible, f"{title}: {labels - possible}"


def test_check_of_expressions_finds_what_is_wrong():
    names, labels = names_and_labels(
        'sum by (lane) (rate(shelfwise_made_up_total{colour="x"}[5m]))'
    )
    assert names == {"shelfwise_made_up_total"} and labels == {"lane", "colour"}
    with pytest.raises(ValueError):
        names_and_labels("sum by (lane (rate(up[5m]))")


def test_every_metric_is_watched_by_a_rule_or_shown_on_the_dashboard():
    used = set().union(*(names_and_labels(text)[0] for _, text in expressions()))
    unused = {name for name, metric in METRICS.items() if not used & set(samples(metric))}
    assert not unused


def test_every_alert_says_what_is_the_matter_and_what_to_do():
    alerts = rules("alert")
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 10
    for rule in alerts:
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}, rule["alert"]
        assert {"summary", "action"} <= set(rule["annotations"]), rule["alert"]
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]


def test_panels_of_the_dashboard_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24 and not cells & taken, panel["title"]
        taken |= cells


class TestMonitoringProfile:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    def test_its_files_are_there_and_are_mounted(self):
        mounted = {
            one["source"]
            for service in self.compose["services"].values()
            for one in service.get("configs", ())
        }
        assert mounted == set(self.compose["configs"])
        assert all((ROOT / one["file"]).is_file() for one in self.compose["configs"].values())

    def test_prometheus_and_grafana_start_with_it_alone(self):
        for name in ("prometheus", "grafana"):
            assert self.compose["services"][name]["profiles"] == ["monitoring"]

    def test_metrics_of_the_service_are_read_with_a_key_from_a_file(self):
        settings = self.compose["services"]["service"]["environment"]
        assert "SHELFWISE_SERVICE_METRICS_OPEN" not in settings
        assert "SHELFWISE_SERVICE_METRICS_OPEN" not in config_map("shelfwise")["data"]
        (secret,) = self.compose["services"]["prometheus"]["secrets"]
        assert "file" in self.compose["secrets"][secret]
        prometheus = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        jobs = {one["job_name"]: one for one in prometheus["scrape_configs"]}
        given = jobs["shelfwise-service"]["authorization"]
        assert given == {"type": "Bearer", "credentials_file": f"/run/secrets/{secret}"}
        assert "authorization" not in jobs["shelfwise-worker"], "which has a port of its own"

    def test_prometheus_looks_where_the_programs_answer(self):
        prometheus = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        port = int(self.compose["x-shelfwise"]["environment"]["SHELFWISE_INDEXER_METRICS_PORT"])
        jobs = {one["job_name"]: one["dns_sd_configs"][0] for one in prometheus["scrape_configs"]}
        assert jobs["shelfwise-worker"]["port"] == port
        workers = {name for name in self.compose["services"] if "worker" in name}
        assert set(jobs["shelfwise-worker"]["names"]) == workers
        assert jobs["shelfwise-service"]["names"] == ["service"]
        assert jobs["shelfwise-sync"] == {**jobs["shelfwise-worker"], "names": ["sync"]}
        named = {
            match for _, text in expressions() for match in re.findall(r'job="([^"]+)"', text)
        }
        assert named <= set(jobs)


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS)
def test_manifest_fits_the_schema_of_kubernetes(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


def test_schema_finds_what_is_wrong():
    broken = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": {"prts": 1},
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES_VERSIONS[0], strict=True)


@pytest.mark.parametrize("manifest", DEPLOYMENTS)
def test_pods_have_no_rights_that_they_do_not_need(manifest):
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
        assert security["capabilities"]["drop"] == ["ALL"]
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert container["livenessProbe"] and container["startupProbe"]


def test_every_deployment_has_a_budget_and_an_autoscaler():
    by_kind: dict[str, set[str]] = {}
    for one in MANIFESTS:
        by_kind.setdefault(one.values[0]["kind"], set()).add(one.values[0]["metadata"]["name"])
    assert by_kind["Deployment"] == by_kind["PodDisruptionBudget"]
    scaled = by_kind["Deployment"] - {"shelfwise-sync"}  # one process reads a source
    assert scaled == by_kind["HorizontalPodAutoscaler"]


def test_selectors_and_ports_of_the_manifests_lead_somewhere():
    pods = [one.values[0]["spec"]["template"] for one in DEPLOYMENTS]
    labels = [pod["metadata"]["labels"].items() for pod in pods]
    for one in (param.values[0] for param in MANIFESTS):
        spec = one.get("spec", {})
        if one["kind"] == "Service":
            assert any(spec["selector"].items() <= found for found in labels)
        if one["kind"] in ("PodDisruptionBudget", "Deployment"):
            wanted = spec["selector"]["matchLabels"].items()
            assert any(wanted <= found for found in labels), one["metadata"]["name"]
        if one["kind"] == "NetworkPolicy":
            wanted = spec["podSelector"].get("matchLabels", {}).items()
            assert any(wanted <= found for found in labels), one["metadata"]["name"]
    for pod in pods:
        for container in pod["spec"]["containers"]:
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            probes = [container[key] for key in container if key.endswith("Probe")]
            assert all(probe["httpGet"]["port"] in ports for probe in probes)
            scraped = int(pod["metadata"]["annotations"]["prometheus.io/port"])
            assert scraped in ports.values()


def test_autoscalers_ask_for_what_the_adapter_offers():
    adapter = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())
    offered = {rule["name"]["as"] for rule in adapter["rules"]["external"]}
    asked = {
        metric["external"]["metric"]["name"]
        for one in MANIFESTS
        if one.values[0]["kind"] == "HorizontalPodAutoscaler"
        for metric in one.values[0]["spec"]["metrics"]
        if metric["type"] == "External"
    }
    assert asked == offered


def config_map(name: str) -> dict[str, Any]:
    (found,) = (
        one.values[0]
        for one in MANIFESTS
        if (one.values[0]["kind"], one.values[0]["metadata"]["name"]) == ("ConfigMap", name)
    )
    return found


def test_sources_of_the_manifests_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB", "sqlite://")
    for name, text in config_map("shelfwise-sync")["data"].items():
        (tmp_path / name).write_text(text)
    (source,) = read_sources(tmp_path / "sync.toml")
    assert (source.name, source.options.index) == ("shop-db", "products")


def test_settings_of_the_manifests_are_accepted_by_the_programs():
    config = config_map("shelfwise")
    ServiceSettings.from_environment(config["data"])
    IndexerSettings.from_environment(config["data"])


def test_workers_of_the_manifests_serve_every_lane_once():
    lanes = [
        lane
        for one in DEPLOYMENTS
        for container in one.values[0]["spec"]["template"]["spec"]["containers"]
        if container["args"][0] == "worker"
        for lane in container["args"][2].split(",")
    ]
    assert sorted(lanes) == sorted(LANES)


def test_kustomization_names_every_manifest():
    named = documents(KUBERNETES / "kustomization.yaml")[0]["resources"]
    others = {"kustomization.yaml", "prometheus-adapter.yaml", "keda.yaml"}
    assert set(named) == {path.name for path in KUBERNETES.glob("*.yaml")} - others
