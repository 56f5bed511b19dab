"""Numbers as every language here writes them: 10,412.38. A comma would end a style's or a drawing's number."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
