"""The only mutations that people make: each checked, reasoned and audited."""
