"""What is brought for a deployment, and the guide to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNIT = (DEPLOY / "paceline.service").read_text(encoding="utf-8")
RECIPE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
ALERTS = (DEPLOY / "alerts.yml").read_text(encoding="utf-8")
PAGE: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
