"""What tables and pictures claim, withhold and refuse."""
