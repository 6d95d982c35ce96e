"""The dashboard: runs and reports below a folder, seen in a browser while they come to be."""
