"""Evidence in, judgement out: funnel, verdict, probes."""
