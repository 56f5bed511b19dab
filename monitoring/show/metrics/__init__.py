"""What Prometheus reads: every law, code, module, queue, incident, alert and drill as numbers. Unknown is absent."""
