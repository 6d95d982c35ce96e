"""The report: pages that open from disk, with every number's samples behind it."""
