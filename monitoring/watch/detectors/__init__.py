"""What ails the system: facts in, findings out; and what proves that a finding is over. Pure.

No detector looks at decisions, signals or trades: that nothing is traded makes nothing unhealthy, so that holding
entries can never be the reason for holding them on.
"""
