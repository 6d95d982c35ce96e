"""Charts of the report: SVG drawn as text, coloured by the page's style sheet."""
