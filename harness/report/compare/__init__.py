"""Side by side: tables and pictures from result files."""
