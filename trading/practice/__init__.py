"""The other side of the wire: an exchange to practise on. It imports nothing of the stages."""
