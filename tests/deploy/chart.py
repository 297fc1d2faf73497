"""The chart, rendered: what `helm template` would print."""
import copy
import json
import pathlib

import yaml

import template

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "weir"


def chart():
    return yaml.safe_load((CHART / "Chart.yaml").read_text())


def defaults():
    return yaml.safe_load((CHART / "values.yaml").read_text())


def merged(values, over):
    """`over` laid on `values`, map by map, as Helm does; null removes."""
    out = copy.deepcopy(values)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


def templates():
    return {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}


def texts(values, release="test"):
    """The rendered text of each file that makes manifests."""
    renderer = template.Renderer(templates(), chart(), values, release)
    return {path.rsplit("/", 1)[1]: renderer.render(path) for path in sorted(renderer.files)
            if not path.rsplit("/", 1)[1].startswith("_")}


def manifests(over=None, release="test"):
    """What the chart makes, by kind and name."""
    out = {}
    for name, text in texts(merged(defaults(), over or {}), release).items():
        if name == "NOTES.txt":
            continue
        for document in yaml.safe_load_all(text):
            if document is None:
                continue
            key = (document["kind"], document["metadata"]["name"])
            assert key not in out, f"{key} is there twice"
            out[key] = document
    return out


# The sets of values that every check of the chart goes through.
CASES = {
    "default": {},
    "hpa": {"autoscaling": {"type": "hpa", "hpa": {"labels": {"queue": "extract"}}},
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "networkPolicy": {"enabled": True, "metricsFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
                              "egressTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}},
    "keda": {"autoscaling": {"type": "keda", "minReplicas": 0, "maxReplicas": 40, "jobsPerWorker": 2000000},
             "journal": {"type": "pvc", "size": "20Gi", "storageClassName": "shared"}},
    "keda by prometheus": {"autoscaling": {"type": "keda", "keda": {"trigger": "prometheus"}},
                           "journal": {"type": "existingClaim", "existingClaim": "answers"}},
    "everything": {
        "fullnameOverride": "oracle",
        "image": {"repository": "registry.example/weir", "tag": "0.1.0", "pullSecrets": ["pull"]},
        "config": {"VLLM_BASE_URL": "https://llm.example/v1", "VLLM_MODEL": "org/model", "VLLM_TIMEOUT": 2000000,
                   "VLLM_MAX_RETRIES": 0, "VLLM_TEMPERATURE": 0.1, "VLLM_MAX_TOKENS": 4096,
                   "VLLM_API_KEY": {"secretName": "llm-key", "secretKey": "key"}},
        "weir": {"engines": {"main": {"kind": "vllm", "fallback": "second"},
                             "second": {"kind": "ollama", "base_url": "http://ollama:11434", "model": "llama3.1:8b"}}},
        "flows": {"classify.yaml": "name: classify\nnodes:\n  - step: a\n    user: \"{{ document_text }}\"\n",
                  "fact.schema.json": "{\"type\": \"object\"}"},
        "overlay": {"extract": {"variant": "v2", "engine": "second", "model": "llama3.1:8b", "provider": "ollama"}},
        "worker": {"replicas": 5, "extraArgs": ["--exit-when-empty"],
                   "extraEnv": [{"name": "NO_PROXY", "value": ".cluster.local"}], "podLabels": {"team": "a"},
                   "podAnnotations": {"note": "yes: really"}, "nodeSelector": {"kind": "cpu"},
                   "tolerations": [{"key": "spot", "operator": "Exists"}], "priorityClassName": "batch",
                   "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                       "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In",
                                                                    "values": ["a"]}]}]}}},
                   "drainSeconds": 300, "slowAfterSeconds": 20},
        "podDisruptionBudget": {"maxUnavailable": "50%"},
        "serviceAccount": {"annotations": {"role": "arn:aws:iam::1:role/weir"}},
        "metrics": {"port": 9100},
    },
    "little": {"migrate": {"enabled": False}, "podDisruptionBudget": {"enabled": False}, "existingFlows": "flows",
               "config": {"VLLM_API_KEY": None},
               "worker": {"topologySpreadConstraints": [], "flows": ["a.yaml", "b.yaml"]}},
    "queues": {"worker": {"queues": ["extract", "classify"]}},
}


if __name__ == "__main__":
    # For kubernetes.test.mjs: what each case makes, and the values that it is made of.
    print(json.dumps({name: {"values": merged(defaults(), case), "manifests": list(manifests(case).values())}
                      for name, case in CASES.items()}))
