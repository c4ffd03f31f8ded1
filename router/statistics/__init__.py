"""What is known of latency: distributions of what was measured, beliefs where nothing was, and predictions of both."""
