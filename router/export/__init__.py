"""What happens to calls, for the monitoring of others: OpenTelemetry metrics and spans, and Prometheus text.

    Router(..., listeners=[OpenTelemetry()])        paceline.router.export.otel, extra ``otel``
    Router(..., listeners=[Prometheus()])           paceline.router.export.prometheus, extra ``prometheus``

Nothing is imported here, so that neither library is needed by who does not use it.
"""
